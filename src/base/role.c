/* The role objects exist only for the compiler's analysis. */
#include "base/role.h"

struct thread_role role_main, role_acceptor, role_worker;
