/*
 * The round trips of all pings, summed up: from the steps of the ladder that each worker counts
 * them by, and from its shortest and longest.
 *
 * Thread: any; pure.
 */
#pragma once

#include "stats/snapshot.h"

/* Of one that was measured. Thread: the writer of @b. */
void round_trips_count(struct stats_block *b, uint32_t us);

/* All zero when none was measured. */
struct round_trips {
	uint64_t count, min_us, max_us;
	uint64_t p50_us, p90_us, p99_us; /* by their place within a step of the ladder */
	double mean_us;
};
void round_trips_sum(const struct stats_snapshot *s, struct round_trips *ret);
