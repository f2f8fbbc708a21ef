/*
 * A worker: one thread that owns its users, their connections and everything about them.
 *
 * Nothing in here is locked. Other threads reach a worker through its inbox only; they may read
 * its statistics block. What a reload changes is copied into `view` at the start of a turn.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/log.h"
#include "base/role.h"
#include "base/slab.h"
#include "conf/cell.h"
#include "hub/registry.h"
#include "net/wheel.h"
#include "os/os.h"
#include "shard/inbox.h"
#include "shard/pressure.h"
#include "shard/sources.h"
#include "shard/tap.h"
#include "stats/counters.h"
#include "worker/deliver.h"
#include "worker/hooks.h"
#include "worker/leave.h"
#include "worker/rank.h"
#include "worker/recorder.h"
#include "worker/shed.h"
#include "ws/receiver.h"

/* One read takes at most this; replies to what it held never need more. */
#define WORKER_READ_BYTES (64 * 1024)
#define WORKER_EVENTS     512

/* What a turn may read in addition, from connections that have more than that to say. */
#define WORKER_EXTRA_BYTES (4 * 1024 * 1024)

/* The numbers of the configuration that a worker uses, constant during a turn. */
struct worker_view {
	struct ws_limits ws;
	struct conf_heartbeat heartbeat;
	struct conf_limits limits;
	struct conf_shutdown shutdown;
	struct conf_drain drain;
	uint32_t
		stall_ms; /* not being run for so long costs a peer half of his shortest deadline */
};

/* What a worker is told at birth. */
struct worker_setup {
	uint32_t index, n_workers;
	uint32_t inbox_items; /* limits.inbox_items */
	struct conf_recorder recorder;
	struct siphash_key key;               /* of the user hash and all tables */
	struct conf_cell *conf;               /* shared, read-only here */
	struct stats_block *stats;            /* written by this worker alone */
	const struct stats_block *colleagues; /* blocks of all workers, by their index */
	const struct pressure *pressure;      /* what main says about memory */
	struct sources *sources;              /* told when a connection of an address has left */
	struct inbox *to_main;                /* where ITEM_STOPPED goes */
	struct log *log;                      /* of the manager */
	struct worker_hooks hooks;
};

struct conn_list {
	struct conn *first, **end;
};

struct worker {
	struct worker_setup is; /* constant */

	/* Owner only. */
	int poll OWNED_BY_WORKER;
	uint64_t now_ms OWNED_BY_WORKER;     /* time of this turn, monotonic [ms] */
	uint64_t began_us OWNED_BY_WORKER;   /* the same, monotonic [us] */
	uint64_t resumed_ms OWNED_BY_WORKER; /* end of the last stall, monotonic [ms]; 0: none */
	uint64_t late_ms OWNED_BY_WORKER;    /* the same of the last hiccup, see note_time() */
	uint64_t conf_seen OWNED_BY_WORKER;
	struct worker_view view OWNED_BY_WORKER;
	struct log_gate refusals OWNED_BY_WORKER;
	struct wheel wheel OWNED_BY_WORKER;
	uint32_t
		own_stall_ms OWNED_BY_WORKER; /* for connections with times of their own; 0: none */
	uint32_t rearm_at OWNED_BY_WORKER; /* next connection whose timer a new view may change */
	struct slab conns OWNED_BY_WORKER;
	struct slab send_nodes OWNED_BY_WORKER;
	struct recorders recorders OWNED_BY_WORKER;
	struct registry registry OWNED_BY_WORKER;
	/* With output queued by others, in order: this turn's ... */
	struct conn_list dirty OWNED_BY_WORKER;
	struct conn_list crowd OWNED_BY_WORKER;       /* ... and receivers of messages to many */
	struct conn *closed OWNED_BY_WORKER;          /* whose memory is reused after the turn */
	uint32_t ranks[HEALTH_RANKS] OWNED_BY_WORKER; /* open connections of each */
	struct list pingers OWNED_BY_WORKER;          /* requests that wait for a pong */
	struct list ranks_asked OWNED_BY_WORKER;      /* requests that walk */
	struct rank_memory rank_memory OWNED_BY_WORKER;
	struct tap *taps OWNED_BY_WORKER; /* few */
	struct delivery delivery OWNED_BY_WORKER;
	struct leave leave OWNED_BY_WORKER;
	struct shed shed OWNED_BY_WORKER;
	struct conn *unannounced OWNED_BY_WORKER; /* being opened: on_open has not been called */
	struct conn *current OWNED_BY_WORKER;     /* whose replies are being collected in `out` */
	uint8_t *in OWNED_BY_WORKER, *out OWNED_BY_WORKER;
	size_t out_len OWNED_BY_WORKER;
	size_t extra_bytes OWNED_BY_WORKER;    /* left of WORKER_EXTRA_BYTES */
	uint32_t full_batches OWNED_BY_WORKER; /* turns in a row that had more events than room */
	uint32_t pools_seen OWNED_BY_WORKER;   /* changes of the pools that the statistics know */
	bool untrimmed OWNED_BY_WORKER;        /* more may be held than is needed ... */
	uint64_t untrimmed_ms OWNED_BY_WORKER; /* ... since then, monotonic */
	bool again OWNED_BY_WORKER;            /* there is work that no descriptor will announce */
	struct os_event events[WORKER_EVENTS] OWNED_BY_WORKER;

