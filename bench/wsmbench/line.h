/* A straight line through points. Thread: any; pure. */
#pragma once

#include <stddef.h>

struct line {
	double slope, offset;
	double residual; /* root mean square of the distances in y */
};

/* Least squares; @n at least 2, and not all @x the same. */
struct line line_fit(const double *x, const double *y, size_t n);
