/* When to ping, when a pong is missed, and when somebody is dead. */
#include "worker/keepalive.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "stats/round_trips.h"
#include "worker/aside.h"
#include "worker/deadline.h"
#include "worker/health.h"
#include "worker/output.h"

#define NONCE_BYTES 8

/* ---- the times ---- */

static uint32_t interval_ms(const struct worker *w, const struct conn *c) ON_WORKER;
static uint32_t interval_ms(const struct worker *w, const struct conn *c)
{
	return c->aside != NULL && c->aside->interval_ms != 0 ? c->aside->interval_ms
	                                                      : w->view.heartbeat.interval_ms;
}

static uint32_t timeout_ms(const struct worker *w, const struct conn *c) ON_WORKER;
static uint32_t timeout_ms(const struct worker *w, const struct conn *c)
{
	return c->aside != NULL && c->aside->timeout_ms != 0 ? c->aside->timeout_ms
	                                                     : w->view.heartbeat.timeout_ms;
}

static uint64_t with_grace(const struct worker *w, uint64_t ms) ON_WORKER;
static uint64_t with_grace(const struct worker *w, uint64_t ms)
{
	return (uint64_t)((double)ms * w->view.heartbeat.grace_factor);
}

/* ---- when to ping ---- */

/*
 * From @from_ms to the next of the moments that are the connection's own: one in each interval,
 * at a place that its hash has chosen. Pings at such moments are spread evenly whatever has
 * brought the connections into step. When the next one is nearer than @least_ms, it is half an
 * interval more, and then the one after it is met.
 */
static uint64_t own_moment_ms(const struct worker *w, const struct conn *c, uint64_t from_ms,
                              uint32_t least_ms) ON_WORKER;
static uint64_t own_moment_ms(const struct worker *w, const struct conn *c, uint64_t from_ms,
                              uint32_t least_ms)
{
	const uint64_t handle = slab_handle_of(c), interval = interval_ms(w, c);
	const uint64_t place = siphash(&w->is.key, &handle, sizeof(handle)) % interval;
	uint64_t wait = (place + interval - from_ms % interval) % interval;

	if (wait < least_ms)
		wait += interval / 2;
	return from_ms + wait;
}

/* Nothing but the pong to our last ping was heard since it. */
static bool is_calm(const struct worker *w, const struct conn *c) ON_WORKER;
static bool is_calm(const struct worker *w, const struct conn *c)
{
	return c->heard_ms == c->asked_ms && conn_heard_ms(w, c) >= c->ping_us / US_PER_MS;
}

static uint64_t ping_due_ms(const struct worker *w, const struct conn *c) ON_WORKER;
static uint64_t ping_due_ms(const struct worker *w, const struct conn *c)
{
	const uint32_t interval = interval_ms(w, c);
	const uint64_t tried_ms = c->ping_us / US_PER_MS; /* without memory, in vain */
	const uint64_t heard_ms = conn_heard_ms(w, c);

	if (c->ping_us == 0 && heard_ms == c->opened_ms)
		return own_moment_ms(w, c, c->opened_ms, interval / 2);
	if (!c->ping_pending && is_calm(w, c))
		return own_moment_ms(w, c, heard_ms, interval / 4);
	return (heard_ms > tried_ms ? heard_ms : tried_ms) + interval;
}

/* ---- when a pong is missed ---- */

/*
 * Silence is held against a peer who was asked: after a stall of ours nobody was heard, and
 * those who answer need the time that is left to them in ordinary life to do so.
 */
static uint64_t dead_ms(const struct worker *w, const struct conn *c) ON_WORKER;
static uint64_t dead_ms(const struct worker *w, const struct conn *c)
{
	const uint64_t timeout = with_grace(w, timeout_ms(w, c));
	const uint64_t silent = conn_heard_ms(w, c) + timeout;
	const uint64_t asked =
		worker_since(w, worker_whole_ms(w, c->asked_ms)) + timeout - interval_ms(w, c);

	return silent > asked ? silent : asked;
}

/* Pings that may still go unanswered: the last of them makes a connection dead, by their number
 * or by its score. */
static uint32_t pings_left(const struct worker *w, const struct conn *c) ON_WORKER;
static uint32_t pings_left(const struct worker *w, const struct conn *c)
{
	const uint32_t limit = w->view.heartbeat.missed_limit;
	const uint32_t left = limit > c->missed ? limit - c->missed : 1;
	const uint32_t by_score = (c->score + HEALTH_MISSED - 1u) / HEALTH_MISSED;

	return left < by_score ? left : by_score;
}

