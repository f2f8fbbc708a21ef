/*
 * Closing everybody: at a pace (drain) or by a deadline (stop). Both walk the connections, the
 * sickest first, a bounded number in a turn, so that those who are still there are served
 * meanwhile.
 *
 * The pace of a drain is the server's. At each step a worker has the part of it that belongs to
 * its share of all open connections, or of all sick ones as long as any worker has one: so the
 * sum is exact, however unevenly users are spread, and sick ones go first everywhere.
 *
 * Every close frame carries a hint when to come back. It differs from peer to peer, so that those
 * who are closed together do not return together.
 *
 * Thread: the worker.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/role.h"
#include "worker/sickest.h"

struct worker;

enum leave_kind {
	LEAVE_NO,
	LEAVE_DRAIN,
	LEAVE_STOP
};

struct leave {
	enum leave_kind kind;
	struct sickest walk;
	uint64_t owed;                 /* that may be told to close now [1/OWED_EACH of one] */
	uint64_t stepped_ms, until_ms; /* monotonic [ms] */
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
