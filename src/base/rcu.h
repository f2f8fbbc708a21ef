/*
 * Read-copy-update, the only way liburcu's RCU is used here.
 *
 * liburcu's own inline functions hide their ordering from ThreadSanitizer, so the pointer is
 * a C11 atomic, the library's out-of-line calls are used, and two notes tell the sanitizer
 * what a grace period means. Every thread registers in its common entry function, nowhere
 * else. A read section contains nothing that can block, log or allocate: it copies out.
 */
#pragma once

#include <stdatomic.h>
#include <urcu/urcu-memb.h>

#ifdef WSMD_TSAN
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
extern char rcu_tsan_tag;
#define TSAN_ACQUIRE(addr) __tsan_acquire(addr)
#define TSAN_RELEASE(addr) __tsan_release(addr)
#else
#define TSAN_ACQUIRE(addr) ((void)0)
#define TSAN_RELEASE(addr) ((void)0)
#endif

static inline void rcu_thread_enter(void)
{
	urcu_memb_register_thread();
}

static inline void rcu_thread_leave(void)
{
	urcu_memb_unregister_thread();
}

static inline void rcu_enter(void)
{
	urcu_memb_read_lock();
}

static inline void rcu_leave(void)
{
	TSAN_RELEASE(&rcu_tsan_tag); /* my reads are done ... */
	urcu_memb_read_unlock();
}

/* Returns when every read section that was open has ended. Never call it inside one. */
static inline void rcu_wait(void)
{
	urcu_memb_synchronize_rcu();
	TSAN_ACQUIRE(&rcu_tsan_tag); /* ... before the writer frees */
}

#define rcu_load(pp)     atomic_load_explicit((pp), memory_order_acquire)
#define rcu_swap(pp, np) atomic_exchange_explicit((pp), (np), memory_order_acq_rel)
