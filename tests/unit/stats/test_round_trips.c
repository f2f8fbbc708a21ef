/* Round trips of several workers, summed up. */
#include "stats/round_trips.h"

#include <criterion/criterion.h>

static struct stats_snapshot s;
static struct stats_block blocks[2];

static void sum_up(struct round_trips *ret)
{
	s = (struct stats_snapshot){.n_workers = 2};
	for (uint32_t i = 0; i < 2; i++) {
		stats_sum(s.sum, &blocks[i]);
		for (unsigned k = 0; k < STAT_OF_WORKER_COUNT; k++)
			s.worker[i].value[k] = stats_get(&blocks[i], STAT_OF_WORKER + k);
	}
	round_trips_sum(&s, ret);
}

Test(round_trips, none)
{
	struct round_trips r = {.count = 1};

	sum_up(&r);
	cr_assert_eq(r.count, 0);
	cr_assert_eq(r.min_us | r.max_us | r.p50_us | r.p90_us | r.p99_us, 0);
	cr_assert_eq(r.mean_us, 0);
}

Test(round_trips, one_is_everything)
{
	struct round_trips r;

	round_trips_count(&blocks[1], 12345);
	sum_up(&r);
	cr_assert_eq(r.count, 1);
	cr_assert_eq(r.mean_us, 12345);
	cr_assert_eq(r.min_us, 12345);
	cr_assert_eq(r.max_us, 12345);
	cr_assert_eq(r.p50_us, 12345);
	cr_assert_eq(r.p99_us, 12345);
}

/* 1000 ... 100000 us, evenly: quantiles are right to a step, bounds and mean are exact. */
Test(round_trips, of_several_workers)
{
	static const struct {
		double q;
		uint64_t us;
	} wants[] = {{0.5, 50000}, {0.9, 90000}, {0.99, 99000}};
	struct round_trips r;

	for (uint32_t us = 1000; us <= 100000; us += 1000)
		round_trips_count(&blocks[us / 1000 % 2], us);
	sum_up(&r);
	cr_assert_eq(r.count, 100);
	cr_assert_eq(r.mean_us, 50500);
	cr_assert_eq(r.min_us, 1000);
	cr_assert_eq(r.max_us, 100000);
	const uint64_t got[] = {r.p50_us, r.p90_us, r.p99_us};
	for (size_t i = 0; i < ARRAY_LEN(wants); i++)
		cr_expect(got[i] > wants[i].us * 9 / 10 && got[i] < wants[i].us * 11 / 10,
		          "%g: %lu", wants[i].q, (unsigned long)got[i]);
}

/* The longest that is believed has a step of its own below the last. */
Test(round_trips, the_whole_range_has_steps)
{
	struct round_trips r;

	round_trips_count(&blocks[0], 1);
	round_trips_count(&blocks[0], 30000000);
	round_trips_count(&blocks[1], 30000000);
	sum_up(&r);
	cr_assert_eq(r.min_us, 1);
	cr_assert_eq(r.max_us, 30000000);
	cr_assert(r.p99_us > 20000000 && r.p99_us <= 30000000);
}
