/* When pings are due, when a pong is missed, when somebody is dead, and what becomes of it. */
#include "worker/keepalive.h"

#include <criterion/criterion.h>

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "bed.h"
#include "heap.h"
#include "worker/deadline.h"
#include "worker/health.h"
#include "worker/output.h"

/* Stamps begin anew 20 s later. */
#define NOW      ((UINT64_C(3) << 32) - 20000)
#define INTERVAL 25000u
#define TIMEOUT  75000u
#define SILENCE  90000u /* timeout x grace */

static struct bed b;

/* @n connections of the production profile that opened at NOW. */
static struct conn *begin(uint32_t n) ON_WORKER;
static struct conn *begin(uint32_t n)
{
	uint32_t index = 0;

	bed_begin(&b, 1);
	bed_open(&b, n);
	b.w->view.heartbeat = (struct conf_heartbeat){.interval_ms = INTERVAL,
	                                              .timeout_ms = TIMEOUT,
	                                              .missed_limit = 2,
	                                              .grace_factor = 1.2,
	                                              .adaptive = true};
	b.w->now_ms = NOW;
	b.w->late_ms = b.w->resumed_ms = 0;
	for (struct conn *c; (c = slab_next(&b.w->conns, &index)) != NULL;) {
		c->opened_ms = NOW;
		c->heard_ms = (uint32_t)NOW;
	}
	return bed_first(&b);
}

static void end(void) ON_WORKER;
static void end(void)
{
	uint32_t index = 0;

	for (struct conn *c; (c = slab_next(&b.w->conns, &index)) != NULL;)
		conn_abort(b.w, c, CLOSE_STOP);
	output_flush_dirty(b.w);
	conn_reap(b.w);
	bed_end(&b);
}

/* What is due is done at that time, although the clock says another. */
static void check_at(struct conn *c, uint64_t now_ms) ON_WORKER;
static void check_at(struct conn *c, uint64_t now_ms)
{
	const uint32_t pings = c->pings_sent;

	b.w->now_ms = now_ms;
	keepalive_check(b.w, c);
	if (c->pings_sent == pings)
		return;
	c->ping_us = now_ms * US_PER_MS;
	if (c->missed == 0)
		c->asked_ms = (uint32_t)now_ms;
}

/* The pong to its last ping comes; how long it took is up to the test. */
static void pong_at(struct conn *c, uint64_t now_ms) ON_WORKER;
static void pong_at(struct conn *c, uint64_t now_ms)
{
	const uint64_t what[2] = {slab_handle_of(c), c->ping_us};
	const uint64_t nonce = siphash(&b.w->is.key, what, sizeof(what));

	b.w->now_ms = now_ms;
	keepalive_heard(b.w, c);
	keepalive_on_pong(b.w, c, (const uint8_t *)&nonce, sizeof(nonce));
}

/* ---- when to ping ---- */

Test(keepalive, the_first_ping_is_spread_over_the_second_half)
{
	uint32_t tenths[10] = {0}, index = 0;

	role_enter(&role_worker);
	(void)begin(1000);
	for (struct conn *c; (c = slab_next(&b.w->conns, &index)) != NULL;) {
		const uint64_t wait = keepalive_due_ms(b.w, c) - NOW;

		cr_assert_geq(wait, INTERVAL / 2);
		cr_assert_lt(wait, INTERVAL);
		tenths[wait * 10 / INTERVAL]++;
	}
	for (int i = 5; i < 10; i++)
		cr_expect(tenths[i] > 140 && tenths[i] < 260, "%d: %u", i, tenths[i]);
	end();
}

/* All arrive, or are heard, in one millisecond: from the next round on pings are a flat line. */
static void expect_flat(uint64_t after_ms, bool from_traffic) ON_WORKER;
static void expect_flat(uint64_t after_ms, bool from_traffic)
{
	uint32_t seconds[100] = {0}, index = 0;
	double mean = 0, square = 0;

	(void)begin(1900);
	for (struct conn *c; (c = slab_next(&b.w->conns, &index)) != NULL;) {
		if (from_traffic)
			c->heard_ms = (uint32_t)NOW + 1;
		for (uint64_t due; (due = keepalive_due_ms(b.w, c)) < NOW + after_ms + 100000;) {
			if (due >= NOW + after_ms)
				seconds[(due - NOW - after_ms) / 1000]++;
			check_at(c, due);
			pong_at(c, due + 20);
		}
	}
	for (size_t i = 0; i < 100; i++)
		mean += seconds[i] / 100.0;
	for (size_t i = 0; i < 100; i++)
		square += (seconds[i] - mean) * (seconds[i] - mean) / 100;
	cr_expect_float_eq(mean, 76, 2, "%g pings a second", mean);
	/* Chance alone, 76 of 1900, gives 0.115. */
	cr_expect_lt(square / (mean * mean), 0.17 * 0.17, "%g", square / (mean * mean));
	end();
}

