/* What the flight recorder notes, what it forgets, and what is left of a connection. */
#include "worker/recorder.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "bed.h"
#include "heap.h"
#include "worker/keepalive.h"
#include "worker/output.h"

static struct bed b;
static uint8_t nothing[1];
static const struct ws_event answer = {.close_code = 1000, .data = nothing};

static struct conn *begin(void) ON_WORKER;
static struct conn *begin(void)
{
	bed_begin(&b, 1);
	bed_open(&b, 1);
	return bed_first(&b);
}

static void end(struct conn *c) ON_WORKER;
static void end(struct conn *c)
{
	conn_abort(b.w, c, CLOSE_STOP);
	output_flush_dirty(b.w);
	conn_reap(b.w);
	cr_assert_eq(b.w->recorders.few.in_use + b.w->recorders.live.in_use, 0);
	bed_end(&b);
}

static const struct record_event *event(const struct conn *c, uint32_t i)
{
	cr_assert_lt(i, c->recorder->n);
	return &c->recorder->events[i];
}

static const struct record *newest(void) ON_WORKER;
static const struct record *newest(void)
{
	const struct record *r = record_ring_at(&b.w->recorders.ended, b.w->recorders.ended.newest);

	cr_assert_not_null(r);
	return r;
}

Test(recorder, a_promise_of_bytes)
{
	const struct conf_recorder standard = {.events = 24, .closed_bytes = 8 << 20}, off = {0};

	cr_assert_leq(recorder_live_bytes(&standard) + sizeof(struct recorder *), 600);
	cr_assert_eq(recorder_live_bytes(&off), 0);
	cr_assert_eq(recorder_ring_bytes(&standard, 8), 1 << 20);
	cr_assert_eq(recorder_ring_bytes(&off, 8), 0);
	cr_assert_eq(recorder_ring_bytes(&(struct conf_recorder){.closed_bytes = 1}, 8),
	             RECORD_RING_MIN);
}

/* The first ones stay, pongs stand for those before them, and the order is that of time. */
Test(recorder, dull_events_do_not_push_out_rare_ones)
{
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	cr_assert_eq(c->recorder->n, 2);
	cr_assert_eq(event(c, 0)->kind, EVENT_HANDSHAKE);
	cr_assert_eq(event(c, 1)->kind, EVENT_AUTH);
	recorder_note(b.w, c, EVENT_FIRST_MESSAGE, 5, 0);
	for (uint32_t i = 1; i <= 1000; i++) {
		b.w->now_ms = c->opened_ms + i * 1000;
		recorder_note(b.w, c, EVENT_PONG, i, 0);
		if (i == 500)
			recorder_note(b.w, c, EVENT_PONG_MISSED, 1, 61000);
	}
	cr_assert_eq(c->recorder->n, 3 + 1 + 4);
	cr_assert_eq(event(c, 0)->kind, EVENT_HANDSHAKE);
	cr_assert_eq(event(c, 3)->kind, EVENT_PONG_MISSED);
	cr_assert_eq(event(c, 3)->at_ms, 500000);
	cr_assert_eq(event(c, 3)->values[1], 61000);
	cr_assert_eq(event(c, 4)->times, 997, "it stands for those that were forgotten");
	cr_assert_eq(event(c, 5)->times, 1);
	cr_assert_eq(event(c, 7)->values[0], 1000);
	cr_assert_eq(c->recorder->lost, 0);
	for (uint32_t i = 1; i < c->recorder->n; i++)
		cr_assert_leq(event(c, i - 1)->at_ms, event(c, i)->at_ms);
	end(c);
}

Test(recorder, a_full_one_loses_the_oldest)
{
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	b.w->recorders.n_events = c->recorder->room = 4; /* of the 8 that there is room for */
	recorder_note(b.w, c, EVENT_PONG, 1, 0);
	recorder_note(b.w, c, EVENT_PONG_MISSED, 1, 0);
	recorder_note(b.w, c, EVENT_WRITES_BLOCKED, UINT64_MAX, 0);
	cr_assert_eq(c->recorder->n, 4);
	cr_assert_eq(c->recorder->lost, 1);
	cr_assert_eq(event(c, 0)->kind, EVENT_AUTH);
	cr_assert_eq(event(c, 3)->values[0], UINT32_MAX, "as much as fits");
	for (int i = 0; i < 70000; i++)
		recorder_note(b.w, c, EVENT_QUEUE_HIGH, 1, 0);
	cr_assert_eq(c->recorder->n, 4);
	cr_assert_eq(event(c, 1)->times, UINT16_MAX, "it does not begin anew");
	end(c);
}

