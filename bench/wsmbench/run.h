/*
 * One run: what the main thread and the loops share.
 *
 * The main thread conducts: it sets the phase and the times, wakes the loops, and waits for
 * them to report. A loop writes only its own counters. Everything else here is constant once
 * the loops have started.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "broadcast.h"
#include "options.h"
#include "payload.h"
#include "progress.h"

enum phase {
	PHASE_OPEN,  /* open connections up to the target */
	PHASE_LOAD,  /* the mode's own work, between start_ns and end_ns */
	PHASE_DRAIN, /* send nothing new, wait for what is outstanding */
	PHASE_CLOSE, /* close every connection politely */
	PHASE_END    /* leave */
};

struct run;
struct loop;
struct client;
struct client_end;
struct ws_event;
struct report;

/*
 * What makes a mode. start, conduct, tell and stop are called on the main thread, the others by
 * a loop. All but conduct and tell may be NULL.
 */
struct mode {
	const char *done_means;    /* what gauges.done counts, in the plural */
	const char *waiting_means; /* what gauges.waiting does; NULL: nothing */
	bool reopens;              /* a closed connection goes back to be opened again */
	MUST_CHECK int (*start)(struct loop *l); /* 0 or WSMD_ENOMEM */
	void (*on_open)(struct client *c);
	void (*on_message)(struct client *c, const struct ws_event *ev, uint64_t now_ns);
	void (*on_batch_end)(struct client *c); /* all that one read brought was handed over */
	void (*on_writable)(struct client *c);  /* a blocked connection may send again */
	void (*on_leave)(struct client *c);     /* open until now, will be closed politely */
	/* The connection fails, or the server closes it; true: that is no error here. */
	bool (*on_end)(struct client *c, const struct client_end *e);
	void (*on_closed)(struct client *c); /* has become CLOSED, whatever the reason */
	void (*on_control)(struct loop *l, uint32_t events); /* readiness of LOOP_CONTROL_TOKEN */
	void (*turn)(struct loop *l);                        /* once a turn, before waiting */
	void (*conduct)(struct run *r, struct report *report);
	void (*tell)(const struct run *r,
	             struct report *report); /* the results, loops have ended */
	void (*stop)(struct loop *l);
};

#define MODE_CALL(mode, hook, ...) ((mode)->hook ? (mode)->hook(__VA_ARGS__) : (void)0)

extern const struct mode mode_echo, mode_idle, mode_connect, mode_fanout, mode_slow, mode_push,
	mode_storm;

struct run {
	const struct options *options;
	const struct mode *mode;
	struct payload payload;     /* all but connect; idle --size */
	struct broadcast broadcast; /* fanout and slow */
	struct loop *loops;
	uint32_t n_loops;

	_Atomic uint32_t phase;  /* enum phase; written with release after the times */
	_Atomic uint32_t target; /* connections to open, all loops together */
	_Atomic uint64_t start_ns, measure_ns, end_ns;

	int poll, wake, signals; /* the main thread waits here; loops os_wake() @wake */
#define RUN_CONTROL_TOKEN 3      /* in poll: the session of the broadcast's sender */
	bool interrupted;
	struct progress progress;
};

/*
 * Creates the descriptors and starts the loops. Returns 0, or negative: then the process must
 * end, because loops that were started already are not stopped.
 */
MUST_CHECK int run_start(struct run *r, const struct options *o, const struct mode *m);

/* Ends the loops and waits for them. Their results stay until run_fini(). */
void run_join(struct run *r);
void run_fini(struct run *r);

/* When message @k of the run is due, with --rate. */
uint64_t run_due_ns(const struct run *r, uint64_t k);

/* Move on and wake every loop. */
void run_enter(struct run *r, enum phase p);

/* ---- steps of a run ---- */

/* Open every connection, until @done. Returns false when there is no point in going on. */
bool run_open_all(struct run *r, struct report *report, bool (*done)(const struct run *r));

/* The load begins now, and is measured after the warm-up. */
void run_load(struct run *r, double warmup_s, double seconds);

/* The load, measured, and what is outstanding behind it; @is_over ends it early. */
void run_measure(struct run *r, struct report *report, bool (*is_over)(const struct run *r));

/* No more load: wait until @is_over for what is outstanding. */
void run_drain(struct run *r, bool (*is_over)(const struct run *r));

/* Say goodbye on every connection. */
void run_close(struct run *r);

/**
 * Wait until @done says so, until @until_ns, or until a signal; prints progress.
 *
 * Returns: false when a signal has ended the run early, now or before
 */
bool run_wait(struct run *r, uint64_t until_ns, bool (*done)(const struct run *r));

/* Conditions for run_wait(). */
bool run_never(const struct run *r);
bool run_all_tried(const struct run *r); /* every connection up to the target is open or failed */
bool run_all_quiet(const struct run *r); /* nothing is outstanding and nothing will be sent */
bool run_all_closed(const struct run *r);
bool run_gave_up(const struct run *r); /* no loop can do anything useful any more */

uint32_t run_open_count(const struct run *r); /* connections open now */
