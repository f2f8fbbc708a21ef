/*
 * Keeping the process within its memory. Main looks at the resident set several times a second,
 * and more often when it grows; above the high water the acceptor refuses newcomers, and while
 * that is not enough, every worker is told to let go a part of what it holds (worker/shed.h),
 * until the low water is reached.
 *
 * After a peak it asks the allocator for what it keeps (server/trim.h).
 *
 * The high water is limits.memory_high_water of the memory, or less: what the connections that
 * there have been cost while they are quiet, and limits.buffered_bytes on top.
 *
 * Thread: main.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/role.h"
#include "server/trim.h"

struct server;

struct memory {
	uint64_t base;       /* resident before the first connection [bytes] */
	uint64_t used;       /* at the last look */
	uint64_t peak;       /* the most that was seen */
	uint64_t most_conns; /* connections that there were at once, at most */
	uint64_t looked_ms, ordered_ms;
	struct trim trim; /* when memory is asked back */
	bool full;
};

/* Nobody is connected yet: what the process is without connections. */
void memory_begin(struct server *s) ON_MAIN;

/* Time until the next look [ms]. */
uint32_t memory_sleep_ms(const struct server *s) ON_MAIN;

/* Look, if it is time, and do what is to be done. */
void memory_step(struct server *s) ON_MAIN;
