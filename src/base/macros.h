/* Attributes, assertions and the few macros every file may use. */
#pragma once

#include <assert.h> /* static_assert */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define MUST_CHECK       __attribute__((warn_unused_result))
#define PRINTF(fmt, arg) __attribute__((format(printf, fmt, arg)))
#define NORETURN         __attribute__((noreturn))
#define COLD             __attribute__((cold, noinline))
#define NOINLINE         __attribute__((noinline)) /* so that its stack is not its caller's */
#define UNUSED           __attribute__((unused))

/* Two lines, because the adjacent-line prefetcher moves them in pairs. */
#define CACHE_LINE    64
#define CACHE_ALIGNED __attribute__((aligned(2 * CACHE_LINE)))

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/**
 * Programmer errors end the process, in release builds too: a supervisor restarts it, and a
 * corrupted table is worse than a short absence. Peer input is answered, never asserted.
 */
#define ASSERT(x) (LIKELY(x) ? (void)0 : assert_failed(#x, __FILE__, __LINE__))

/* A place that no correct program reaches. */
#define UNREACHABLE() assert_failed("unreachable", __FILE__, __LINE__)

/* Whole-structure validation, in test builds only. */
#ifdef WSMD_DEBUG_ASSERT
#define DEBUG_ASSERT(x) ASSERT(x)
#else
#define DEBUG_ASSERT(x) ((void)0)
#endif

NORETURN COLD void assert_failed(const char *what, const char *file, int line);
