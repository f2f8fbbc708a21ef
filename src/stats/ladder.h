/*
 * A histogram that is small enough for a block of counters: each power of two is divided into
 * two steps, so a value read back is at most half above one that was counted. For what is counted
 * for each worker and lasts as long as the process; stats/histogram.h is finer, and 60 times as
 * large.
 *
 * The unit is the caller's; in microseconds the last step but one ends at 33 s.
 *
 * Thread: any; pure.
 */
#pragma once

#include <stdint.h>

#define LADDER_STEPS 50 /* the last one has no end */

/* The step that @value belongs to. */
static inline unsigned ladder_step(uint64_t value)
{
	if (value < 2)
		return 0;

	const unsigned log = 63 - (unsigned)__builtin_clzll(value);
	const unsigned step = 2 * log + (value >> (log - 1) & 1);

	return step < LADDER_STEPS ? step : LADDER_STEPS - 1;
}

/* The greatest value of a step but the last. Step 1 is empty: it would be 1.5. */
static inline uint64_t ladder_end(unsigned step)
{
	const uint64_t power = UINT64_C(1) << (step / 2);

	return step % 2 == 0 ? power + power / 2 - (step > 0) : 2 * power - 1;
}

/**
 * The value that a share of @q of all does not exceed, between the ends of its step by its place
 * in there.
 *
 * @count  of each step
 * @max    the greatest value of all: nothing above it is returned
 *
 * Returns: 0 when nothing was counted
 */
uint64_t ladder_quantile(const uint64_t count[LADDER_STEPS], double q, uint64_t max);