/*
 * Until it is dead, a connection is asked missed_limit times. The last ping is waited for all
 * the time that is left: a network that loses much may well need it, and who is dead for certain
 * is found no sooner by asking more often. Each ping before it is waited for as long as round
 * trips have taken so far, twice as long after each miss (RFC 6298, 5.5), but not longer than its
 * equal share, so that everybody is asked again before he is given up.
 */
static uint64_t pong_due_ms(const struct worker *w, const struct conn *c) ON_WORKER;
static uint64_t pong_due_ms(const struct worker *w, const struct conn *c)
{
	const struct conf_heartbeat *h = &w->view.heartbeat;
	const uint64_t dead = dead_ms(w, c), ping_ms = c->ping_us / US_PER_MS;
	const uint64_t from = ping_ms > w->late_ms ? ping_ms : w->late_ms;
	const uint32_t left = pings_left(w, c);
	uint64_t share, usual;

	if (left <= 1 || dead <= from)
		return dead;
	share = (dead - from) / left;
	if (!h->adaptive)
		return from + share;
	usual = with_grace(w, (uint64_t)rtt_timeout_ms(&c->rtt, timeout_ms(w, c)) << c->missed);
	return from + (usual < share ? usual : share);
}

/* A ping that was overtaken by other signs of life proves nothing, answered or not: the silence
 * that follows them has its own. */
static bool ping_counts(const struct worker *w, const struct conn *c) ON_WORKER;
static bool ping_counts(const struct worker *w, const struct conn *c)
{
	return c->ping_pending && conn_heard_ms(w, c) <= c->ping_us / US_PER_MS;
}

uint64_t keepalive_due_ms(const struct worker *w, const struct conn *c)
{
	return ping_counts(w, c) ? pong_due_ms(w, c) : ping_due_ms(w, c);
}

/* ---- what is done about it ---- */

/* Different for every ping of every connection, and not to be guessed. */
static uint64_t nonce(const struct worker *w, const struct conn *c)
{
	const uint64_t what[2] = {slab_handle_of(c), c->ping_us};

	return siphash(&w->is.key, what, sizeof(what));
}

