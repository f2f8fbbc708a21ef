/*
 * Units of time. Protocol code never reads a clock: it is told.
 *
 * Monotonic milliseconds as uint64_t named *_ms; a timer that is not set is 0.
 */
#pragma once

#define MS_PER_S  1000u
#define US_PER_MS 1000u
