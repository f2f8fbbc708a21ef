/*
 * What main says when memory runs short: whether newcomers are let in, and how much of what it
 * holds each worker is to let go.
 *
 * Thread: main writes; the acceptor and the workers read, once a turn. Relaxed: each of the two
 * is complete by itself.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

struct pressure {
	_Atomic bool full;       /* newcomers are refused */
	_Atomic uint32_t rounds; /* orders to let a part of what is held go, so far */
} CACHE_ALIGNED;

static inline bool pressure_full(const struct pressure *p)
{
	return atomic_load_explicit(&p->full, memory_order_relaxed);
}
