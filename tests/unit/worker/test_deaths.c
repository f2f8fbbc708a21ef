/* When many deaths at one age of silence say something, and when they do not. */
#include "worker/deaths.h"

#include <criterion/criterion.h>

#include "base/macros.h"

#define MINUTE_MS 60000u
#define HOUR_MS   (60 * MINUTE_MS)

static struct deaths_sum sum_of(struct deaths *d, uint64_t now_ms)
{
	struct deaths_sum sum = {0};

	deaths_add_up(d, now_ms, &sum);
	return sum;
}

/* Which limit @n deaths at @idle_ms reveal; IDLE_LIMIT_COUNT: none. */
static enum idle_limit revealed(uint32_t n, uint64_t idle_ms)
{
	struct deaths d = {0};
	struct deaths_sum sum;
	enum idle_limit found = IDLE_LIMIT_COUNT;

	for (uint32_t i = 0; i < n; i++)
		deaths_note(&d, 5 * HOUR_MS + i * 1000, idle_ms + i % 3);
	sum = sum_of(&d, 5 * HOUR_MS + n * 1000);
	for (int i = 0; i < IDLE_LIMIT_COUNT; i++)
		if (deaths_reveal(&sum, (enum idle_limit)i)) {
			cr_assert_eq(found, IDLE_LIMIT_COUNT, "one limit, not two");
			found = (enum idle_limit)i;
		}
	return found;
}

Test(deaths, many_at_one_age)
{
	static const struct {
		uint32_t n;
		uint64_t idle_ms;
		enum idle_limit want;
	} cases[] = {
		{42, 60000, IDLE_60S},
		{42, 60900, IDLE_60S},
		{42, 58800, IDLE_60S},
		{42, 55000, IDLE_55S},
		{42, 240100, IDLE_4MIN},
		{42, 600500, IDLE_10MIN},
		{42, 3600000, IDLE_1H},
		{42, 100000, IDLE_100S},
		{42, 350000, IDLE_350S},
		{6, 60000, IDLE_60S},
		{5, 60000, IDLE_LIMIT_COUNT},
		{1, 60000, IDLE_LIMIT_COUNT},
		{42, 30000, IDLE_LIMIT_COUNT},
		{42, 62500, IDLE_LIMIT_COUNT},
		{42, 57400, IDLE_LIMIT_COUNT},
		{42, 0, IDLE_LIMIT_COUNT},
		{42, UINT64_MAX - 3, IDLE_LIMIT_COUNT},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(revealed(cases[i].n, cases[i].idle_ms), cases[i].want, "case %zu", i);
}

/* Users who close their laptops do it at any age: some of them at 60 s, none of it a proxy's. */
Test(deaths, spread_over_all_ages)
{
	struct deaths d = {0};
	struct deaths_sum sum;

	for (uint32_t i = 0; i < 100000; i++)
		deaths_note(&d, HOUR_MS, i * 40);
	sum = sum_of(&d, HOUR_MS);
	cr_assert_gt(sum.at[IDLE_60S], 50);
	for (int i = 0; i < IDLE_LIMIT_COUNT; i++)
		cr_expect_not(deaths_reveal(&sum, (enum idle_limit)i), "%d", i);
	for (uint32_t i = 0; i < 1000; i++)
		deaths_note(&d, HOUR_MS, 60000);
	sum = sum_of(&d, HOUR_MS);
	cr_assert(deaths_reveal(&sum, IDLE_60S), "a peak stands out");
}

Test(deaths, an_hour_later_they_are_forgotten)
{
	struct deaths d = {0};
	const uint64_t began = 7 * HOUR_MS + 1234;

	for (uint32_t i = 0; i < 60; i++)
		deaths_note(&d, began + i * MINUTE_MS, 60000);
	cr_assert_eq(sum_of(&d, began + 59 * MINUTE_MS).at[IDLE_60S], 60);
	cr_assert_eq(sum_of(&d, began + 60 * MINUTE_MS).at[IDLE_60S], 59);
	cr_assert_eq(sum_of(&d, began + 89 * MINUTE_MS).at[IDLE_60S], 30);
	cr_assert_eq(sum_of(&d, began + 89 * MINUTE_MS).at[IDLE_60S], 30, "asking changes nothing");
	cr_assert_eq(sum_of(&d, began + 119 * MINUTE_MS).at[IDLE_60S], 0);

	deaths_note(&d, began + 200 * MINUTE_MS, 60000);
	cr_assert_eq(sum_of(&d, began + 5000 * MINUTE_MS).at[IDLE_60S], 0, "a long pause");
}

Test(deaths, limits_do_not_overlap)
{
	for (int i = 0; i < IDLE_LIMIT_COUNT; i++) {
		const enum idle_limit limit = (enum idle_limit)i;

		cr_expect_eq(idle_limit_of(idle_limit_ms(limit)), limit);
		cr_expect_not_null(idle_limit_text(limit));
		cr_expect_not_null(idle_limit_whose(limit));
	}
	cr_expect_eq(idle_limit_of(57500), IDLE_LIMIT_COUNT);
}
