/* Heartbeats by the fixed timeout of the profile. */
#include "worker/keepalive.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "worker/deadline.h"
#include "worker/output.h"

#define NONCE_BYTES 8

/* A slower round trip is a stalled peer, not a measurement. */
#define MAX_RTT_US (30u * 1000 * 1000)

static uint64_t timeout_ms(const struct worker *w) ON_WORKER;
static uint64_t timeout_ms(const struct worker *w)
{
	const struct conf_heartbeat *h = &w->view.heartbeat;

	return (uint64_t)(h->timeout_ms * h->grace_factor);
}

/* Different for every ping of every connection, and not to be guessed. */
static uint64_t nonce(const struct worker *w, const struct conn *c)
{
	const uint64_t what[2] = {slab_handle_of(c), c->ping_us};

	return siphash(&w->is.key, what, sizeof(what));
}

/* From one half to all of the interval. */
static uint64_t first_ping_ms(const struct worker *w, const struct conn *c) ON_WORKER;
static uint64_t first_ping_ms(const struct worker *w, const struct conn *c)
{
	const uint64_t half = w->view.heartbeat.interval_ms / 2, handle = slab_handle_of(c);

	return c->opened_ms + half + siphash(&w->is.key, &handle, sizeof(handle)) % (half + 1);
}

static uint64_t ping_due_ms(const struct worker *w, const struct conn *c) ON_WORKER;
static uint64_t ping_due_ms(const struct worker *w, const struct conn *c)
{
	const uint64_t tried_ms = c->ping_us / US_PER_MS; /* without memory, in vain */

	if (c->heard_ms == c->opened_ms && c->ping_us == 0)
		return first_ping_ms(w, c);
	return (c->heard_ms > tried_ms ? c->heard_ms : tried_ms) + w->view.heartbeat.interval_ms;
}

static uint64_t pong_due_ms(const struct worker *w, const struct conn *c) ON_WORKER;
static uint64_t pong_due_ms(const struct worker *w, const struct conn *c)
{
	return worker_since(w, c->ping_us / US_PER_MS) + timeout_ms(w);
}

/*
 * Silence is held against a peer who was asked: after a stall of ours nobody was heard, and
 * those who answer need the time that is left to them in ordinary life to do so.
 */
static uint64_t dead_ms(const struct worker *w, const struct conn *c) ON_WORKER;
static uint64_t dead_ms(const struct worker *w, const struct conn *c)
{
	const uint64_t silent = c->heard_ms + timeout_ms(w);
	const uint64_t asked = pong_due_ms(w, c) - w->view.heartbeat.interval_ms;

	return silent > asked ? silent : asked;
}

/* A ping that was overtaken by other signs of life proves nothing, answered or not: the silence
 * that follows them has its own. */
static bool ping_counts(const struct conn *c)
{
	return c->ping_pending && c->heard_ms <= c->ping_us / US_PER_MS;
}

uint64_t keepalive_due_ms(const struct worker *w, const struct conn *c)
{
	uint64_t dead, pong;

	if (!ping_counts(c))
		return ping_due_ms(w, c);
	dead = dead_ms(w, c);
	pong = pong_due_ms(w, c);
	return dead < pong ? dead : pong;
}

static void send_ping(struct worker *w, struct conn *c) ON_WORKER;
static void send_ping(struct worker *w, struct conn *c)
{
	uint64_t n;

	ASSERT(!c->ping_pending);
	c->ping_us = os_now_us();
	n = nonce(w, c);
	if (output_frame(w, c, WS_PING, &n, NONCE_BYTES) < 0)
		return; /* no memory: it is tried again after the interval */
	c->ping_pending = true;
	c->pings_sent++;
	stats_add(w->is.stats, STAT_PINGS_SENT, 1);
	stats_add(w->is.stats, STAT_PINGS_PENDING, 1);
}

static void ping_settled(struct worker *w, struct conn *c)
{
	if (!c->ping_pending)
		return;
	c->ping_pending = false;
	stats_sub(w->is.stats, STAT_PINGS_PENDING, 1);
}

