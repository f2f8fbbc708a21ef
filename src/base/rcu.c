/* The address that stands for "a grace period" in ThreadSanitizer's eyes. */
#include "base/rcu.h"

#ifdef WSMD_TSAN
char rcu_tsan_tag;
#else
typedef int rcu_not_empty; /* ISO C forbids an empty translation unit */
#endif
