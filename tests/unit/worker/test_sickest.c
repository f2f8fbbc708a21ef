/* The sickest first, everybody once, and never more work than was allowed. */
#include "worker/sickest.h"

#include <criterion/criterion.h>

#include "bed.h"
#include "worker/health.h"
#include "worker/output.h"

static struct bed b;

static uint64_t rng_state = 88172645463325252u;

static uint64_t rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

static void sicken(struct conn *c, unsigned score, bool suspect) ON_WORKER;
static void sicken(struct conn *c, unsigned score, bool suspect)
{
	while (c->score > score)
		health_on_missed(b.w, c);
	if (c->missed > 0)
		health_resurrect(b.w, c);
	while (c->score < score)
		health_raise(b.w, c);
	if (suspect)
		health_on_missed(b.w, c);
}

static void everybody_leaves(void) ON_WORKER;
static void everybody_leaves(void)
{
	uint32_t index = 0;

	for (struct conn *c; (c = slab_next(&b.w->conns, &index)) != NULL;)
		conn_abort(b.w, c, CLOSE_STOP);
	output_flush_dirty(b.w);
	conn_reap(b.w);
}

Test(sickest, in_the_order_of_ranks)
{
	struct sickest walk = {0};
	uint32_t index = 0, n = 0, budget = 100000;
	unsigned last = 0;

	role_enter(&role_worker);
	bed_begin(&b, 1);
	bed_open(&b, 700);
	for (struct conn *c; (c = slab_next(&b.w->conns, &index)) != NULL;)
		sicken(c, (unsigned)(rng() % 101), rng() % 10 == 0);
	for (struct conn *c; (c = sickest_next(b.w, &walk, &budget)) != NULL; n++) {
		cr_assert_eq(c->state, CONN_OPEN);
		cr_assert_geq(health_rank(c), last, "%u after %u", health_rank(c), last);
		last = health_rank(c);
		conn_close(b.w, c, CLOSE_DRAIN);
	}
	cr_assert_eq(n, 700);
	cr_assert_gt(budget, 0, "nobody is left, and that is seen at once");
	everybody_leaves();
	bed_end(&b);
}

/* A suspect comes before everybody, whatever his score. */
Test(sickest, a_suspect_is_the_first)
{
	struct sickest walk = {0};
	uint32_t index = 0, budget = 1000;
	struct conn *c;

	role_enter(&role_worker);
	bed_begin(&b, 1);
	bed_open(&b, 3);
	sicken(slab_next(&b.w->conns, &index), 0, false);
	c = slab_next(&b.w->conns, &index);
	health_on_missed(b.w, c);
	cr_assert_eq(sickest_next(b.w, &walk, &budget), c);
	everybody_leaves();
	bed_end(&b);
}

/* The budget is places that are looked at; what was found is not looked for again. */
Test(sickest, the_work_of_a_turn_is_bounded)
{
	struct sickest walk = {0};
	uint32_t index = 0, budget, turns = 0;
	struct conn *last = NULL;

	role_enter(&role_worker);
	bed_begin(&b, 1);
	bed_open(&b, 1000);
	for (struct conn *c; (c = slab_next(&b.w->conns, &index)) != NULL;)
		last = c;
	health_on_missed(b.w, last);
	do {
		budget = 100;
		cr_assert_lt(turns++, 12);
	} while (sickest_next(b.w, &walk, &budget) != last);
	cr_assert_geq(turns, 10);
	everybody_leaves();
	bed_end(&b);
}

/* Whoever falls ill behind the cursor is found all the same; who recovers waits his turn. */
Test(sickest, what_changes_on_the_way)
{
	struct sickest walk = {0};
	uint32_t budget = 100000, n = 0;

	role_enter(&role_worker);
	bed_begin(&b, 1);
	bed_open(&b, 200);
	for (struct conn *c; (c = sickest_next(b.w, &walk, &budget)) != NULL; n++) {
		uint32_t index = (uint32_t)(rng() % 200);
		struct conn *other = slab_next(&b.w->conns, &index);

		conn_close(b.w, c, CLOSE_DRAIN);
		if (other == NULL || other->state != CONN_OPEN)
			continue;
		if (rng() % 2 == 0)
			health_on_missed(b.w, other);
		else if (other->missed > 0)
			health_resurrect(b.w, other);
	}
	cr_assert_eq(n, 200);
	everybody_leaves();
	bed_end(&b);
}

Test(sickest, nobody_is_there)
{
	struct sickest walk = {0};
	uint32_t budget = 10;

	role_enter(&role_worker);
	bed_begin(&b, 1);
	cr_assert_null(sickest_next(b.w, &walk, &budget));
	cr_assert_eq(budget, 10);
	bed_end(&b);
}