Test(keepalive, pings_are_a_flat_line_after_a_mass_connect)
{
	role_enter(&role_worker);
	expect_flat(INTERVAL, false);
}

Test(keepalive, pings_are_a_flat_line_after_common_traffic)
{
	role_enter(&role_worker);
	expect_flat(3 * INTERVAL, true);
}

Test(keepalive, traffic_postpones_the_ping)
{
	struct conn *c;

	role_enter(&role_worker);
	c = begin(1);
	for (uint64_t at = NOW + 1000; at < NOW + 10 * INTERVAL; at += 24999) {
		b.w->now_ms = at;
		keepalive_heard(b.w, c);
		cr_assert_eq(keepalive_due_ms(b.w, c), at + INTERVAL);
		check_at(c, at + INTERVAL - 1);
		cr_assert_eq(c->pings_sent, 0);
	}
	end();
}

/* Whoever was heard from only by his pongs is never left alone for longer than the interval. */
Test(keepalive, the_idle_are_asked_in_each_interval)
{
	uint32_t index = 0;

	role_enter(&role_worker);
	(void)begin(50);
	for (struct conn *c; (c = slab_next(&b.w->conns, &index)) != NULL;) {
		uint64_t last = NOW;

		for (int n = 0; n < 20; n++) {
			const uint64_t due = keepalive_due_ms(b.w, c);

			cr_assert_leq(due - last, INTERVAL);
			cr_assert_geq(due - last, INTERVAL / 4);
			check_at(c, due);
			last = due + 300;
			pong_at(c, last);
		}
		cr_assert_eq(c->pings_sent, 20);
	}
	end();
}

/* ---- missed, suspect, dead ---- */

/* Silent from NOW on: when its pongs are missed, and when it is dead. */
Test(keepalive, from_suspect_to_dead)
{
	static const struct {
		bool adaptive;
		uint32_t limit, smoothed_us, variation_us;
		uint64_t missed_ms[3]; /* behind the ping, which is at NOW + INTERVAL */
	} cases[] = {
		/* Nothing measured, or nothing to be adapted to: equal shares of what is left. */
		{true, 1, 0, 0, {65000}},
		{true, 2, 0, 0, {32500, 65000}},
		{true, 3, 0, 0, {21666, 43333, 65000}},
		{false, 1, 20000, 5000, {65000}},
		{false, 2, 20000, 5000, {32500, 65000}},
		{false, 3, 20000, 5000, {21666, 43333, 65000}},
		/* The last ping has all the time there is, the others what round trips took. */
		{true, 1, 20000, 5000, {65000}},
		{true, 2, 20000, 5000, {1200, 65000}},
		{true, 3, 20000, 5000, {1200, 1200 + 2400, 65000}},
		{true, 2, 2000000, 500000, {4800, 65000}},
		{true, 3, 2000000, 500000, {4800, 4800 + 9600, 65000}},
		{true, 3, 9000000, 1000000, {15600, 15600 + 24700, 65000}},
		{true, 2, 30000000, 15000000, {32500, 65000}},
	};

	role_enter(&role_worker);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct conn *c = begin(1);

		b.w->view.heartbeat.adaptive = cases[i].adaptive;
		b.w->view.heartbeat.missed_limit = cases[i].limit;
		c->rtt = (struct rtt){.smoothed_us = cases[i].smoothed_us,
		                      .variation_us = cases[i].variation_us};
		c->ping_us = NOW * US_PER_MS; /* not the first */
		check_at(c, NOW + INTERVAL);
		cr_assert_eq(c->pings_sent, 1);
		for (uint32_t n = 0; n < cases[i].limit; n++) {
			const uint64_t due = keepalive_due_ms(b.w, c);

			cr_expect_eq(due - NOW - INTERVAL, cases[i].missed_ms[n], "%zu: %u: %llu",
			             i, n, (unsigned long long)(due - NOW - INTERVAL));
			check_at(c, due - 1);
			cr_expect_eq(c->missed, n);
			cr_expect_eq(c->state, CONN_OPEN);
			check_at(c, due);
			if (n + 1 == cases[i].limit)
				break;
			cr_expect_eq(c->missed, n + 1);
			cr_expect_eq(c->score, 100 - 25 * (n + 1));
			cr_expect_eq(c->pings_sent, n + 2, "a suspect is asked again at once");
			cr_expect_eq(stats_get(b.stats, STAT_SUSPECTS), 1);
		}
		cr_expect_eq(b.w->now_ms, NOW + SILENCE, "%zu", i);
		cr_expect_neq(c->state, CONN_OPEN, "%zu", i);
		cr_expect_eq(c->reason, CLOSE_HEARTBEAT);
		cr_expect_eq(stats_get(b.stats, STAT_DROPPED_DEAD), 1);
		cr_expect_eq(stats_get(b.stats, STAT_PONGS_MISSED), cases[i].limit);
		cr_expect_eq(stats_get(b.stats, STAT_SUSPECTS), 0);
		end();
	}
}