static void send_ping(struct worker *w, struct conn *c) ON_WORKER;
static void send_ping(struct worker *w, struct conn *c)
{
	uint64_t n;

	ASSERT(!c->ping_pending);
	c->ping_us = os_now_us();
	n = nonce(w, c);
	if (output_frame(w, c, WS_PING, &n, NONCE_BYTES) < 0) {
		health_on_unwritten(w, c); /* no memory: it is tried again after the interval */
		return;
	}
	if (!health_is_suspect(c))
		c->asked_ms = (uint32_t)(c->ping_us / US_PER_MS);
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

static void ping_missed(struct worker *w, struct conn *c)
{
	ping_settled(w, c);
	stats_add(w->is.stats, STAT_PONGS_MISSED, 1);
}

static void dead(struct worker *w, struct conn *c) ON_WORKER;
static void dead(struct worker *w, struct conn *c)
{
	stats_add(w->is.stats, STAT_DROPPED_DEAD, 1);
	conn_close(w, c, CLOSE_HEARTBEAT);
}

/* Its pong did not come in time: dead, or a suspect that is asked again at once. */
static void suspect(struct worker *w, struct conn *c) ON_WORKER;
static void suspect(struct worker *w, struct conn *c)
{
	const bool silent = w->now_ms >= dead_ms(w, c);

	ping_missed(w, c);
	health_on_missed(w, c);
	recorder_note(w, c, EVENT_PONG_MISSED, c->missed, c->score);
	if (!silent && c->score > 0 && c->missed < w->view.heartbeat.missed_limit)
		send_ping(w, c);
	else
		dead(w, c);
}

void keepalive_check(struct worker *w, struct conn *c)
{
	if (w->now_ms < keepalive_due_ms(w, c))
		return;
	if (ping_counts(w, c)) {
		suspect(w, c);
		return;
	}
	if (c->ping_pending)
		ping_missed(w, c);
	send_ping(w, c);
	if (c->score == 0)
		dead(w, c);
}

void keepalive_heard(struct worker *w, struct conn *c)
{
	c->heard_ms = (uint32_t)w->now_ms;
	if (UNLIKELY(health_is_suspect(c)) && c->state == CONN_OPEN) {
		health_resurrect(w, c);
		deadline_arm(w, c); /* the next ping is due before the verdict would have been */
	}
}

/* ---- times of its own ---- */

void keepalive_times(const struct worker *w, const struct conn *c, struct heartbeat *ret)
{
	*ret = (struct heartbeat){.reset = c->aside == NULL || c->aside->interval_ms == 0,
	                          .interval_ms = interval_ms(w, c),
	                          .timeout_ms = timeout_ms(w, c)};
}

/* Both: a reload of one must not make the other a wrong one. 0: the configuration's. */
static int set_times(struct conn *c, uint32_t interval_ms, uint32_t timeout_ms)
{
	struct aside *a = interval_ms == 0 ? c->aside : aside_make(c);

	if (a == NULL)
		return interval_ms == 0 ? 0 : WSMD_ENOMEM;
	a->interval_ms = interval_ms;
	a->timeout_ms = timeout_ms;
	return 0;
}

static int override(struct worker *w, struct conn *c, struct heartbeat *h) ON_WORKER;
static int override(struct worker *w, struct conn *c, struct heartbeat *h)
{
	struct heartbeat now;
	int err;

	keepalive_times(w, c, &now);
	if (h->interval_ms != 0)
		now.interval_ms = h->interval_ms;
	if (h->timeout_ms != 0)
		now.timeout_ms = h->timeout_ms;
	if (now.timeout_ms <= now.interval_ms) {
		*h = now;
		return WSMD_EINVAL;
	}
	err = set_times(c, now.interval_ms, now.timeout_ms);
	if (err == 0)
		worker_note_deadline(w, with_grace(w, now.timeout_ms) - now.interval_ms);
	return err;
}

int keepalive_override(struct worker *w, struct conn *c, struct heartbeat *h)
{
	const bool changes = h->reset || h->interval_ms != 0 || h->timeout_ms != 0;
	const int err = !changes ? 0 : h->reset ? set_times(c, 0, 0) : override(w, c, h);

	if (err < 0)
		return err;
	keepalive_times(w, c, h);
	if (changes)
		recorder_note(w, c, EVENT_OVERRIDE, h->interval_ms, h->timeout_ms);
	deadline_arm(w, c);
	return 0;
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
	if (rtt_sample(&c->rtt, rtt_us))
		stats_add(w->is.stats, STAT_RTT_OUTLIERS, 1);
	round_trips_count(w->is.stats, rtt_us);
}

void keepalive_on_pong(struct worker *w, struct conn *c, const uint8_t *payload, size_t len)
{
	const uint64_t want = nonce(w, c), rtt = os_now_us() - c->ping_us;

	if (!c->ping_pending || len != NONCE_BYTES || memcmp(payload, &want, NONCE_BYTES) != 0) {
		stats_add(w->is.stats, STAT_PONGS_UNMATCHED, 1);
		health_on_frame(w, c);
		return;
	}
	ping_settled(w, c);
	c->asked_ms = c->heard_ms;
	c->pongs_received++;
	stats_add(w->is.stats, STAT_PONGS_RECEIVED, 1);
	health_on_pong(w, c);
	recorder_note(w, c, EVENT_PONG, rtt, 0);
	if (rtt_valid(rtt))
		measured(w, c, (uint32_t)rtt);
	deadline_arm(w, c); /* the next ping is due before this one's verdict would have been */
	answer_pingers(w, c, 0, (uint32_t)(rtt < UINT32_MAX ? rtt : UINT32_MAX));
}

void keepalive_on_close(struct worker *w, struct conn *c)
{
	ping_settled(w, c);
	answer_pingers(w, c, WSMD_ECLOSED, 0);
}

void keepalive_probe(struct worker *w, struct conn *c)
{
	if (!c->ping_pending)
		send_ping(w, c);
	if (c->state == CONN_OPEN)
		deadline_arm(w, c);
}

void keepalive_ping_for(struct worker *w, struct conn *c, struct request *r)
{
	r->conn = slab_handle_of(c);
	list_append(&w->pingers, &r->waiting);
	recorder_note(w, c, EVENT_OPERATOR_PING, 0, 0);
	keepalive_probe(w, c);
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
