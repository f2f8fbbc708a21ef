/*
 * Lines at shares that come closer the nearer they are to 1: five on the way to each half of
 * what is left, so the tail has as many as the rest.
 */
#include "hgrm.h"

#include <math.h>
#include <stdbool.h>

#define TICKS_PER_HALF 5
#define NS_PER_UNIT    1e6

/* Not summed up: 0.9 shall be 0.9, also when it is a matter of one value. */
static double share_at(int tick)
{
	const double left = 1 - (double)(tick % TICKS_PER_HALF) / (2 * TICKS_PER_HALF);

	return 1 - ldexp(left, -(tick / TICKS_PER_HALF));
}

static double value_of(const struct histogram *h, unsigned bucket)
{
	const uint64_t top = histogram_bucket_top(bucket);

	return (double)(top < h->max ? top : h->max) / NS_PER_UNIT;
}

/* The line at 1 has no room for a tail, so it has one column less. */
static void write_lines(FILE *f, const struct histogram *h)
{
	const double count = (double)h->count;
	uint64_t seen = 0;
	int tick = 0;

	for (unsigned i = 0; seen < h->count; i++) {
		seen += h->buckets[i];
		while (h->buckets[i] > 0 && share_at(tick) * count <= (double)seen) {
			const double share = share_at(tick++);

			fprintf(f, "%12.6f %14.12f %10llu %14.2f\n", value_of(h, i), share,
			        (unsigned long long)seen, 1 / (1 - share));
			if (seen == h->count)
				break;
		}
	}
	fprintf(f, "%12.6f %14.12f %10llu\n", (double)h->max / NS_PER_UNIT, 1.0,
	        (unsigned long long)h->count);
}

static double deviation(const struct histogram *h)
{
	const double mean = histogram_mean(h) / NS_PER_UNIT;
	double squares = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		const double off = value_of(h, i) - mean;

		squares += off * off * (double)h->buckets[i];
	}
	return h->count ? sqrt(squares / (double)h->count) : 0;
}

void hgrm_write(FILE *f, const struct histogram *h)
{
	fprintf(f, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
	        "1/(1-Percentile)");
	if (h->count > 0)
		write_lines(f, h);
	fprintf(f, "#[Mean    = %12.6f, StdDeviation   = %12.6f]\n",
	        histogram_mean(h) / NS_PER_UNIT, deviation(h));
	fprintf(f, "#[Max     = %12.6f, Total count    = %12llu]\n", (double)h->max / NS_PER_UNIT,
	        (unsigned long long)h->count);
	fprintf(f, "#[Buckets = %12u, SubBuckets     = %12u]\n",
	        (unsigned)(HISTOGRAM_BUCKETS >> HISTOGRAM_SUB_BITS), 1u << HISTOGRAM_SUB_BITS);
}