/* A score of 0 makes dead, but a patient limit does not become an impatient one by it. */
Test(keepalive, four_missed_pongs_are_the_most)
{
	uint64_t missed_ms[4] = {1200, 3600, 8400, 65000};
	struct conn *c;

	role_enter(&role_worker);
	c = begin(1);
	b.w->view.heartbeat.missed_limit = 10;
	c->rtt = (struct rtt){.smoothed_us = 1000};
	c->ping_us = NOW * US_PER_MS;
	check_at(c, NOW + INTERVAL);
	for (size_t n = 0; n < 4; n++) {
		const uint64_t due = keepalive_due_ms(b.w, c);

		cr_expect_eq(due - NOW - INTERVAL, missed_ms[n], "%zu", n);
		cr_expect_eq(c->state, CONN_OPEN);
		check_at(c, due);
	}
	cr_expect_eq(c->score, 0);
	cr_expect_eq(c->reason, CLOSE_HEARTBEAT);
	end();
}

Test(keepalive, a_suspect_that_shows_life_is_alive_again)
{
	struct conn *c;

	role_enter(&role_worker);
	c = begin(1);
	c->rtt = (struct rtt){.smoothed_us = 20000};
	c->ping_us = NOW * US_PER_MS;
	check_at(c, NOW + INTERVAL);
	check_at(c, NOW + INTERVAL + 1200);
	cr_assert_eq(c->missed, 1);
	pong_at(c, NOW + INTERVAL + 5000);
	cr_assert_eq(c->missed, 0);
	cr_assert_eq(c->score, 85);
	cr_assert_eq(stats_get(b.stats, STAT_RESURRECTIONS), 1);
	cr_assert_eq(stats_get(b.stats, STAT_PINGS_PENDING), 0);
	check_at(c, NOW + SILENCE);
	cr_assert_eq(c->state, CONN_OPEN, "its silence begins anew");
	end();
}

/* Who is heard from between ping and pong has not missed anything. */
Test(keepalive, a_ping_overtaken_by_traffic_costs_nothing)
{
	struct conn *c;

	role_enter(&role_worker);
	c = begin(1);
	c->rtt = (struct rtt){.smoothed_us = 20000};
	for (uint64_t at = NOW; at < NOW + 20 * INTERVAL; at += INTERVAL + 100) {
		b.w->now_ms = at;
		keepalive_heard(b.w, c);
		check_at(c, at + INTERVAL);
	}
	cr_assert_eq(c->pings_sent, 20);
	cr_assert_eq(c->score, 100);
	cr_assert_eq(stats_get(b.stats, STAT_PONGS_MISSED), 19, "none was answered, though");
	end();
}

/* Late because of us: suspicion waits, and after a real stall the verdict too. */
Test(keepalive, our_own_absence_is_not_held_against_anybody)
{
	struct conn *c;

	role_enter(&role_worker);
	c = begin(1);
	c->rtt = (struct rtt){.smoothed_us = 20000};
	c->ping_us = NOW * US_PER_MS;
	check_at(c, NOW + INTERVAL);
	b.w->late_ms = NOW + INTERVAL + 1100; /* a hiccup */
	check_at(c, NOW + INTERVAL + 1200);
	cr_assert_eq(c->missed, 0);
	check_at(c, NOW + INTERVAL + 2299);
	cr_assert_eq(c->missed, 0);
	check_at(c, NOW + INTERVAL + 2300);
	cr_assert_eq(c->missed, 1);
	b.w->late_ms = b.w->resumed_ms = NOW + 1000000; /* suspended for a quarter of an hour */
	check_at(c, NOW + 1000000);
	cr_assert_eq(c->state, CONN_OPEN);
	check_at(c, NOW + 1000000 + SILENCE - INTERVAL - 1);
	cr_assert_eq(c->state, CONN_OPEN);
	check_at(c, NOW + 1000000 + SILENCE - INTERVAL);
	cr_assert_eq(c->reason, CLOSE_HEARTBEAT);
	end();
}

