/* One cursor for each rank; worker.ranks says in which of them somebody is to be found. */
#include "worker/sickest.h"

#include "worker/health.h"

static bool sickest_rank(const struct worker *w, unsigned *ret) ON_WORKER;
static bool sickest_rank(const struct worker *w, unsigned *ret)
{
	for (unsigned rank = 0; rank < HEALTH_RANKS; rank++) {
		if (w->ranks[rank] > 0) {
			*ret = rank;
			return true;
		}
	}
	return false;
}

struct conn *sickest_next(struct worker *w, struct sickest *walk, uint32_t *budget)
{
	unsigned rank;

	if (!sickest_rank(w, &rank))
		return NULL;
	for (; *budget > 0; --*budget) {
		if (walk->at[rank] >= slab_end(&w->conns))
			walk->at[rank] = 0;
		struct conn *c = slab_step(&w->conns, &walk->at[rank]);

		if (c != NULL && c->state == CONN_OPEN && health_rank(c) == rank) {
			--*budget;
			return c;
		}
	}
	return NULL;
}
