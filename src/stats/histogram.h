/*
 * Log-linear histogram: every power of two is divided into 32 equal buckets, so a value read
 * back is at most 1/32 above one that was recorded, over the whole range. Values below 64 are
 * exact. The unit is the caller's: 2^40 is 18 minutes in nanoseconds, 12 days in microseconds.
 *
 * All zero is an empty histogram. No pointers: it may be copied, and sent between processes.
 *
 * Thread: one writer. Others read a copy that the writer made for them.
 * Cost: recording is a few instructions and touches two cache lines. 9 KiB.
 */
#pragma once

#include <stdint.h>

#define HISTOGRAM_SUB_BITS   5
#define HISTOGRAM_VALUE_BITS 40
#define HISTOGRAM_MAX        ((UINT64_C(1) << HISTOGRAM_VALUE_BITS) - 1)
#define HISTOGRAM_BUCKETS    ((HISTOGRAM_VALUE_BITS - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
	uint64_t count;
	uint64_t clamped; /* values above HISTOGRAM_MAX, recorded as HISTOGRAM_MAX */
	uint64_t min, max;
	double sum; /* a 64-bit integer is full after 51 hours of 100000 overlapping waits in ns */
	/* 64 bits: a million values a second fill 32 bits of the fullest bucket in 72 minutes. */
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_reset(struct histogram *h);
void histogram_record(struct histogram *h, uint64_t value);

/* As if everything recorded in @from had been recorded in @to as well. */
void histogram_merge(struct histogram *to, const struct histogram *from);

/* 0 when nothing was recorded. */
double histogram_mean(const struct histogram *h);

/**
 * The value that a share of @q of all values does not exceed: 0.5 is the median, 0 the least
 * and 1 the greatest of all.
 *
 * Returns: the ceil(@q * count)-th smallest value or up to 1/32 more, never above the greatest;
 *          0 when nothing was recorded
 */
uint64_t histogram_quantile(const struct histogram *h, double q);

/* For whoever walks the buckets: the greatest value that falls into that one. */
uint64_t histogram_bucket_top(unsigned index);
