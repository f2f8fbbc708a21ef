/* From samples of memory to bytes for each connection. */
#include "report_write.h"

static bool known(const struct report *r, enum memory_gauge g)
{
	for (uint32_t i = 0; i < r->n_samples; i++)
		if (r->samples[i].memory.bytes[g] < 0)
			return false;
	return true;
}

bool report_fit(const struct report *r, enum memory_gauge g, struct line *ret, bool *ret_fitted)
{
	double x[MAX_STEPS], y[MAX_STEPS];
	size_t n = 0;

	if (r->n_samples < 2 || !known(r, g))
		return false;
	/* The empty server has not yet touched what it needs once, so it is not on the line. */
	for (uint32_t i = 1; i < r->n_samples; i++) {
		x[n] = r->samples[i].connections;
		y[n++] = r->samples[i].memory.bytes[g];
	}
	if (x[n - 1] <= x[0] && n > 1)
		return false; /* nothing more was opened */
	*ret_fitted = n >= 2;
	if (n >= 2) {
		*ret = line_fit(x, y, n);
	} else {
		const double empty = r->samples[0].memory.bytes[g];

		if (x[0] <= 0)
			return false;
		*ret = (struct line){.slope = (y[0] - empty) / x[0], .offset = empty};
	}
	return true;
}
