/*
 * Closing everybody: at a pace (drain) or by a deadline (stop). Both walk the connections with
 * a cursor, a bounded number in a turn, so that those who are still there are served meanwhile.
 *
 * Thread: the worker.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/role.h"

struct worker;

enum leave_kind {
	LEAVE_NO,
	LEAVE_DRAIN,
	LEAVE_STOP
};

struct leave {
	enum leave_kind kind;
	uint32_t cursor;             /* next index of the connection slab */
	uint64_t closed;             /* told to close so far */
	uint64_t began_ms, until_ms; /* monotonic [ms] */
};

/* Begin. A stop overrides a drain; a second drain changes nothing. */
void leave_begin(struct worker *w, enum leave_kind kind) ON_WORKER;

/* The deadline of a stop that has begun is now. */
void leave_now(struct worker *w) ON_WORKER;

/* This turn's share. */
void leave_step(struct worker *w) ON_WORKER;

/* Is a stop complete? */
bool leave_done(const struct worker *w) ON_WORKER;

/* Are newcomers turned away? */
static inline bool leave_refuses(const struct leave *l)
{
	return l->kind != LEAVE_NO;
}
