/* Integer arithmetic of round trips. */
#include "worker/rtt.h"

#include "base/clock.h"
#include "base/macros.h"

/* @is moved towards @sample by one @divisor-th of the way, rounded to the nearest. */
static uint32_t towards(uint32_t is, uint32_t sample, uint32_t divisor)
{
	const int64_t way = (int64_t)sample - is,
		      half = way < 0 ? -(int64_t)divisor / 2 : divisor / 2;

	return (uint32_t)(is + (way + half) / divisor);
}

/* RFC 6298, 2.2 and 2.3: the variation first, by the smoothed value from before. */
static void smooth(struct rtt *r, uint32_t us)
{
	if (r->smoothed_us == 0) {
		r->smoothed_us = us;
		r->variation_us = us / 2;
		return;
	}
	r->variation_us =
		towards(r->variation_us,
	                us > r->smoothed_us ? us - r->smoothed_us : r->smoothed_us - us, 4);
	r->smoothed_us = towards(r->smoothed_us, us, 8);
}

bool rtt_sample(struct rtt *r, uint32_t us)
{
	const bool outlier = r->average_us > 0 && us > (uint64_t)RTT_OUTLIER_FACTOR * r->average_us;

	ASSERT(rtt_valid(us));
	r->last_us = us;
	if (r->average_us == 0)
		r->average_us = us;
	else
		r->average_us = towards(r->average_us, us, outlier ? 50 : 10);
	smooth(r, us);
	return outlier;
}

uint32_t rtt_timeout_ms(const struct rtt *r, uint32_t most_ms)
{
	const uint64_t us = r->smoothed_us + 4 * (uint64_t)r->variation_us;
	uint64_t ms = (us + US_PER_MS - 1) / US_PER_MS;

	if (r->smoothed_us == 0)
		return most_ms;
	if (ms < RTT_TIMEOUT_MIN_MS)
		ms = RTT_TIMEOUT_MIN_MS;
	return ms < most_ms ? (uint32_t)ms : most_ms;
}
