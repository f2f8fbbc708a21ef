/*
 * One thread of wsmbench: its poll loop, its share of the connections, its buffers, its results.
 *
 * Connection i of a run belongs to loop i % n. Buffers are the loop's: a connection that has
 * nothing half-read or half-written holds none.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "failure.h"
#include "os/os.h"
#include "run.h"
#include "schedule.h"
#include "stats/histogram.h"
#include "ws/receiver.h"

#define LOOP_READ_BYTES (64 * 1024)

/* In the loop's poll, for a control session of the mode. */
#define LOOP_CONTROL_TOKEN (UINT64_MAX - 2)

/* Failures one after the other, with no success between, after which a loop opens no more. */
#define LOOP_GIVE_UP 100

/* Written by the loop, read by main at any time; relaxed, each stands for itself. */
struct loop_gauges {
	_Atomic uint32_t tried;   /* connections that were opened or have failed */
	_Atomic uint32_t open;    /* now */
	_Atomic uint32_t closed;  /* not even opening, now */
	_Atomic uint32_t waiting; /* now, as mode->waiting_means says */
	_Atomic uint32_t failed;  /* connections, so far */
	_Atomic uint64_t done;    /* so far, as mode->done_means says */
	_Atomic bool quiet, gave_up;
};

struct loop {
	/* this thread's alone while it runs; main reads results after it has ended */
	struct run *run;
	struct client *clients;
	struct list ready;   /* not connected; opened in this order */
	struct list pending; /* connecting, asking or closing: oldest first */
	uint32_t index, n_clients;
	uint32_t opened;  /* connections taken from ready so far */
	uint32_t opening; /* of them, not yet open */
	uint32_t opening_max;
	uint32_t failed_in_a_row;
	int poll, wake, timer;
	uint64_t wake_ns; /* next thing of the mode is due; NEVER_NS: nothing is */
	uint64_t source;  /* counts source addresses */
	uint64_t random;
	struct ws_limits limits;
	uint8_t *in;      /* WS_MAX_TAIL + LOOP_READ_BYTES */
	uint8_t *scratch; /* frames of one write */
	size_t scratch_cap;
	struct os_thread thread;
	void *mode_state;

	struct histogram handshake; /* connect() to 101 [ns] */
	struct histogram latency;   /* due or sent, to reply or delivery [ns] */
	struct histogram lag;       /* --rate: due to written [ns] */
	struct schedule schedule;   /* echo and push */
	struct failures failures;
	uint64_t pings, messages_in;
	uint64_t counted; /* done within the measurement */

	CACHE_ALIGNED struct loop_gauges gauges;
};

/* Of @total things that are dealt round the loops, how many are for loop @index. */
static inline uint64_t loop_share(uint64_t total, const struct run *r, uint32_t index)
{
	return total / r->n_loops + (index < total % r->n_loops ? 1 : 0);
}

/* @l is zeroed. Allocates and opens everything but starts nothing. 0 or negative. */
MUST_CHECK int loop_init(struct loop *l, struct run *r, uint32_t index);
MUST_CHECK int loop_start(struct loop *l);
void loop_fini(struct loop *l);

/* The loop's view of the run. */
static inline enum phase loop_phase(const struct loop *l)
{
	return (enum phase)atomic_load_explicit(&l->run->phase, memory_order_acquire);
}

/* Does a thing that happened at @ns belong to the measurement? */
static inline bool loop_measures(const struct loop *l, uint64_t ns)
{
	/* relaxed: main moves the end only to cut a run short, and a turn late is early enough */
	return ns >= atomic_load_explicit(&l->run->measure_ns, memory_order_relaxed) &&
	       ns < atomic_load_explicit(&l->run->end_ns, memory_order_relaxed);
}

/* Four bytes that the server cannot know in advance. */
uint32_t loop_mask_key(struct loop *l);

/* One writer for each gauge, so plain arithmetic on a relaxed load is enough. */
#define GAUGE_ADD(gauge, n)                                                                        \
	atomic_store_explicit(&(gauge),                                                            \
	                      atomic_load_explicit(&(gauge), memory_order_relaxed) + (n),          \
	                      memory_order_relaxed)
#define GAUGE_GET(gauge) atomic_load_explicit(&(gauge), memory_order_relaxed)
