/*
 * The statistics of one moment: what main sums once a second and publishes by RCU.
 *
 * Thread: the publisher is main; anyone copies it out with stats_cell_read().
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "stats/counters.h"

#define STATS_MAX_WORKERS 256

struct stats_snapshot {
	uint64_t uptime_ms;
	uint64_t memory_bytes; /* resident set of the process */
	uint64_t sum[STAT_COUNT];
	uint32_t n_workers;
	struct stats_worker {
		uint64_t connections, turns, inbox_depth;
	} worker[STATS_MAX_WORKERS];
};

/* After the last block was summed: a gauge that was raised in one block when that had been read,
 * and lowered in one that had not, would be below 0. It is 0 then. */
void stats_settle(uint64_t sum[STAT_COUNT]);

struct stats_cell {
	_Atomic(struct stats_snapshot *) now;
};

/* Replace and free the last one after a grace period. @next is owned by the cell; NULL empties
 * it. Never inside a read section. */
void stats_cell_publish(struct stats_cell *cell, struct stats_snapshot *next);

/* False: nothing was published yet. */
bool stats_cell_read(struct stats_cell *cell, struct stats_snapshot *ret);

/* Prometheus text exposition format 0.0.4; names wsmd_*. */
void stats_print_prometheus(const struct stats_snapshot *s, FILE *out);

/* Labels of the families of counters by their index, for renderings. */
const char *stats_close_label(unsigned i);
const char *stats_refusal_label(unsigned i);
const char *stats_protocol_label(unsigned i);

/* Walk of the scalar rows, for other renderings. */
enum stats_kind {
	STATS_gauge,
	STATS_counter,
	STATS_counter_us
};
struct stats_row {
	const char *group, *name, *help;
	enum stats_kind kind;
};
const struct stats_row *stats_row(unsigned id); /* id < STAT_CLOSES */

/* docs/statistics.md */
void stats_print_reference(FILE *out);
