/*
 * Round trips of one connection: a smoothed one with its variation after RFC 6298, from which
 * the time to wait for a pong follows, and an average that is not moved by outliers.
 *
 * Thread: whoever owns the struct; pure arithmetic. All zero: nothing was measured yet.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A slower round trip is a stalled peer, not a measurement. */
#define RTT_MAX_US UINT64_C(30000000)

/* Nobody is expected to answer faster, however short the way. */
#define RTT_TIMEOUT_MIN_MS 1000

/* More than so many times the average is an outlier. */
#define RTT_OUTLIER_FACTOR 5

struct rtt {
	uint32_t last_us, average_us;
	uint32_t smoothed_us, variation_us; /* SRTT and RTTVAR of RFC 6298, 2 */
};

static inline bool rtt_valid(uint64_t us)
{
	return us > 0 && us <= RTT_MAX_US;
}

/* Take a valid sample. True: it is an outlier, and has moved the average only a little. */
bool rtt_sample(struct rtt *r, uint32_t us);

/* How long to wait for a pong: smoothed + 4 * variation, within RTT_TIMEOUT_MIN_MS and @most_ms;
 * the latter as long as nothing was measured. */
uint32_t rtt_timeout_ms(const struct rtt *r, uint32_t most_ms);
