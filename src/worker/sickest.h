/*
 * A walk over a worker's open connections, the sickest first: suspects, then by the score. For
 * whoever must let some of them go.
 *
 *     struct sickest walk = {0};
 *     uint32_t budget = 1024;
 *
 *     while (...more must go... && (c = sickest_next(w, &walk, &budget)) != NULL)
 *             conn_close(w, c, ...);
 *
 * The walk may go on for as many turns as one likes, with a new budget in each; whoever opens,
 * falls ill or recovers meanwhile is met at his rank of that moment. It comes round again to
 * those it has shown already, as long as they are open.
 *
 * Cost: looks at @budget places of the slab at most, and remembers where it was.
 *
 * Thread: the worker.
 */
#pragma once

#include <stdint.h>

#include "base/role.h"

struct conn;
struct worker;

#define HEALTH_RANKS 12 /* of connections, the sickest first: see health.h */

struct sickest {
	uint32_t at[HEALTH_RANKS]; /* of each rank, the next index of the slab */
};

/* The sickest open connection, or NULL: there is none, or the budget is used up (*@budget is 0
 * then). */
struct conn *sickest_next(struct worker *w, struct sickest *walk, uint32_t *budget) ON_WORKER;