static void dead(struct worker *w, struct conn *c) ON_WORKER;
static void dead(struct worker *w, struct conn *c)
{
	stats_add(w->is.stats, STAT_DROPPED_DEAD, 1);
	conn_close(w, c, CLOSE_HEARTBEAT);
}

static void ping_missed(struct worker *w, struct conn *c)
{
	ping_settled(w, c);
	stats_add(w->is.stats, STAT_PONGS_MISSED, 1);
}

void keepalive_check(struct worker *w, struct conn *c)
{
	if (!ping_counts(c)) {
		if (w->now_ms < ping_due_ms(w, c))
			return;
		if (c->ping_pending)
			ping_missed(w, c);
		send_ping(w, c);
		return;
	}
	const bool silent = w->now_ms >= dead_ms(w, c);

	if (!silent && w->now_ms < pong_due_ms(w, c))
		return;
	ping_missed(w, c);
	if (silent || ++c->missed >= w->view.heartbeat.missed_limit)
		dead(w, c);
	else
		send_ping(w, c); /* a suspect is asked again at once */
}

/* ---- answers ---- */

static void answer_pingers(struct worker *w, const struct conn *c, int err, uint32_t rtt_us)
	ON_WORKER;
static void answer_pingers(struct worker *w, const struct conn *c, int err, uint32_t rtt_us)
{
	list_for_each_safe (at, tmp, &w->pingers) {
		struct request *r = list_entry(at, struct request, waiting);

		if (r->conn != slab_handle_of(c))
			continue;
		list_unlink(&r->waiting);
		r->err = err;
		r->rtt_us = rtt_us;
		request_answer(r);
	}
}

static void measured(struct worker *w, struct conn *c, uint32_t rtt_us)
{
	c->rtt_us = rtt_us;
	if (c->rtt_min_us == 0 || rtt_us < c->rtt_min_us)
		c->rtt_min_us = rtt_us;
	if (rtt_us > c->rtt_max_us)
		c->rtt_max_us = rtt_us;
	stats_add(w->is.stats, STAT_RTT_SUM_US, rtt_us);
}

void keepalive_on_pong(struct worker *w, struct conn *c, const uint8_t *payload, size_t len)
{
	const uint64_t want = nonce(w, c), rtt = os_now_us() - c->ping_us;

	if (!c->ping_pending || len != NONCE_BYTES || memcmp(payload, &want, NONCE_BYTES) != 0) {
		stats_add(w->is.stats, STAT_PONGS_UNMATCHED, 1);
		return;
	}
	ping_settled(w, c);
	c->pongs_received++;
	stats_add(w->is.stats, STAT_PONGS_RECEIVED, 1);
	if (rtt > 0 && rtt <= MAX_RTT_US)
		measured(w, c, (uint32_t)rtt);
	deadline_arm(w, c); /* the next ping is due before this one's verdict would have been */
	answer_pingers(w, c, 0, (uint32_t)(rtt < UINT32_MAX ? rtt : UINT32_MAX));
}

void keepalive_on_close(struct worker *w, struct conn *c)
{
	ping_settled(w, c);
	answer_pingers(w, c, WSMD_ECLOSED, 0);
}

void keepalive_ping_for(struct worker *w, struct conn *c, struct request *r)
{
	r->conn = slab_handle_of(c);
	list_append(&w->pingers, &r->waiting);
	if (!c->ping_pending)
		send_ping(w, c);
	if (c->state == CONN_OPEN)
		deadline_arm(w, c);
}

void keepalive_expire_requests(struct worker *w)
{
	list_for_each_safe (at, tmp, &w->pingers) {
		struct request *r = list_entry(at, struct request, waiting);

		if (w->now_ms < r->until_ms)
			continue;
		list_unlink(&r->waiting);
		r->err = -ETIMEDOUT;
		request_answer(r);
	}
}