/* The clock goes on within a turn: what is sent in it is sent after its time. */
Test(keepalive, a_ping_is_later_than_its_turn)
{
	struct conn *c;

	role_enter(&role_worker);
	c = begin(1);
	b.w->view.heartbeat.missed_limit = 1;
	c->ping_us = NOW * US_PER_MS;
	check_at(c, NOW + INTERVAL);
	c->ping_us = (NOW + INTERVAL + 1) * US_PER_MS;
	c->asked_ms = (uint32_t)(NOW + INTERVAL + 1);
	cr_assert_eq(keepalive_due_ms(b.w, c), NOW + SILENCE + 1);
	end();
}

/* ---- pongs ---- */

Test(keepalive, a_pong_measures_and_heals)
{
	struct conn *c;

	role_enter(&role_worker);
	c = begin(1);
	b.w->now_ms = os_now_ms();
	health_on_unwritten(b.w, c);
	check_at(c, keepalive_due_ms(b.w, c));
	c->ping_us = os_now_us() - 7000;
	c->rtt = (struct rtt){.average_us = 1000, .smoothed_us = 1000, .variation_us = 100};
	pong_at(c, b.w->now_ms);
	cr_assert_eq(c->score, 85);
	cr_assert_geq(c->rtt.last_us, 7000);
	cr_assert_eq(stats_get(b.stats, STAT_RTT_SUM_US), c->rtt.last_us);
	cr_assert_eq(stats_get(b.stats, STAT_RTT_OUTLIERS), 1);
	pong_at(c, b.w->now_ms);
	cr_assert_eq(stats_get(b.stats, STAT_PONGS_RECEIVED), 1, "a ping has one pong");
	cr_assert_eq(stats_get(b.stats, STAT_PONGS_UNMATCHED), 1);
	cr_assert_eq(c->score, 87, "but it is a frame");
	end();
}

/* 30 s is the longest that is believed. */
Test(keepalive, an_old_pong_matches_and_is_not_measured)
{
	struct conn *c;

	role_enter(&role_worker);
	c = begin(1);
	check_at(c, keepalive_due_ms(b.w, c));
	c->ping_us = os_now_us() - 31000000;
	pong_at(c, b.w->now_ms);
	cr_assert_eq(stats_get(b.stats, STAT_PONGS_RECEIVED), 1);
	cr_assert_eq(c->rtt.last_us, 0);
	cr_assert_eq(stats_get(b.stats, STAT_RTT_SUM_US), 0);
	end();
}

/* The timer waits for the verdict then: who vanishes next must not have that time as well. */
Test(keepalive, a_suspect_that_shows_life_is_pinged_in_time)
{
	struct conn *c;

	role_enter(&role_worker);
	c = begin(1);
	c->rtt = (struct rtt){.smoothed_us = 20000};
	c->ping_us = NOW * US_PER_MS;
	check_at(c, NOW + INTERVAL);
	check_at(c, NOW + INTERVAL + 1200);
	cr_assert_eq(c->missed, 1);
	wheel_disarm(&b.w->wheel, &c->timer);
	deadline_arm(b.w, c);
	cr_assert_eq(c->timer.expires_ms, NOW + SILENCE);
	b.w->now_ms = NOW + INTERVAL + 5000;
	keepalive_heard(b.w, c);
	cr_assert_eq(c->timer.expires_ms, NOW + 2 * INTERVAL + 5000);
	end();
}

/* ---- times of its own ---- */

