/* Counting and summing up. */
#include "stats/round_trips.h"

void round_trips_count(struct stats_block *b, uint32_t us)
{
	const uint64_t min = stats_get(b, STAT_RTT_MIN_US);

	stats_add(b, STAT_RTT + ladder_step(us), 1);
	stats_add(b, STAT_RTT_SUM_US, us);
	if (min == 0 || us < min)
		stats_set(b, STAT_RTT_MIN_US, us);
	if (us > stats_get(b, STAT_RTT_MAX_US))
		stats_set(b, STAT_RTT_MAX_US, us);
}

static uint64_t quantile(const struct stats_snapshot *s, const struct round_trips *r, double q)
{
	const uint64_t us = ladder_quantile(&s->sum[STAT_RTT], q, r->max_us);

	return us > r->min_us ? us : r->min_us;
}

void round_trips_sum(const struct stats_snapshot *s, struct round_trips *ret)
{
	struct round_trips r = {0};

	for (unsigned i = 0; i < LADDER_STEPS; i++)
		r.count += s->sum[STAT_RTT + i];
	for (uint32_t i = 0; i < s->n_workers; i++) {
		const uint64_t min = stats_of_worker(&s->worker[i], STAT_RTT_MIN_US);
		const uint64_t max = stats_of_worker(&s->worker[i], STAT_RTT_MAX_US);

		if (min > 0 && (r.min_us == 0 || min < r.min_us))
			r.min_us = min;
		if (max > r.max_us)
			r.max_us = max;
	}
	if (r.count > 0) {
		r.mean_us = (double)s->sum[STAT_RTT_SUM_US] / (double)r.count;
		r.p50_us = quantile(s, &r, 0.5);
		r.p90_us = quantile(s, &r, 0.9);
		r.p99_us = quantile(s, &r, 0.99);
	}
	*ret = r;
}
