/* The score, and what is counted by it. */
#include "worker/health.h"

static_assert(HEALTH_RANKS == 2 + HEALTH_BEST / 10, "a rank for suspects, one for each ten points");
static_assert(STAT_SCORE_COUNT == 1 + HEALTH_BEST / 10, "a counter for each ten points");

/* Add the connection to everything that is counted by health, or take it out. */
static void count(struct worker *w, const struct conn *c, uint64_t n) ON_WORKER;
static void count(struct worker *w, const struct conn *c, uint64_t n)
{
	struct stats_block *b = w->is.stats;

	w->ranks[health_rank(c)] += (uint32_t)n;
	stats_add(b, stat_score(c->score), n);
	stats_add(b, STAT_SCORE_SUM, n * c->score);
	if (health_is_good(c))
		stats_add(b, STAT_HEALTHY, n);
	if (health_is_suspect(c))
		stats_add(b, STAT_SUSPECTS, n);
	if (!health_is_good(c) || health_is_suspect(c))
		stats_add(b, STAT_SICK, n);
}

static void change(struct worker *w, struct conn *c, int points, uint8_t missed) ON_WORKER;
static void change(struct worker *w, struct conn *c, int points, uint8_t missed)
{
	int score = c->score + points;

	count(w, c, (uint64_t)-1);
	if (score < 0)
		score = 0;
	if (score > HEALTH_BEST)
		score = HEALTH_BEST;
	c->score = (uint8_t)score;
	c->missed = missed;
	count(w, c, 1);
}

void health_begin(struct worker *w, struct conn *c)
{
	c->score = HEALTH_BEST;
	count(w, c, 1);
}

void health_end(struct worker *w, struct conn *c)
{
	count(w, c, (uint64_t)-1);
}

void health_on_pong(struct worker *w, struct conn *c)
{
	if (c->score < HEALTH_BEST)
		change(w, c, 10, c->missed);
}

void health_raise(struct worker *w, struct conn *c)
{
	change(w, c, 2, c->missed);
}

void health_on_missed(struct worker *w, struct conn *c)
{
	change(w, c, -HEALTH_MISSED, c->missed < UINT8_MAX ? c->missed + 1 : c->missed);
}

void health_on_unwritten(struct worker *w, struct conn *c)
{
	stats_add(w->is.stats, STAT_PINGS_UNWRITTEN, 1);
	change(w, c, -25, c->missed);
}

void health_on_write_late(struct worker *w, struct conn *c)
{
	if (sendq_cost(&c->sendq) > w->view.limits.send_queue_bytes / 2)
		change(w, c, -10, c->missed);
}

void health_resurrect(struct worker *w, struct conn *c)
{
	stats_add(w->is.stats, STAT_RESURRECTIONS, 1);
	recorder_note(w, c, EVENT_RESURRECTED, c->missed, 0);
	change(w, c, 0, 0);
}
