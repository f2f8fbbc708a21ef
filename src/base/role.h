/*
 * Thread roles, checked by clang's -Wthread-safety and invisible to other compilers.
 *
 * A role names a kind of thread: functions say which role they need, fields say which role
 * owns them, and each thread body enters its role once. Calls through function pointers are
 * not followed, so a callback carries the annotation itself. docs/threads.md has the table
 * of what is shared between roles.
 */
#pragma once

#if defined(__clang__)
#define ROLE_ATTR(x) __attribute__((x))
#else
#define ROLE_ATTR(x)
#endif

struct ROLE_ATTR(capability("role")) thread_role {
	int unused;
};

extern struct thread_role role_main, role_acceptor, role_worker;

#define ON_MAIN     ROLE_ATTR(requires_capability(role_main))
#define ON_ACCEPTOR ROLE_ATTR(requires_capability(role_acceptor))
#define ON_WORKER   ROLE_ATTR(requires_capability(role_worker))

#define OWNED_BY_MAIN     ROLE_ATTR(guarded_by(role_main))
#define OWNED_BY_ACCEPTOR ROLE_ATTR(guarded_by(role_acceptor))
#define OWNED_BY_WORKER   ROLE_ATTR(guarded_by(role_worker))

/* First statement of a thread body; a test that plays a thread calls it too. */
static inline void role_enter(struct thread_role *r) ROLE_ATTR(assert_capability(r));
static inline void role_enter(struct thread_role *r)
{
	(void)r;
}
