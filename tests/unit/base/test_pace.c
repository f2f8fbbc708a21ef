/* The bucket: it is full at first, never fuller than the burst, and fills at its rate. */
#include "base/pace.h"

#include <criterion/criterion.h>

/* How many can be taken at once. */
static uint32_t drain(struct pace *p, uint64_t now_ms, uint32_t per_s, uint32_t burst)
{
	uint32_t n = 0;

	while (pace_take(p, now_ms, per_s, burst))
		cr_assert_leq(++n, burst);
	return n;
}

Test(pace, burst_then_rate)
{
	static const struct {
		uint32_t per_s, burst, after_ms, then;
	} rows[] = {
		{1, 1, 999, 0},     {1, 1, 1000, 1},
		{10, 5, 100, 1},    {10, 5, 350, 3},
		{10, 5, 100000, 5}, {1000, 1000, 1, 1},
		{1000000, 7, 1, 7}, {3, 2, 334, 1},
		{3, 2, 333, 0},     {1000000, 1000000, 10, 10000},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pace p = {0};
		const uint64_t now = 123456789;

		cr_expect_eq(drain(&p, now, rows[i].per_s, rows[i].burst), rows[i].burst, "%zu", i);
		cr_expect_eq(drain(&p, now + rows[i].after_ms, rows[i].per_s, rows[i].burst),
		             rows[i].then, "%zu", i);
	}
}

Test(pace, a_second_gives_its_rate_however_it_is_cut)
{
	for (uint32_t step = 1; step < 50; step++) {
		struct pace p = {0};
		uint32_t n = 0;

		drain(&p, 0, 200, 20);
		for (uint64_t now = step; now <= 10000; now += step)
			n += drain(&p, now, 200, 20);
		cr_assert(n <= 2000 && n >= 2000 - 20, "step %u: %u", step, n);
	}
}

/* A reload may change both. */
Test(pace, a_lower_rate_holds_at_once)
{
	struct pace p = {0};

	cr_assert_eq(drain(&p, 5000, 1000, 1000), 1000);
	cr_assert_eq(drain(&p, 5000, 10, 10), 0);
	cr_assert_eq(drain(&p, 7000, 10, 10), 10, "and after the debt it is an ordinary one");
}
