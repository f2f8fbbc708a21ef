/* One timer, several deadlines: each strikes at its time, not a millisecond before. */
#include "worker/deadline.h"

#include <criterion/criterion.h>

#include <string.h>
#include <sys/socket.h>

#include "bed.h"
#include "worker/output.h"

/* Stamps begin anew 4 s later. */
#define NOW ((UINT64_C(3) << 32) - 4000)

static struct bed b;

/* One connection at a time of our own. */
static struct conn *begin(void) ON_WORKER;
static struct conn *begin(void)
{
	struct conn *c;

	bed_begin(&b, 1);
	bed_open(&b, 1);
	c = bed_first(&b);
	wheel_disarm(&b.w->wheel, &c->timer);
	b.w->now_ms = NOW;
	c->opened_ms = NOW;
	c->heard_ms = (uint32_t)NOW;
	return c;
}

static void end(struct conn *c) ON_WORKER;
static void end(struct conn *c)
{
	conn_abort(b.w, c, CLOSE_STOP);
	output_flush_dirty(b.w);
	conn_reap(b.w);
	bed_end(&b);
}

static void fire_at(struct conn *c, uint64_t now_ms) ON_WORKER;
static void fire_at(struct conn *c, uint64_t now_ms)
{
	wheel_disarm(&b.w->wheel, &c->timer);
	b.w->now_ms = now_ms;
	deadline_fire(b.w, c);
}

Test(deadline, each_strikes_at_its_time)
{
	static const struct {
		uint64_t message_ms, blocked_ms, at;
		enum close_reason reason;
	} cases[] = {
		{NOW, 0, NOW + 30000, CLOSE_MESSAGE_TIMEOUT},
		{0, NOW, NOW + 10000, CLOSE_WRITE_TIMEOUT},
		{NOW, NOW, NOW + 10000, CLOSE_WRITE_TIMEOUT},
		{NOW - 25000, NOW, NOW + 5000, CLOSE_MESSAGE_TIMEOUT},
		{NOW - 20001, NOW, NOW + 9999, CLOSE_MESSAGE_TIMEOUT},
		{NOW - 19999, NOW, NOW + 10000, CLOSE_WRITE_TIMEOUT},
	};

	role_enter(&role_worker);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct conn *c = begin();

		c->message_ms = (uint32_t)cases[i].message_ms;
		c->sendq.blocked_ms = (uint32_t)cases[i].blocked_ms;
		deadline_arm(b.w, c);
		cr_expect_eq(c->timer.expires_ms, cases[i].at, "%zu", i);
		fire_at(c, cases[i].at - 1);
		cr_expect_eq(c->state, CONN_OPEN, "%zu: early", i);
		cr_expect_eq(c->timer.expires_ms, cases[i].at, "%zu: set again", i);
		fire_at(c, cases[i].at);
		cr_expect_eq(c->state, CONN_LINGERING, "%zu: late", i);
		cr_expect_eq(c->reason, cases[i].reason, "%zu", i);
		end(c);
	}
}

/* At every moment around that at which stamps begin anew: what happens now happened now. */
Test(deadline, stamps_are_whole_again)
{
	const uint64_t turn = UINT64_C(1) << 32, reach = (UINT64_C(1) << 31) - 1;

	role_enter(&role_worker);
	bed_begin(&b, 1);
	for (uint64_t now = turn - 3; now < turn + 3; now++) {
		b.w->now_ms = now;

		const uint32_t stamp = worker_stamp(b.w);

		cr_assert_neq(stamp, 0, "that means something else");
		cr_assert_eq(worker_whole_ms(b.w, stamp), now == turn ? now - 1 : now);
		b.w->now_ms = now + reach;
		cr_assert_eq(worker_whole_ms(b.w, (uint32_t)now), now, "24 days later");
		b.w->now_ms = now - 1000;
		cr_assert_eq(worker_whole_ms(b.w, (uint32_t)now), now, "a little ahead");
	}
	bed_end(&b);
}

/* The message was completed, the socket drained: what was feared does not come true. */
Test(deadline, nothing_strikes_when_its_cause_is_gone)
{
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	c->message_ms = c->sendq.blocked_ms = (uint32_t)NOW;
	deadline_arm(b.w, c);
	c->message_ms = c->sendq.blocked_ms = 0;
	fire_at(c, NOW + 50000);
	cr_assert_eq(c->state, CONN_OPEN);
	cr_assert_gt(c->timer.expires_ms, NOW + 50000);
	end(c);
}

/* It is moved when it must come earlier, and left alone when it could come later. */
Test(deadline, activity_does_not_touch_the_wheel)
{
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	c->message_ms = (uint32_t)NOW;
	deadline_arm(b.w, c);
	c->message_ms = (uint32_t)(NOW + 5000);
	deadline_arm(b.w, c);
	cr_assert_eq(c->timer.expires_ms, NOW + 30000);
	c->sendq.blocked_ms = (uint32_t)(NOW + 5000);
	deadline_arm(b.w, c);
	cr_assert_eq(c->timer.expires_ms, NOW + 15000);
	end(c);
}

Test(deadline, the_closing_handshake_ends_in_time)
{
	static const enum close_reason reasons[] = {CLOSE_KICKED, CLOSE_VIOLATION};

	role_enter(&role_worker);
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		struct conn *c = begin();

		conn_close(b.w, c, reasons[i]);
		output_flush_dirty(b.w);
		c->sendq.blocked_ms = (uint32_t)(NOW - 100000); /* has no say any longer */
		fire_at(c, NOW + 4999);
		cr_assert_neq(c->state, CONN_CLOSED);
		cr_assert_eq(c->timer.expires_ms, NOW + 5000);
		fire_at(c, NOW + 5000);
		cr_assert_eq(c->state, CONN_CLOSED);
		cr_assert_eq(c->reason, reasons[i], "the first reason counts");
		cr_assert_not(timer_armed(&c->timer));
		end(c);
	}
}

Test(deadline, a_closed_one_is_not_armed)
{
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	conn_abort(b.w, c, CLOSE_FIN);
	deadline_arm(b.w, c);
	cr_assert_not(timer_armed(&c->timer));
	end(c);
}

/* A reload that shortens times does not wait for timers that were set by the old ones. */
Test(deadline, a_new_configuration_reaches_everybody)
{
	const size_t bytes = sizeof(struct conf) + sizeof(struct conf_hub);
	const uint32_t n = 1500; /* more than a turn looks at */
	struct conf *shorter = malloc(bytes);
	uint32_t index = 0;

	role_enter(&role_worker);
	cr_assert_not_null(shorter);
	bed_begin(&b, 1);
	bed_open(&b, n);
	memcpy(shorter, b.conf, bytes);
	shorter->heartbeat.interval_ms = 1000;
	shorter->heartbeat.timeout_ms = 2000;
	b.conf = shorter;
	conf_cell_publish(&b.cell, shorter);
	inbox_wake(&b.w->inbox);
	cr_assert(worker_turn(b.w));
	cr_assert(worker_turn(b.w));
	for (struct conn *c; (c = slab_next(&b.w->conns, &index)) != NULL;) {
		cr_assert_leq(c->timer.expires_ms, c->opened_ms + 1000);
		conn_abort(b.w, c, CLOSE_STOP);
	}
	conn_reap(b.w);
	bed_end(&b);
}
