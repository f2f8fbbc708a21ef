/* What each turn tells the statistics of itself: its pools, its inbox, its time. */
#include "worker/worker.h"

#include <criterion/criterion.h>

#include <string.h>

#include "bed.h"
#include "worker/serve.h"

static struct bed b;

static uint64_t told(unsigned base, enum pool pool)
{
	return stats_get(b.stats, base + pool);
}

static void turn(void) ON_WORKER;
static void turn(void)
{
	b.w->again = true; /* without sleeping */
	cr_assert(worker_turn(b.w));
}

/* With the same object as the answer, which nobody wants. */
static void serve(enum request_kind kind, const char *user, const char *group) ON_WORKER;
static void serve(enum request_kind kind, const char *user, const char *group)
{
	struct request *r = request_new(kind);

	cr_assert_not_null(r);
	r->target.kind = TARGET_USER;
	strcpy(r->target.hub, "chat");
	r->target.hub_len = 4;
	strcpy(r->target.user, user);
	r->target.user_len = (uint32_t)strlen(user);
	cr_assert_eq(target_set_group(&r->target, group, (uint32_t)strlen(group)), 0);
	serve_request(b.w, r);
}

Test(told, pools)
{
	static const enum pool pools[] = {POOL_CONNS, POOL_SESSIONS, POOL_MEMBERSHIPS};

	role_enter(&role_worker);
	bed_begin(&b, 1);
	for (uint64_t life = 0; life < 2; life++) {
		bed_open_as(&b, "chat", "alice");
		bed_open_as(&b, "chat", "bob");
		serve(REQUEST_JOIN, "alice", "lobby");
		serve(REQUEST_JOIN, "bob", "lobby");
		turn();
		for (size_t i = 0; i < ARRAY_LEN(pools); i++) {
			cr_expect_eq(told(STAT_POOL_IN_USE, pools[i]), 2);
			cr_expect_geq(told(STAT_POOL_ROOM, pools[i]), 2);
			cr_expect_eq(told(STAT_POOL_REUSED, pools[i]), 2 * life, "%s %zu",
			             pool_label(pools[i]),
			             (size_t)told(STAT_POOL_REUSED, pools[i]));
		}
		conn_abort(b.w, bed_first(&b), CLOSE_STOP);
		conn_reap(b.w);
		conn_abort(b.w, bed_first(&b), CLOSE_STOP);
		turn();
		for (size_t i = 0; i < ARRAY_LEN(pools); i++)
			cr_expect_eq(told(STAT_POOL_IN_USE, pools[i]), 0);
	}
	bed_end(&b);
}

static uint64_t timed_turns(void)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < LADDER_STEPS; i++)
		n += stats_get(b.stats, STAT_TURN_TIME + i);
	return n;
}

Test(told, turns_and_the_fullest_inbox)
{
	uint64_t before;

	role_enter(&role_worker);
	bed_begin(&b, 1);
	before = timed_turns();
	for (int i = 0; i < 10; i++)
		turn();
	cr_expect_eq(timed_turns(), before + 10);
	cr_expect_eq(timed_turns(), stats_get(b.stats, STAT_TURNS));
	cr_expect_leq(stats_get(b.stats, STAT_TURN_MAX_US), stats_get(b.stats, STAT_TURN_SUM_US));
	bed_open(&b, 7); /* they wait together for the next turn */
	cr_expect_eq(stats_get(b.stats, STAT_INBOX_HIGH), 7);
	while (b.w->conns.in_use > 0) {
		conn_abort(b.w, bed_first(&b), CLOSE_STOP);
		conn_reap(b.w);
	}
	turn();
	cr_expect_eq(stats_get(b.stats, STAT_INBOX_HIGH), 7, "the most ever");
	bed_end(&b);
}

/* Memory of a peak goes back: not in the turn in which all left, but a second later. */
Test(told, pools_shrink_after_a_peak)
{
	uint32_t index = 0;
	uint64_t peak;

	role_enter(&role_worker);
	bed_begin(&b, 1);
	bed_open(&b, 900);
	turn();
	b.w->untrimmed_ms -= 1000;
	turn();
	peak = told(STAT_POOL_ROOM, POOL_CONNS);
	cr_assert_geq(peak, 900);
	for (struct conn *c; (c = slab_next(&b.w->conns, &index)) != NULL;)
		conn_abort(b.w, c, CLOSE_STOP);
	turn();
	cr_expect_eq(told(STAT_POOL_IN_USE, POOL_CONNS), 0);
	cr_expect_eq(told(STAT_POOL_ROOM, POOL_CONNS), peak, "the next may come at once");
	b.w->untrimmed_ms -= 1000;
	turn();
	cr_expect_lt(told(STAT_POOL_ROOM, POOL_CONNS), peak / 2);
	bed_end(&b);
}