/* Two of each kind that keeps so many. */
static void much_happens(struct conn *c) ON_WORKER;
static void much_happens(struct conn *c)
{
	for (uint32_t i = 0; i < 18; i++)
		recorder_note(b.w, c, EVENT_PONG_MISSED + i / 2, i, 0);
}

/* What little there was is where it was, and without memory the oldest make room. */
Test(recorder, room_for_many_is_made_when_there_are_more_than_few)
{
	struct recorders *all;
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	all = &b.w->recorders;
	cr_assert_leq(all->few.object_bytes, 160, "the idle have one each");
	for (uint32_t i = 0; i < 100; i++)
		recorder_note(b.w, c, EVENT_PONG, i, 0);
	cr_assert_eq(all->few.in_use, 1);
	c->recorder->queue_high_bytes = 77;
	much_happens(c);
	cr_assert_eq(all->few.in_use, 0);
	cr_assert_eq(all->live.in_use, 1);
	cr_assert_eq(c->recorder->n, 24);
	cr_assert_eq(c->recorder->lost, 0);
	cr_assert_eq(c->recorder->queue_high_bytes, 77);
	cr_assert_eq(event(c, 0)->kind, EVENT_HANDSHAKE);
	cr_assert_eq(event(c, 2)->values[0], 96);
	cr_assert_eq(event(c, 2)->times, 97);
	for (uint32_t i = 0; i < 18; i++)
		cr_assert_eq(event(c, 6 + i)->values[0], i);
	recorder_note(b.w, c, EVENT_PROBED, 1, 0);
	end(c);

	c = begin();
	heap_fail_always(true);
	much_happens(c);
	heap_fail_always(false);
	cr_assert_eq(c->recorder->n, RECORDER_FEW);
	cr_assert_eq(c->recorder->lost, 20 - RECORDER_FEW);
	cr_assert_eq(event(c, RECORDER_FEW - 1)->values[0], 17);
	much_happens(c);
	cr_assert_gt(c->recorder->n, RECORDER_FEW, "there is memory again");
	end(c);
}

Test(recorder, powers_of_two_of_a_queue)
{
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	for (uint32_t bytes = 1; bytes <= 100000; bytes += 7) {
		c->sendq.bytes = bytes;
		recorder_blocked(b.w, c);
	}
	c->sendq.bytes = 10;
	recorder_blocked(b.w, c);
	cr_assert_eq(c->recorder->queue_high_bytes, 99996);
	cr_assert_eq(c->recorder->n, 2 + 3);
	cr_assert(event(c, 2)->values[0] >= 16384 && event(c, 2)->values[0] < 16384 + 7);
	cr_assert_eq(event(c, 2)->times, 3, "4096, 8192 and this");
	cr_assert(event(c, 4)->values[0] >= 65536 && event(c, 4)->values[0] < 65536 + 7);
	c->sendq.bytes = 0;

	c->sendq.blocked_ms = worker_stamp(b.w);
	b.w->now_ms += 99;
	recorder_unblocked(b.w, c);
	cr_assert_eq(c->recorder->n, 5, "that happens to everybody");
	b.w->now_ms++;
	recorder_unblocked(b.w, c);
	cr_assert_eq(event(c, 5)->kind, EVENT_WRITES_BLOCKED);
	cr_assert_eq(event(c, 5)->values[0], 100);
	c->sendq.blocked_ms = 0;
	end(c);
}

