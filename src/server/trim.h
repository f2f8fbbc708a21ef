/*
 * When to ask the allocator for what it keeps of freed memory. After a peak that can be almost
 * all that the process has; asking for it takes milliseconds, in which who allocates waits.
 *
 * So it is asked when a peak is over: the memory has not grown for a while. When it had little to
 * give, the next time is after twice the wait, unless the process has grown since or connections
 * have gone.
 *
 * Thread: whoever owns the struct; pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TRIM_CALM_MS 3000             /* without growth */
#define TRIM_MOST_MS (10 * 60 * 1000) /* between two times that gave little */

/* All zero: nothing is known. */
struct trim {
	uint64_t calm_ms;    /* it has not grown since, monotonic [ms] */
	uint64_t weighed;    /* resident then [bytes] */
	uint64_t trimmed_ms; /* last time */
	uint64_t left;       /* resident after it [bytes] */
	uint64_t conns;      /* connections then */
	uint32_t wait_ms;    /* from the last time to the next; 0: no wait */
};

/* Look at the resident memory. True: ask now. */
bool trim_is_due(struct trim *t, uint64_t now_ms, uint64_t resident, uint64_t conns);

/* It was asked; @before and @after: resident. */
void trim_done(struct trim *t, uint64_t now_ms, uint64_t before, uint64_t after, uint64_t conns);
