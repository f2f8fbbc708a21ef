/*
 * So many a second, and so many at once: a token bucket in eight bytes.
 *
 * It keeps the time at which the bucket would be full again, so that nothing has to be refilled
 * and a bucket that is all zero is a full one. The rate and the burst are the caller's, and may
 * change between two calls.
 *
 * Thread: whoever owns the bucket. Cannot fail.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct pace {
	uint64_t full_ns; /* monotonic [ns] */
};

/**
 * Take one, if there is one.
 *
 * @per_s  tokens that are added in a second, at least 1
 * @burst  tokens that a full bucket holds, at least 1
 */
static inline bool pace_take(struct pace *p, uint64_t now_ms, uint32_t per_s, uint32_t burst)
{
	const uint64_t now_ns = now_ms * 1000000, each_ns = 1000000000 / per_s;
	const uint64_t from_ns = p->full_ns > now_ns ? p->full_ns : now_ns;

	if (from_ns + each_ns > now_ns + each_ns * burst)
		return false;
	p->full_ns = from_ns + each_ns;
	return true;
}
