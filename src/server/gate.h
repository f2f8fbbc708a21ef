/*
 * The gate through which other threads of the process reach a server: who is inside may push into
 * its inboxes. Before the order to stop is given the gate is closed, and when nobody is inside
 * any more, nothing reaches a thread that has ended.
 *
 * Thread: gate_enter(), gate_leave() any; gate_close(), gate_empty() main.
 * Cost:   one locked addition each way, for each call from outside; nothing for each message.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define GATE_CLOSED (1u << 31)

struct gate {
	_Atomic uint32_t state; /* who is inside, and GATE_CLOSED */
};

static inline void gate_leave(struct gate *g)
{
	/* Release: what was pushed inside comes before the order to stop. */
	atomic_fetch_sub_explicit(&g->state, 1, memory_order_release);
}

/* False: closed. True: to be followed by gate_leave(), soon and without waiting. */
static inline bool gate_enter(struct gate *g)
{
	if ((atomic_fetch_add_explicit(&g->state, 1, memory_order_acquire) & GATE_CLOSED) == 0)
		return true;
	gate_leave(g);
	return false;
}

static inline void gate_close(struct gate *g)
{
	atomic_fetch_or_explicit(&g->state, GATE_CLOSED, memory_order_relaxed);
}

/* Closed, and nobody is inside. Who tries to enter is seen for a moment: ask again. */
static inline bool gate_empty(const struct gate *g)
{
	return atomic_load_explicit(&g->state, memory_order_acquire) == GATE_CLOSED;
}
