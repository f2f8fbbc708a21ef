/* The two forms of a report, both on stdout. Thread: main. */
#pragma once

#include <stdbool.h>

#include "line.h"
#include "report.h"

/* name in JSON, in text, share of values */
#define REPORT_QUANTILES(X)                                                                        \
	X("p50", "p50", 0.5)                                                                       \
	X("p90", "p90", 0.9)                                                                       \
	X("p99", "p99", 0.99)                                                                      \
	X("p99_9", "p99.9", 0.999)                                                                 \
	X("max", "max", 1.0)

void report_write_json(const struct report *r);
void report_write_text(const struct report *r);

/*
 * Bytes for each connection by one gauge: a line through the samples with connections, or the
 * difference to the sample without any when there is only one of them.
 *
 * Returns: false when there are not enough samples, or the gauge is unknown here
 */
bool report_fit(const struct report *r, enum memory_gauge g, struct line *ret, bool *ret_fitted);