Test(recorder, what_a_record_says)
{
	const struct parting parting = {.text = "that is all"};
	const struct record *r;
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	c->messages_in = 7;
	c->bytes_out = 1234;
	b.w->now_ms = c->opened_ms + 5000;
	c->heard_ms = (uint32_t)c->opened_ms + 3000;
	c->sendq.blocked_ms = (uint32_t)c->opened_ms + 4000;
	conn_close_with(b.w, c, CLOSE_KICKED, &parting);
	r = newest();
	cr_assert_eq(r->state, CONN_OPEN, "as it was");
	cr_assert_eq(r->reason, CLOSE_KICKED);
	cr_assert_eq(r->age_ms, 5000);
	cr_assert_eq(r->silent_ms, 2000);
	cr_assert_eq(r->blocked_ms, 1000);
	cr_assert_eq(r->messages_in, 7);
	cr_assert_eq(r->bytes_out, 1234);
	cr_assert_eq(r->code_sent, 1008);
	cr_assert_eq(r->code_received, 0);
	cr_assert_eq(r->ended_wall_ms - r->opened_wall_ms, 5000);
	cr_assert(r->text_len == 11 && memcmp(record_text(r), "that is all", 11) == 0);
	cr_assert(r->hub_len == 7 && memcmp(record_hub(r), "default", 7) == 0);
	cr_assert_eq(r->user_len, 0);
	cr_assert_eq(r->n_events, 2);
	cr_assert_eq(r->rule, WS_RULE_COUNT);

	b.w->now_ms += 300;
	conn_on_peer_close(b.w, c, &answer);
	conn_abort(b.w, c, CLOSE_FIN);
	cr_assert_eq(r->code_received, 1000, "his answer");
	cr_assert_eq(r->closing_ms, 300);
	cr_assert_eq(r->state, CONN_CLOSED);
	cr_assert_eq(r->reason, CLOSE_KICKED, "the first reason counts");
	end(c);
}

Test(recorder, the_end_of_a_socket)
{
	static const struct {
		int err;
		enum close_reason reason;
	} cases[] = {
		{-ECONNRESET, CLOSE_RESET}, {-EPIPE, CLOSE_RESET}, {-ETIMEDOUT, CLOSE_IO_ERROR}};

	role_enter(&role_worker);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct conn *c = begin();

		conn_fail(b.w, c, cases[i].err);
		cr_expect_eq(newest()->reason, cases[i].reason);
		cr_expect_eq(newest()->err, cases[i].err);
		cr_expect_eq(newest()->code_sent, 0);
		end(c);
	}
}

/* Only those who leave without a word, and not those whom we gave up ourselves. */
Test(recorder, deaths_that_count)
{
	static const struct {
		enum close_reason reason;
		bool counts;
	} cases[] = {
		{CLOSE_FIN, true},        {CLOSE_RESET, true},  {CLOSE_IO_ERROR, true},
		{CLOSE_HEARTBEAT, false}, {CLOSE_PEER, false},  {CLOSE_KICKED, false},
		{CLOSE_STOP, false},      {CLOSE_DRAIN, false},
	};

	role_enter(&role_worker);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct conn *c = begin();
		struct deaths_sum sum = {0};

		b.w->now_ms = c->opened_ms + 60000;
		conn_abort(b.w, c, cases[i].reason);
		deaths_add_up(&b.w->recorders.deaths, b.w->now_ms, &sum);
		cr_expect_eq(sum.at[IDLE_60S], cases[i].counts, "case %zu", i);
		end(c);
	}
}

/* It lives without a recorder, and its end is still known. */
Test(recorder, without_memory)
{
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	recorder_free(b.w, c); /* as if there had been none */
	recorder_note(b.w, c, EVENT_PONG, 1, 0);
	recorder_blocked(b.w, c);
	heap_fail_always(true);
	conn_close(b.w, c, CLOSE_KICKED);
	heap_fail_always(false);
	cr_assert_eq(newest()->reason, CLOSE_KICKED);
	cr_assert_eq(newest()->n_events, 0);
	conn_on_peer_close(b.w, c, &answer);
	end(c);
}

Test(recorder, a_live_connection)
{
	char bytes[RECORD_MAX_BYTES] __attribute__((aligned(8)));
	struct record *r = (void *)bytes;
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	b.w->now_ms = c->opened_ms + 1000;
	cr_assert_leq(recorder_live_size(b.w, c), sizeof(bytes));
	recorder_describe(b.w, c, r);
	cr_assert_eq(r->bytes, recorder_live_size(b.w, c));
	cr_assert_eq(r->ended_wall_ms, 0);
	cr_assert_eq(r->age_ms, 1000);
	cr_assert_eq(r->n_events, 2);
	cr_assert_eq(r->tcp.state, 0, "a Unix socket has none");
	end(c);
}
