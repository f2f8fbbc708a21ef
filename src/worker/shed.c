/* Weigh everybody, then close from the heaviest class down. */
#include "worker/shed.h"

#include "admit/answer.h"
#include "base/clock.h"
#include "worker/conn.h"
#include "worker/health.h"
#include "worker/output.h"

#define LOOKS_PER_TURN 4096
#define PART           4    /* of what is held goes in a round: a quarter */
#define LEAST_BYTES    4096 /* less is not worth an end */

static uint64_t held(const struct conn *c)
{
	return sendq_cost(&c->sendq) + ws_receiver_held(&c->rx);
}

/* 0: nobody who is to go. */
static unsigned class_of(const struct conn *c)
{
	const uint32_t suspect = health_is_suspect(c) ? 10 : 0;
	const uint32_t sickness = 1u + (HEALTH_BEST - (uint32_t)c->score) / 10 + suspect;

	if (c->state != CONN_OPEN || held(c) < LEAST_BYTES)
		return 0;
	return 63 - (unsigned)__builtin_clzll(held(c) * sickness);
}

/* How far down it goes to let a part of the sum go. */
static void choose(struct shed *s)
{
	uint64_t sum = 0, above = 0;

	for (unsigned i = 0; i < SHED_CLASSES; i++)
		sum += s->held[i];
	s->whole_from = SHED_CLASSES;
	while (s->whole_from > 1 && above + s->held[s->whole_from - 1] <= sum / PART)
		above += s->held[--s->whole_from];
	s->rest = sum / PART - above;
	s->cursor = 0;
	s->phase = sum == 0 ? SHED_IDLE : SHED_CLOSING;
}

static void let_go(struct worker *w, struct conn *c) ON_WORKER;
static void let_go(struct worker *w, struct conn *c)
{
	const uint64_t bytes = held(c);
	uint32_t random;

	os_random(&random, sizeof(random));
	recorder_note(w, c, EVENT_SHED, bytes, c->score);
	conn_close_with(w, c, CLOSE_SHED,
	                &(struct parting){.retry_ms = answer_retry_s(random) * MS_PER_S,
	                                  .evidence.held_bytes = bytes});
	if (c->state == CONN_CLOSED)
		return;
	/* Who takes nothing now would keep what is partly on the wire until the deadline. */
	output_flush(w, c);
	if (!sendq_empty(&c->sendq))
		conn_abort(w, c, CLOSE_SHED);
	else
		ws_receiver_fini(&c->rx); /* nothing more is listened to */
}

static void close_one(struct worker *w, struct conn *c) ON_WORKER;
static void close_one(struct worker *w, struct conn *c)
{
	struct shed *s = &w->shed;
	const unsigned class = class_of(c);
	const uint64_t bytes = held(c);

	if (class == 0 || class + 1 < s->whole_from)
		return;
	if (class < s->whole_from) {
		if (s->rest == 0)
			return;
		s->rest -= bytes < s->rest ? bytes : s->rest;
	}
	let_go(w, c);
}

static void look(struct worker *w, struct conn *c) ON_WORKER;
static void look(struct worker *w, struct conn *c)
{
	const unsigned class = class_of(c);

	if (w->shed.phase == SHED_CLOSING)
		close_one(w, c);
	else if (class > 0)
		w->shed.held[class < SHED_CLASSES ? class : SHED_CLASSES - 1] += held(c);
}

void shed_step(struct worker *w)
{
	const uint32_t rounds = atomic_load_explicit(&w->is.pressure->rounds, memory_order_relaxed);
	struct shed *s = &w->shed;

	if (s->phase == SHED_IDLE) {
		if (s->seen == rounds)
			return;
		*s = (struct shed){.seen = rounds, .phase = SHED_WEIGHING};
	}
	for (int n = 0; n < LOOKS_PER_TURN; n++) {
		struct conn *c = slab_next(&w->conns, &s->cursor);

		if (c != NULL) {
			look(w, c);
		} else if (s->phase == SHED_WEIGHING) {
			choose(s);
			break;
		} else {
			s->phase = SHED_IDLE;
			return;
		}
	}
	w->again = true;
}
