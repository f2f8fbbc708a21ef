/*
 * Hierarchical timer wheel of one thread: O(1) arm and disarm, timers embedded in their owners,
 * due timers taken one by one so that the caller bounds the work of a turn.
 *
 * What it gives up: a timer fires up to one tick (WHEEL_TICK_MS) late, never early. A timer
 * beyond the span of the wheel waits in its last slot and is looked at again. Timers become
 * due in the order of their ticks; within a tick the order means nothing.
 *
 * Thread: the owner of the wheel. Cannot fail, allocates nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

#define WHEEL_TICK_MS 16
#define WHEEL_LEVELS  4
#define WHEEL_SLOTS   64

struct timer {
	struct list link;    /* unlinked: not armed */
	uint64_t expires_ms; /* monotonic [ms] */
};

struct wheel {
	uint64_t now_tick;
	uint64_t occupied[WHEEL_LEVELS]; /* bit per slot that may hold timers */
	struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
	struct list due; /* expired, not yet taken by wheel_pop() */
	uint32_t armed;
};

void wheel_init(struct wheel *w, uint64_t now_ms);
void timer_init(struct timer *t);
bool timer_armed(const struct timer *t);

/* Set or move. A time before the present tick is due at the next advance, never before it. */
void wheel_arm(struct wheel *w, struct timer *t, uint64_t expires_ms);

/* Harmless when not armed. Allowed for a timer that is due and not yet popped. */
void wheel_disarm(struct wheel *w, struct timer *t);

/* Move to @now_ms, never backwards: what expired becomes due. Cost: ticks skipped are free. */
void wheel_advance(struct wheel *w, uint64_t now_ms);

/* The next due timer, disarmed, or NULL. It may be armed again at once. */
struct timer *wheel_pop(struct wheel *w);

/**
 * How long the owner may sleep.
 *
 * Returns: 0 if timers are due; else milliseconds from @now_ms to a moment before which nothing
 *          becomes due, at most @max_ms. It may be early (a cascade, a disarmed timer), not late.
 */
uint32_t wheel_sleep_ms(const struct wheel *w, uint64_t now_ms, uint32_t max_ms);
