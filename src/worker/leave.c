/* One walk, two paces. */
#include "worker/leave.h"

#include "base/clock.h"
#include "worker/conn.h"

/* Connections told to close in one turn, and places looked at for them, at most. */
#define MAX_PER_TURN    1024
#define PLACES_PER_TURN 8192

#define OWED_EACH 1000000u

#define RETRY_LEAST_MS  1000
#define RETRY_WINDOW_MS 4000

void leave_begin(struct worker *w, enum leave_kind kind)
{
	struct leave *l = &w->leave;

	if (kind <= l->kind)
		return;
	*l = (struct leave){
		.kind = kind,
		.stepped_ms = w->now_ms,
		.until_ms = w->now_ms + (kind == LEAVE_STOP ? w->view.shutdown.deadline_ms
	                                                    : w->view.drain.deadline_ms),
	};
}

void leave_now(struct worker *w)
{
	ASSERT(w->leave.kind == LEAVE_STOP);
	w->leave.until_ms = w->now_ms;
}

/* ---- the pace ---- */

static uint64_t open_of(const struct stats_block *b)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < STAT_SCORE_COUNT; i++)
		n += stats_get(b, STAT_SCORES + i);
	return n;
}

/* Open connections of the whole server, and sick ones. */
static void count_all(const struct worker *w, uint64_t *ret_open, uint64_t *ret_sick)
{
	*ret_open = *ret_sick = 0;
	for (uint32_t i = 0; i < w->is.n_workers; i++) {
		*ret_open += open_of(&w->is.colleagues[i]);
		*ret_sick += stats_get(&w->is.colleagues[i], STAT_SICK);
	}
}

/* This worker's part of what may be closed since the last step. */
static uint64_t accrued(const struct worker *w, uint64_t open, uint64_t sick) ON_WORKER;
static uint64_t accrued(const struct worker *w, uint64_t open, uint64_t sick)
{
	const uint64_t mine = sick > 0 ? stats_get(w->is.stats, STAT_SICK) : open_of(w->is.stats);
	const uint64_t all = sick > 0 ? sick : open;
	const uint64_t passed_ms = w->now_ms - w->leave.stepped_ms;
	const uint64_t of_all = passed_ms * w->view.drain.rate_per_s * (OWED_EACH / MS_PER_S);

	/* Exact for who is alone; others are rounded to a millionth. */
	return mine == all ? of_all : (uint64_t)((double)of_all * (double)mine / (double)all);
}

/* ---- goodbye ---- */

/*
 * When to come back: within some seconds after a drain, that has its own pace; after a stop, that
 * tells everybody at once, spread as a drain would have spread them.
 */
static uint32_t retry_ms(const struct worker *w, uint64_t open) ON_WORKER;
static uint32_t retry_ms(const struct worker *w, uint64_t open)
{
	const uint64_t drained_ms = open * MS_PER_S / w->view.drain.rate_per_s;
	uint64_t window_ms = RETRY_WINDOW_MS;
	uint32_t random;

	if (w->leave.kind == LEAVE_STOP && drained_ms > window_ms)
		window_ms = drained_ms;
	os_random(&random, sizeof(random));
	return RETRY_LEAST_MS + (uint32_t)(random % window_ms);
}

static void tell(struct worker *w, struct conn *c, uint64_t open) ON_WORKER;
static void tell(struct worker *w, struct conn *c, uint64_t open)
{
	const struct parting parting = {.retry_ms = retry_ms(w, open)};

	conn_close_with(w, c, w->leave.kind == LEAVE_STOP ? CLOSE_STOP : CLOSE_DRAIN, &parting);
}

/* The deadline of a stop: whoever is still there goes without a word. */
static void cut(struct worker *w) ON_WORKER;
static void cut(struct worker *w)
{
	uint32_t index = 0;

	for (struct conn *c; (c = slab_next(&w->conns, &index)) != NULL;)
		if (c->state != CONN_CLOSED) {
			conn_abort(w, c, CLOSE_STOP);
			w->stopped.connections_cut++;
		}
}

void leave_step(struct worker *w)
{
	struct leave *l = &w->leave;
	uint32_t budget = PLACES_PER_TURN, n = 0;
	uint64_t open, sick;
	struct conn *c;

	if (l->kind == LEAVE_NO)
		return;
	count_all(w, &open, &sick);
	if (l->kind == LEAVE_STOP || w->now_ms >= l->until_ms)
		l->owed = UINT64_MAX / 2;
	else
		l->owed += accrued(w, open, sick);
	l->stepped_ms = w->now_ms;
	while (n < MAX_PER_TURN && l->owed >= OWED_EACH &&
	       (c = sickest_next(w, &l->walk, &budget)) != NULL) {
		tell(w, c, open);
		l->owed -= OWED_EACH;
		n++;
	}
	if (n == MAX_PER_TURN || budget == 0)
		w->again = true;
	if (l->kind == LEAVE_STOP && w->now_ms >= l->until_ms)
		cut(w);
}

bool leave_done(const struct worker *w)
{
	return w->leave.kind == LEAVE_STOP && w->conns.in_use == 0;
}
