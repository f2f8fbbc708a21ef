/* The histogram against the sorted array of what was recorded. */
#include "stats/histogram.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

static uint64_t rng_state = 1;

static uint64_t rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The rank by integers alone: the smallest r with r / n >= permille / 1000. */
static uint64_t exact_quantile(const uint64_t *sorted, size_t n, unsigned permille)
{
	const size_t rank = (n * permille + 999) / 1000;

	return sorted[rank ? rank - 1 : 0];
}

static uint64_t uniform_bits(void)
{
	return rng() >> (24 + rng() % 40); /* every magnitude up to 2^40 equally often */
}

static uint64_t uniform(void)
{
	return rng() % 1000000;
}

static uint64_t mostly_fast(void)
{
	return rng() % 1000 ? 200 + rng() % 50 : 5000000 + rng() % 1000000;
}

static uint64_t constant(void)
{
	return 123456789;
}

static uint64_t small(void)
{
	return rng() % 64;
}

static const struct {
	const char *name;
	uint64_t (*draw)(void);
} shapes[] = {
	{"uniform magnitude", uniform_bits},
	{"uniform", uniform},
	{"mostly fast", mostly_fast},
	{"constant", constant},
	{"small", small},
};

static void check_quantiles(const char *name, const struct histogram *h, const uint64_t *sorted,
                            size_t n)
{
	for (unsigned permille = 0; permille <= 1000; permille++) {
		const uint64_t want = exact_quantile(sorted, n, permille);
		const uint64_t got = histogram_quantile(h, permille / 1000.0);

		cr_assert(got >= want && got - want <= want / 32, "%s, n=%zu, %u/1000: %lu for %lu",
		          name, n, permille, (unsigned long)got, (unsigned long)want);
	}
}

/* Sizes with a spacing that doubles can express, so that both sides mean the same rank. */
Test(histogram, every_quantile_within_its_bound)
{
	static const size_t sizes[] = {1, 2, 3, 10, 1000, 64000};
	static uint64_t values[64000];
	static struct histogram h;

	for (size_t s = 0; s < ARRAY_LEN(shapes); s++) {
		for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
			const size_t n = sizes[k];
			double sum = 0;

			histogram_reset(&h);
			for (size_t i = 0; i < n; i++) {
				values[i] = shapes[s].draw();
				sum += (double)values[i];
				histogram_record(&h, values[i]);
			}
			qsort(values, n, sizeof(*values), by_value);
			check_quantiles(shapes[s].name, &h, values, n);
			cr_assert_eq(h.count, n);
			cr_assert_eq(h.min, values[0]);
			cr_assert_eq(h.max, values[n - 1]);
			cr_assert_eq(histogram_quantile(&h, 0), values[0]);
			cr_assert_eq(histogram_quantile(&h, 1), values[n - 1]);
			cr_assert_float_eq(histogram_mean(&h), sum / (double)n,
			                   1e-9 * sum / (double)n);
		}
	}
}

/* Both ends of every bucket: no gap, no overlap, no value read back as less or much more. */
Test(histogram, every_bucket_border_is_within_its_bound)
{
	static struct histogram h;

	for (unsigned bits = 0; bits < HISTOGRAM_VALUE_BITS; bits++) {
		for (uint64_t sub = 32; sub < 64; sub++) {
			const uint64_t low = (sub << bits) >> 5;

			for (int64_t step = -1; step <= 1; step++) {
				const uint64_t v = low + (uint64_t)step;

				if (v > HISTOGRAM_MAX)
					continue;
				histogram_reset(&h);
				histogram_record(&h, v);
				histogram_record(&h, HISTOGRAM_MAX);
				const uint64_t got = histogram_quantile(&h, 0.5);

				cr_assert(got >= v && got - v <= v / 32, "%lu for %lu",
				          (unsigned long)got, (unsigned long)v);
				if (v < 64)
					cr_assert_eq(got, v, "small values are exact");
			}
		}
	}
}

/* Tops rise, each is in its own bucket, and what follows it is in the next. */
Test(histogram, buckets_have_tops)
{
	static struct histogram h;

	for (unsigned i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
		histogram_record(&h, histogram_bucket_top(i));
		histogram_record(&h, histogram_bucket_top(i) + 1);
		cr_assert_eq(h.buckets[i], 1 + (i > 0), "bucket %u", i);
	}
	cr_assert_eq(histogram_bucket_top(HISTOGRAM_BUCKETS - 1), HISTOGRAM_MAX);
}

static void split_and_merge(struct histogram *whole, struct histogram parts[3], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const uint64_t v = rng() >> (rng() % 64);

		histogram_record(whole, v);
		histogram_record(&parts[rng() % 2], v); /* the third part stays empty */
	}
	histogram_merge(&parts[2], &parts[0]);
	histogram_merge(&parts[2], &parts[1]);
}

Test(histogram, merging_is_recording_into_one)
{
	static struct histogram whole, parts[3], empty;

	for (size_t n = 0; n <= 4096; n = 2 * n + 1) {
		memset(&whole, 0, sizeof(whole));
		memset(parts, 0, sizeof(parts));
		split_and_merge(&whole, parts, n);
		cr_assert_eq(memcmp(&whole, &parts[2], sizeof(whole)), 0, "n=%zu", n);
		histogram_merge(&whole, &empty);
		cr_assert_eq(memcmp(&whole, &parts[2], sizeof(whole)), 0,
		             "an empty one adds nothing");
	}
}

Test(histogram, empty_answers_zero)
{
	static struct histogram h;

	cr_assert_eq(histogram_quantile(&h, 0.5), 0);
	cr_assert_eq(histogram_mean(&h), 0);
	cr_assert_eq(h.min, 0);
	cr_assert_eq(h.max, 0);
}

static const struct {
	uint64_t value, kept, clamped;
} edges[] = {
	{0, 0, 0},
	{1, 1, 0},
	{HISTOGRAM_MAX - 1, HISTOGRAM_MAX - 1, 0},
	{HISTOGRAM_MAX, HISTOGRAM_MAX, 0},
	{HISTOGRAM_MAX + 1, HISTOGRAM_MAX, 1},
	{UINT64_MAX, HISTOGRAM_MAX, 1},
};

Test(histogram, edges_and_what_lies_beyond)
{
	static struct histogram h;

	for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
		histogram_reset(&h);
		histogram_record(&h, edges[i].value);
		cr_assert_eq(h.count, 1);
		cr_assert_eq(h.clamped, edges[i].clamped);
		cr_assert_eq(h.min, edges[i].kept);
		cr_assert_eq(h.max, edges[i].kept);
		cr_assert_eq(histogram_mean(&h), (double)edges[i].kept);
		cr_assert_eq(histogram_quantile(&h, 0.5), edges[i].kept);
		cr_assert_eq(histogram_quantile(&h, -1), edges[i].kept);
		cr_assert_eq(histogram_quantile(&h, 2), edges[i].kept);
	}
}
