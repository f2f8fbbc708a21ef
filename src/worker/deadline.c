/* The earliest of several deadlines, recomputed only when the timer fires. */
#include "worker/deadline.h"

#include "base/clock.h"
#include "worker/health.h"
#include "worker/keepalive.h"

#define REARMS_PER_TURN 1024
#define REARM_NOBODY    UINT32_MAX

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What was accepted is flushed at a stop: who still takes it has as long as the server has. */
static uint64_t closing_until(const struct worker *w, const struct conn *c) ON_WORKER;
static uint64_t closing_until(const struct worker *w, const struct conn *c)
{
	if (w->leave.kind == LEAVE_STOP && !sendq_empty(&c->sendq))
		return w->leave.until_ms + MS_PER_S; /* leave.c cuts before, and counts it */
	return worker_whole_ms(w, c->ending_ms) + w->view.limits.close_timeout_ms;
}

static uint64_t blocked_until(const struct worker *w, const struct conn *c) ON_WORKER;
static uint64_t blocked_until(const struct worker *w, const struct conn *c)
{
	return worker_since(w, worker_whole_ms(w, c->sendq.blocked_ms)) +
	       w->view.limits.write_timeout_ms;
}

static uint64_t message_until(const struct worker *w, const struct conn *c) ON_WORKER;
static uint64_t message_until(const struct worker *w, const struct conn *c)
{
	return worker_since(w, worker_whole_ms(w, c->message_ms)) +
	       w->view.limits.message_timeout_ms;
}

static uint64_t next_deadline(const struct worker *w, const struct conn *c) ON_WORKER;
static uint64_t next_deadline(const struct worker *w, const struct conn *c)
{
	uint64_t at;

	if (c->state != CONN_OPEN)
		return closing_until(w, c);
	at = keepalive_due_ms(w, c);
	if (c->sendq.blocked_ms != 0)
		at = earlier(at, blocked_until(w, c));
	if (c->message_ms != 0 && !c->paused)
		at = earlier(at, message_until(w, c));
	return at;
}

void deadline_arm(struct worker *w, struct conn *c)
{
	if (c->state == CONN_CLOSED)
		return;

	const uint64_t at = next_deadline(w, c);

	if (!timer_armed(&c->timer) || c->timer.expires_ms > at)
		wheel_arm(&w->wheel, &c->timer, at);
}

void deadline_rearm_some(struct worker *w)
{
	if (w->rearm_at == REARM_NOBODY)
		return;
	for (int n = 0; n < REARMS_PER_TURN; n++) {
		struct conn *c = slab_next(&w->conns, &w->rearm_at);

		if (c == NULL) {
			w->rearm_at = REARM_NOBODY;
			return;
		}
		deadline_arm(w, c);
	}
	w->again = true;
}

void deadline_fire(struct worker *w, struct conn *c)
{
	if (c->state != CONN_OPEN) {
		if (w->now_ms >= closing_until(w, c)) {
			stats_add(w->is.stats, STAT_CLOSE_TIMEOUTS, 1);
			conn_abort(w, c, (enum close_reason)c->reason);
		}
	} else if (c->sendq.blocked_ms != 0 && w->now_ms >= blocked_until(w, c)) {
		health_on_write_late(w, c);
		conn_close(w, c, CLOSE_WRITE_TIMEOUT);
	} else if (c->message_ms != 0 && !c->paused && w->now_ms >= message_until(w, c)) {
		conn_close(w, c, CLOSE_MESSAGE_TIMEOUT);
	} else {
		keepalive_check(w, c);
	}
	deadline_arm(w, c);
}
