/* Quantiles of a ladder. */
#include "stats/ladder.h"

static uint64_t begin_of(unsigned step)
{
	return step < 2 ? 0 : ladder_end(step - 1) + 1;
}

uint64_t ladder_quantile(const uint64_t count[LADDER_STEPS], double q, uint64_t max)
{
	uint64_t total = 0, below = 0;
	unsigned step = 0;

	for (unsigned i = 0; i < LADDER_STEPS; i++)
		total += count[i];
	if (total == 0)
		return 0;

	const double rank = q * (double)total;

	while (step < LADDER_STEPS - 1 && (double)(below + count[step]) < rank)
		below += count[step++];
	/* Empty only for a rank of 0. */
	if (step == LADDER_STEPS - 1 || count[step] == 0)
		return step == LADDER_STEPS - 1 ? max : 0;

	const uint64_t begin = begin_of(step), end = ladder_end(step);
	const double share = (rank - (double)below) / (double)count[step];
	const uint64_t value = begin + (uint64_t)(share * (double)(end - begin) + 0.5);

	return value < max ? value : max;
}
