/* The ladder: every value has its step, and quantiles are within half of the truth. */
#include "stats/ladder.h"

#include <criterion/criterion.h>

Test(ladder, steps_follow_on_each_other)
{
	unsigned last = 0;

	for (uint64_t v = 0; v < 100000; v++) {
		const unsigned step = ladder_step(v);

		cr_assert_leq(v, ladder_end(step), "%zu", (size_t)v);
		if (v > 1) {
			cr_assert(step == last || step == last + 1 || (v == 2 && step == 2));
			cr_assert(step == last || v == ladder_end(last) + 1);
		}
		last = step;
	}
}

Test(ladder, the_last_step_has_no_end)
{
	cr_assert_eq(ladder_step(ladder_end(LADDER_STEPS - 2)), LADDER_STEPS - 2);
	cr_assert_eq(ladder_step(ladder_end(LADDER_STEPS - 2) + 1), LADDER_STEPS - 1);
	cr_assert_eq(ladder_step(UINT64_MAX), LADDER_STEPS - 1);
}

Test(ladder, of_nothing_and_of_one)
{
	uint64_t count[LADDER_STEPS] = {0};

	cr_assert_eq(ladder_quantile(count, 0.5, 0), 0);
	count[ladder_step(5000)] = 1;
	cr_assert_eq(ladder_quantile(count, 0.99, 5000), 5000, "not above the greatest");
	cr_assert_eq(ladder_quantile(count, 0, 5000), 0);
	count[ladder_step(5000)] = 0;
	count[LADDER_STEPS - 1] = 1;
	cr_assert_eq(ladder_quantile(count, 0.5, 99000000), 99000000);
}

/* Of 1, 1.01, 1.01^2, ... 1e6: found by counting. */
static double truth_of(double q)
{
	double v = 1;

	for (int n = (int)(q * 1389); n > 0; n--)
		v *= 1.01;
	return v;
}

Test(ladder, quantiles_are_within_half)
{
	uint64_t count[LADDER_STEPS] = {0}, max = 0;

	for (double v = 1; v < 1e6; v *= 1.01) {
		count[ladder_step((uint64_t)v)]++;
		max = (uint64_t)v;
	}
	for (double q = 0.3; q < 1; q += 0.07) {
		const double truth = truth_of(q);
		const double got = (double)ladder_quantile(count, q, max);

		cr_expect(got > truth / 1.5 && got < truth * 1.5, "%.2f: %.0f, not %.0f", q, got,
		          truth);
	}
}
