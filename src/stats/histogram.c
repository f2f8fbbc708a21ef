/* Log-linear histogram: the bucket of a value is its leading six bits and its magnitude. */
#include "stats/histogram.h"

#define SUB_COUNT (1u << HISTOGRAM_SUB_BITS)

/*
 * A value of n bits keeps its SUB_BITS + 1 leading ones. The first of them is always set, so
 * each magnitude takes SUB_COUNT indexes and follows on the one below it without a gap.
 */
static unsigned index_of(uint64_t value)
{
	if (value < SUB_COUNT)
		return (unsigned)value;

	const unsigned shift = 63 - HISTOGRAM_SUB_BITS - (unsigned)__builtin_clzll(value);

	return (shift << HISTOGRAM_SUB_BITS) + (unsigned)(value >> shift);
}

uint64_t histogram_bucket_top(unsigned index)
{
	if (index < SUB_COUNT)
		return index;

	const unsigned shift = (index >> HISTOGRAM_SUB_BITS) - 1;
	const uint64_t leading = SUB_COUNT + index % SUB_COUNT;

	return ((leading + 1) << shift) - 1;
}

void histogram_reset(struct histogram *h)
{
	*h = (struct histogram){0};
}

static void widen(struct histogram *h, uint64_t min, uint64_t max)
{
	if (h->count == 0 || min < h->min)
		h->min = min;
	if (max > h->max)
		h->max = max;
}

void histogram_record(struct histogram *h, uint64_t value)
{
	if (value > HISTOGRAM_MAX) {
		value = HISTOGRAM_MAX;
		h->clamped++;
	}
	widen(h, value, value);
	h->count++;
	h->sum += (double)value;
	h->buckets[index_of(value)]++;
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
	if (from->count == 0)
		return;
	widen(to, from->min, from->max);
	to->count += from->count;
	to->clamped += from->clamped;
	to->sum += from->sum;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		to->buckets[i] += from->buckets[i];
}

double histogram_mean(const struct histogram *h)
{
	return h->count ? h->sum / (double)h->count : 0;
}

/* Rounded up, within 1..count: the first value has rank 1. */
static uint64_t rank_of(double q, uint64_t count)
{
	const double exact = q * (double)count;

	if (!(exact > 1))
		return 1;
	if (exact >= (double)count)
		return count;

	const uint64_t rank = (uint64_t)exact;

	return rank + ((double)rank < exact);
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
	if (h->count == 0)
		return 0;
	if (q <= 0)
		return h->min;

	const uint64_t rank = rank_of(q, h->count);
	uint64_t seen = 0;
	unsigned i = 0;

	while ((seen += h->buckets[i]) < rank)
		i++;
	return histogram_bucket_top(i) < h->max ? histogram_bucket_top(i) : h->max;
}
