/* One message to everybody a target names, and what became of it for each. */
#include "worker/deliver.h"

#include "base/err.h"
#include "worker/conn.h"
#include "worker/output.h"

#define LOOKS_PER_TURN 65536 /* at places, without a delivery ... */
#define DELIVERY_COST  8     /* ... each of which takes as long as these to queue */

/* Whoever is full and still open goes without this message: limits.slow_consumer. */
static enum drop_reason drop_reason_of(int err, const struct conn *c)
{
	switch (err) {
	case WSMD_EFULL:
		return c->state == CONN_OPEN ? DROP_POLICY : DROP_QUEUE_FULL;
	case WSMD_ECLOSED:
		return DROP_CLOSING;
	default:
		return DROP_NO_MEMORY;
	}
}

/*
 * Its place among all sends to one user, or, anonymous, to one connection. Taken on this thread,
 * which is the only one that sends to him, so the order of the numbers is that of the queues.
 */
static uint64_t take_seq(const struct session *s)
{
	return s->user != NULL ? ++s->user->seq : s->seq + 1;
}

/* The order that a connection gets is its user's. */
static void check_order(struct worker *w, struct session *s, uint64_t seq) ON_WORKER;
static void check_order(struct worker *w, struct session *s, uint64_t seq)
{
	if (UNLIKELY(seq <= s->seq))
		stats_add(w->is.stats, STAT_ORDER, 1);
	s->seq = seq;
}

static void note_row(struct request *r, const struct outcome_row *row)
{
	if (r->n_each < r->max_each)
		r->each[r->n_each] = *row;
	r->n_each++;
}

static void send_one(struct worker *w, struct conn *c, struct request *r) ON_WORKER;
static void send_one(struct worker *w, struct conn *c, struct request *r)
{
	struct outcome *o = &r->outcome;
	const bool to_user = r->target.kind == TARGET_USER || r->target.kind == TARGET_CONNECTION;
	struct outcome_row row = {.id = c->session->id}; /* it may close in the attempt */
	int err;

	if (to_user && o->user_seq == 0)
		o->user_seq = take_seq(c->session);
	if (to_user)
		check_order(w, c->session, o->user_seq);
	o->matched++;
	err = output_msg(w, c, msg_get(r->msg));
	row.delivered = err == 0;
	if (err == 0) {
		o->delivered++;
	} else {
		msg_put(r->msg);
		row.reason = drop_reason_of(err, c);
		o->dropped++;
		o->dropped_for[row.reason]++;
	}
	note_row(r, &row);
}

static void count(struct worker *w, const struct outcome *o) ON_WORKER;
static void count(struct worker *w, const struct outcome *o)
{
	stats_add(w->is.stats, STAT_DELIVERED, o->delivered);
	stats_add(w->is.stats, STAT_QUEUED, o->queued);
	stats_add(w->is.stats, STAT_EXCLUDED, o->excluded);
	stats_add(w->is.stats, STAT_DROPPED, o->dropped);
	for (unsigned i = 0; i < DROP_REASON_COUNT && o->dropped > 0; i++)
		stats_add(w->is.stats, stat_drop((enum drop_reason)i), o->dropped_for[i]);
}

/* False: it rests. */
static bool walk(struct worker *w, struct request *r, struct route *at) ON_WORKER;
static bool walk(struct worker *w, struct request *r, struct route *at)
{
	uint32_t *const places = &w->delivery.places;

	w->delivery.to_many = r->target.kind != TARGET_USER && r->target.kind != TARGET_CONNECTION;
	for (struct conn *c; (c = route_next(w, at)) != NULL;) {
		send_one(w, c, r);
		*places -= *places < DELIVERY_COST ? *places : DELIVERY_COST;
	}
	w->delivery.to_many = false;
	if (route_rests(w, at))
		return false;
	r->outcome.excluded = at->excluded;
	count(w, &r->outcome);
	request_answer(r);
	return true;
}

void deliver_init(struct delivery *d)
{
	*d = (struct delivery){.per_turn = LOOKS_PER_TURN};
}

void deliver_begin(struct worker *w, struct request *r)
{
	struct delivery *d = &w->delivery;

	ASSERT(d->resting == NULL);
	route_begin(w, &r->target, &d->at);
	d->at.places = &d->places;
	if (!walk(w, r, &d->at))
		d->resting = r;
}

void deliver_turn(struct worker *w)
{
	struct delivery *d = &w->delivery;

	d->places = d->per_turn;
	if (d->resting == NULL)
		return;
	route_go_on(w, &d->at);
	if (walk(w, d->resting, &d->at))
		d->resting = NULL;
}
