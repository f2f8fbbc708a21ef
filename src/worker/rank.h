/*
 * REQUEST_RANK: which connections come first by a key. A worker with a hundred thousand of them
 * looks at a thousand in each turn, so that nobody waits for who is only looking.
 *
 * How busy a connection is takes two looks. What the last one saw is remembered by its place in
 * the slab, as long as somebody looks now and then, and for the first look its whole life has to
 * do.
 *
 * Thread: the worker.
 */
#pragma once

#include "base/role.h"
#include "shard/request.h"

struct worker;

/* What the last look at each place has seen. */
struct rank_memory {
	struct rank_seen {
		uint32_t generation; /* of the slab: who it was */
		uint32_t messages;   /* both ways, modulo 2^32 */
		uint32_t at_ms;      /* monotonic [ms], truncated */
		uint32_t rate_milli; /* then */
	} * seen;
	uint32_t n;
	uint64_t used_ms; /* last look at all, monotonic [ms] */
};

/* Begin; answered when the walk is at its end. */
void rank_begin(struct worker *w, struct request *r) ON_WORKER;

/* This turn's share of walking; forgets what nobody has asked for in a while. */
void rank_step(struct worker *w) ON_WORKER;

void rank_fini(struct rank_memory *m);