	/* Written by everyone: in lines of its own. */
	struct inbox inbox;
	struct order stopped; /* sent to main as the last act */
};

/* 0 or a negative error. Thread: main, before the worker's thread starts. */
MUST_CHECK int worker_init(struct worker *w, const struct worker_setup *setup);

/* After the thread ended. Everything must be closed. */
void worker_fini(struct worker *w);

/* When a peer's time began: what passed before a stall's end is not held against him. */
static inline uint64_t worker_since(const struct worker *w, uint64_t began_ms) ON_WORKER;
static inline uint64_t worker_since(const struct worker *w, uint64_t began_ms)
{
	return began_ms > w->resumed_ms ? began_ms : w->resumed_ms;
}

/*
 * A connection keeps its times as stamps: monotonic [ms], truncated to 32 bits. A stamp means the
 * moment nearest to now that has these bits, so it must be used within 24 days. What is kept so
 * ends sooner: no silence lasts longer than heartbeat.timeout_s times grace_factor (10 days),
 * nothing that is begun, blocked or closing longer than a day.
 *
 * Where 0 says "not so", a moment whose bits are 0 is kept as the millisecond before it.
 */
static inline uint32_t worker_stamp(const struct worker *w) ON_WORKER;
static inline uint32_t worker_stamp(const struct worker *w)
{
	const uint32_t ms = (uint32_t)w->now_ms;

	return ms != 0 ? ms : UINT32_MAX;
}

static inline uint64_t worker_whole_ms(const struct worker *w, uint32_t stamp) ON_WORKER;
static inline uint64_t worker_whole_ms(const struct worker *w, uint32_t stamp)
{
	const int32_t ahead_ms = (int32_t)(stamp - (uint32_t)w->now_ms);

	return w->now_ms + (uint64_t)(int64_t)ahead_ms;
}

/* Memory was freed that is kept for the next, and need not be for long. */
static inline void worker_untrimmed(struct worker *w) ON_WORKER;
static inline void worker_untrimmed(struct worker *w)
{
	if (!w->untrimmed)
		w->untrimmed_ms = w->now_ms;
	w->untrimmed = true;
}

/* Sleep until something happens, handle it. False: the worker has stopped. */
bool worker_turn(struct worker *w) ON_WORKER;

/* Somebody's shortest deadline is so short: stalls that would cost him half of it are noticed. */
void worker_note_deadline(struct worker *w, uint64_t shortest_ms) ON_WORKER;

/* Tell main: the last act, after the last turn. */
void worker_ended(struct worker *w) ON_WORKER;

/* Thread body: turns until the stop is complete. */
void *worker_main(void *worker);
