/* One cursor, two paces. */
#include "worker/leave.h"

#include "worker/conn.h"

/* Connections told to close in one turn, at most. */
#define MAX_PER_TURN 1024

void leave_begin(struct worker *w, enum leave_kind kind)
{
	struct leave *l = &w->leave;

	if (kind <= l->kind)
		return;
	*l = (struct leave){
		.kind = kind,
		.began_ms = w->now_ms,
		.until_ms = w->now_ms + (kind == LEAVE_STOP ? w->view.shutdown.deadline_ms
	                                                    : w->view.drain.deadline_ms),
	};
}

void leave_now(struct worker *w)
{
	ASSERT(w->leave.kind == LEAVE_STOP);
	w->leave.until_ms = w->now_ms;
}

/* How many may have been closed by now. */
static uint64_t due(const struct worker *w) ON_WORKER;
static uint64_t due(const struct worker *w)
{
	const struct leave *l = &w->leave;
	const uint64_t rate = (w->view.drain.rate_per_s + w->is.n_workers - 1) / w->is.n_workers;

	if (l->kind == LEAVE_STOP || w->now_ms >= l->until_ms)
		return UINT64_MAX;
	return (w->now_ms - l->began_ms) * rate / 1000;
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
	const enum close_reason reason = l->kind == LEAVE_STOP ? CLOSE_STOP : CLOSE_DRAIN;
	uint64_t now_due;
	uint32_t n;

	if (l->kind == LEAVE_NO)
		return;
	now_due = due(w);
	for (n = 0; n < MAX_PER_TURN && l->closed < now_due; n++) {
		struct conn *c = slab_next(&w->conns, &l->cursor);

		if (c == NULL)
			break;
		conn_close(w, c, reason);
		l->closed++;
	}
	if (n == MAX_PER_TURN)
		w->again = true;
	if (l->kind == LEAVE_STOP && w->now_ms >= l->until_ms)
		cut(w);
}

bool leave_done(const struct worker *w)
{
	return w->leave.kind == LEAVE_STOP && w->conns.in_use == 0;
}