Test(keepalive, a_connection_has_times_of_its_own)
{
	struct heartbeat h = {.interval_ms = 1000, .timeout_ms = 5000};
	struct conn *c;

	role_enter(&role_worker);
	c = begin(2);
	c->ping_us = NOW * US_PER_MS;
	c->heard_ms = (uint32_t)NOW + 1;
	b.w->view.stall_ms = 2500;
	cr_assert_eq(keepalive_override(b.w, c, &h), 0);
	cr_assert(h.interval_ms == 1000 && h.timeout_ms == 5000 && !h.reset);
	cr_assert_eq(keepalive_due_ms(b.w, c), NOW + 1001);
	cr_assert_leq(c->timer.expires_ms, NOW + 1001, "its timer is set again");
	cr_assert_eq(b.w->view.stall_ms, 1250, "a quarter of what it has for its answer");
	check_at(c, NOW + 1001);
	b.w->view.heartbeat.missed_limit = 1;
	cr_assert_eq(keepalive_due_ms(b.w, c), NOW + 1 + 6000);

	/* One of them: the other stays. */
	h = (struct heartbeat){.timeout_ms = 8000};
	cr_assert_eq(keepalive_override(b.w, c, &h), 0);
	cr_assert(h.interval_ms == 1000 && h.timeout_ms == 8000 && !h.reset);

	/* What would close the healthy is refused, and nothing changes. */
	h = (struct heartbeat){.interval_ms = 8000};
	cr_assert_eq(keepalive_override(b.w, c, &h), WSMD_EINVAL);
	cr_assert(h.interval_ms == 8000 && h.timeout_ms == 8000);
	h = (struct heartbeat){0};
	cr_assert_eq(keepalive_override(b.w, c, &h), 0);
	cr_assert(h.interval_ms == 1000 && h.timeout_ms == 8000 && !h.reset);

	h = (struct heartbeat){.reset = true};
	cr_assert_eq(keepalive_override(b.w, c, &h), 0);
	cr_assert(h.interval_ms == INTERVAL && h.timeout_ms == TIMEOUT && h.reset);
	end();
}

/* ---- without memory ---- */

Test(keepalive, without_memory_there_are_no_times_of_its_own)
{
	struct heartbeat h = {.interval_ms = 1000, .timeout_ms = 5000};
	struct conn *c;

	role_enter(&role_worker);
	c = begin(1);
	heap_fail_always(true);
	cr_assert_eq(keepalive_override(b.w, c, &h), WSMD_ENOMEM);
	heap_fail_always(false);
	h = (struct heartbeat){0};
	cr_assert_eq(keepalive_override(b.w, c, &h), 0);
	cr_assert(h.interval_ms == INTERVAL && h.timeout_ms == TIMEOUT && h.reset);
	end();
}

/* A timer that is due again at once would keep the worker busy until there is memory. */
Test(keepalive, without_memory_a_ping_is_tried_after_the_interval)
{
	const uint64_t interval_ms = 1000000;
	struct conn *c;

	role_enter(&role_worker);
	bed_begin(&b, 1);
	bed_open(&b, 1);
	c = bed_first(&b);
	b.w->now_ms += interval_ms;
	heap_fail_always(true);
	keepalive_check(b.w, c);
	heap_fail_always(false);
	cr_assert_not(c->ping_pending);
	cr_assert_eq(c->pings_sent, 0);
	cr_assert_eq(c->score, 75);
	cr_assert_eq(keepalive_due_ms(b.w, c), c->ping_us / US_PER_MS + interval_ms);

	b.w->now_ms = keepalive_due_ms(b.w, c);
	keepalive_check(b.w, c);
	cr_assert(c->ping_pending);
	cr_assert_eq(c->pings_sent, 1);
	end();
}

/* Whoever cannot even be asked is dead after the fourth time, once. */
Test(keepalive, pings_that_cannot_be_written_make_dead)
{
	struct conn *c;

	role_enter(&role_worker);
	c = begin(1);
	heap_fail_always(true);
	for (unsigned n = 1; n <= 4; n++) {
		cr_assert_eq(c->state, CONN_OPEN);
		b.w->now_ms = keepalive_due_ms(b.w, c) + 100000000;
		keepalive_check(b.w, c);
		cr_assert_eq(c->score, 100 - 25 * n);
		cr_assert_eq(stats_get(b.stats, STAT_PINGS_UNWRITTEN), n);
	}
	heap_fail_always(false);
	cr_assert_eq(c->reason, CLOSE_HEARTBEAT);
	cr_assert_eq(stats_get(b.stats, STAT_DROPPED_DEAD), 1);
	cr_assert_eq(stats_get(b.stats, STAT_HEALTHY), 0);
	end();
}
