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
	uint64_t memory_bytes;      /* resident set of the process */
	uint64_t connections_limit; /* limits.max_connections, or what the descriptors allow */
	uint64_t sum[STAT_COUNT];
	uint32_t n_workers;
	struct stats_worker {
		uint64_t connections, turns, inbox_depth;
		uint64_t value[STAT_OF_WORKER_COUNT]; /* of its block, from STAT_OF_WORKER on */
	} worker[STATS_MAX_WORKERS];
};

/* One of the values that are kept for each worker, from its first id. */
static inline uint64_t stats_of_worker(const struct stats_worker *w, unsigned id)
{
	return w->value[id - STAT_OF_WORKER];
}

/* Its turn times, quantiles of them in microseconds. */
uint64_t stats_turn_quantile_us(const struct stats_worker *w, double q);

/* 0 before its first turn. */
double stats_turn_mean_us(const struct stats_worker *w);

/* After the last block was summed: frames are added up, so that nobody has to count them where
 * messages are counted already. And a gauge that was raised in one block when that had been read,
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
const char *stats_pool_label(unsigned i);

/* "basic.errors": first the rules of WebSockets, then the faults of requests but for HTTP_OK. */
#define STATS_ERROR_COUNT ((unsigned)WS_RULE_COUNT + HTTP_FAULT_COUNT - 1)
const char *stats_error_label(unsigned i);
const char *stats_error_text(unsigned i);
uint16_t stats_error_code(unsigned i); /* of the close frame, or the status of the answer */
unsigned stats_error_id(unsigned i);

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
