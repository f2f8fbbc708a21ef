/* Round trips: each rule of the estimate in numbers. */
#include "worker/rtt.h"

#include <criterion/criterion.h>

#include "base/macros.h"

#define MS 1000u

Test(rtt, what_is_a_sample)
{
	static const struct {
		uint64_t us;
		bool valid;
	} cases[] = {
		{0, false},       {1, true},         {29999999, true},
		{30000000, true}, {30000001, false}, {UINT64_MAX, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(rtt_valid(cases[i].us), cases[i].valid, "%zu", i);
}

/* RFC 6298, 2.2: the first sample is the smoothed one, and half of it the variation. */
Test(rtt, the_first_sample_sets_everything)
{
	static const uint32_t samples[] = {1, 2, 999, 100 * MS, 30000 * MS};

	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		struct rtt r = {0};

		cr_expect_not(rtt_sample(&r, samples[i]), "nothing to be far from");
		cr_expect_eq(r.last_us, samples[i]);
		cr_expect_eq(r.average_us, samples[i]);
		cr_expect_eq(r.smoothed_us, samples[i]);
		cr_expect_eq(r.variation_us, samples[i] / 2);
	}
}

/* RFC 6298, 2.3: 3/4 and 1/4 for the variation, then 7/8 and 1/8 for the smoothed one. */
Test(rtt, later_samples_are_smoothed)
{
	static const struct {
		uint32_t sample, smoothed, variation;
	} steps[] = {
		{100 * MS, 100 * MS, 50 * MS}, {100 * MS, 100 * MS, 37500},
		{180 * MS, 110 * MS, 48125},   {30 * MS, 100 * MS, 56094},
		{100 * MS, 100 * MS, 42071},
	};
	struct rtt r = {0};

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		(void)rtt_sample(&r, steps[i].sample);
		cr_expect_eq(r.last_us, steps[i].sample, "%zu", i);
		cr_expect_eq(r.smoothed_us, steps[i].smoothed, "%zu: %u", i, r.smoothed_us);
		cr_expect_leq((int64_t)r.variation_us - steps[i].variation, 1, "%zu: %u", i,
		              r.variation_us);
		cr_expect_geq((int64_t)r.variation_us - steps[i].variation, -1, "%zu: %u", i,
		              r.variation_us);
	}
}

/* A tenth of the way; of an outlier, more than five times the average, a fiftieth. */
Test(rtt, the_average_and_its_outliers)
{
	static const struct {
		uint32_t average, sample, then;
		bool outlier;
	} cases[] = {
		{1000, 1000, 1000, false},
		{1000, 2000, 1100, false},
		{1000, 500, 950, false},
		{1000, 5000, 1400, false},
		{1000, 5001, 1080, true},
		{1000, 51000, 2000, true},
		{1000, 1, 900, false},
		{1000, 30000000, 600980, true},
		{7, 35, 10, false},
		{7, 36, 8, true},
		{30000000, 1, 27000000, false},
		{10000000, 30000000, 12000000, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rtt r = {.average_us = cases[i].average, .smoothed_us = cases[i].average};

		cr_expect_eq(rtt_sample(&r, cases[i].sample), cases[i].outlier, "%zu", i);
		cr_expect_eq(r.average_us, cases[i].then, "%zu: %u", i, r.average_us);
	}
}

/* Rounding must not keep it away from what is always measured. */
Test(rtt, estimates_arrive_at_a_constant)
{
	static const uint32_t from[] = {1, 100, 1000 * MS}, to[] = {1, 50, 1234, 900 * MS};

	for (size_t i = 0; i < ARRAY_LEN(from); i++) {
		for (size_t k = 0; k < ARRAY_LEN(to); k++) {
			struct rtt r = {0};

			(void)rtt_sample(&r, from[i]);
			for (int n = 0; n < 5000; n++)
				(void)rtt_sample(&r, to[k]);
			cr_expect_leq(r.average_us > to[k] ? r.average_us - to[k]
			                                   : to[k] - r.average_us,
			              25, "%u to %u: %u", from[i], to[k], r.average_us);
			cr_expect_leq(r.smoothed_us > to[k] ? r.smoothed_us - to[k]
			                                    : to[k] - r.smoothed_us,
			              4, "%u to %u: %u", from[i], to[k], r.smoothed_us);
			cr_expect_leq(r.variation_us, 6);
		}
	}
}

Test(rtt, the_timeout_is_clamped)
{
	static const struct {
		uint32_t smoothed_us, variation_us, most_ms, timeout_ms;
	} cases[] = {
		{0, 0, 75000, 75000}, /* nothing is known */
		{1, 0, 75000, 1000},
		{500 * MS, 125 * MS, 75000, 1000},
		{500 * MS, 125 * MS + 1, 75000, 1001}, /* rounded up */
		{1000 * MS, 500 * MS, 75000, 3000},
		{30000 * MS, 11250 * MS, 75000, 75000},
		{30000 * MS, 15000 * MS, 75000, 75000},
		{1000 * MS, 500 * MS, 2000, 2000},
		{1, 0, 600, 600}, /* not even a second is allowed */
		{UINT32_MAX, UINT32_MAX, UINT32_MAX, 21474837},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct rtt r = {.smoothed_us = cases[i].smoothed_us,
		                      .variation_us = cases[i].variation_us};

		cr_expect_eq(rtt_timeout_ms(&r, cases[i].most_ms), cases[i].timeout_ms, "%zu: %u",
		             i, rtt_timeout_ms(&r, cases[i].most_ms));
	}
}
