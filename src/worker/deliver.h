/*
 * REQUEST_SEND: one message to everybody its target names, by reference, and what became of it.
 *
 * In one turn only so much is queued that pings, replies and other users do not wait long, and of
 * what was queued for many only a share is written (worker.crowd): several messages to the same
 * crowd meet in its queues and leave with one write for each. What goes to more than a turn can
 * queue in a group, a hub or to everyone (a user has all of his connections at once) rests at the
 * end of the turn and goes on in the next one. As long as one rests, nothing is taken from the
 * inbox: what was asked for later happens later, so everybody gets messages in the
 * order of their requests, and nobody joins or opens in the middle of a walk.
 *
 * Thread: the worker.
 */
#pragma once

#include "worker/route.h"

struct delivery {
	struct request *resting; /* NULL: none */
	struct route at;
	uint32_t places;   /* that may still be looked at in this turn */
	uint32_t per_turn; /* of them */
	bool to_many;      /* what is being queued is for a group, a hub or everyone */
};

void deliver_init(struct delivery *d);

/* Begin a turn: what rests goes on. */
void deliver_turn(struct worker *w) ON_WORKER;

/* Answers @r, in this turn or in a later one. None may rest. */
void deliver_begin(struct worker *w, struct request *r) ON_WORKER;

/* Is this turn's share used up? */
static inline bool deliver_spent(const struct delivery *d)
{
	return d->places == 0;
}
