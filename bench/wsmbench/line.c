/* Least squares around the means, which loses no digits to large offsets. */
#include "line.h"

#include "base/macros.h"

#include <math.h>

struct line line_fit(const double *x, const double *y, size_t n)
{
	double mean_x = 0, mean_y = 0, xx = 0, xy = 0, squares = 0;
	struct line fit;

	for (size_t i = 0; i < n; i++) {
		mean_x += x[i] / (double)n;
		mean_y += y[i] / (double)n;
	}
	for (size_t i = 0; i < n; i++) {
		xx += (x[i] - mean_x) * (x[i] - mean_x);
		xy += (x[i] - mean_x) * (y[i] - mean_y);
	}
	ASSERT(n >= 2);
	ASSERT(xx > 0);
	fit.slope = xy / xx;
	fit.offset = mean_y - fit.slope * mean_x;
	for (size_t i = 0; i < n; i++) {
		const double off = y[i] - (fit.offset + fit.slope * x[i]);

		squares += off * off;
	}
	fit.residual = sqrt(squares / (double)n);
	return fit;
}
