/* What a read leaves behind: the deadline of what was begun, and what happens without memory. */
#include "worker/input.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "bed.h"
#include "heap.h"
#include "worker/aside.h"
#include "worker/output.h"

#define MASK      0, 0, 0, 0
#define PING      0x89, 0x81, MASK, 'x'
#define LONG_TEXT 0x81, 0xFE, 0x10, 0x00, MASK /* 4096 bytes */

static struct bed b;

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
	conn_reap(b.w);
	bed_end(&b);
}

static void feed(struct conn *c, const uint8_t *bytes, size_t len) ON_WORKER;
static void feed(struct conn *c, const uint8_t *bytes, size_t len)
{
	uint8_t *in = b.w->in;
	const size_t tail = c->has_tail ? aside_tail(c, in) : 0;

	memcpy(in + tail, bytes, len);
	output_begin(b.w, c);
	input_consume(b.w, c, in, tail + len);
	output_end(b.w, c);
}

/* An open connection is told; from a closing one nothing can be understood any longer. */
Test(input, without_memory)
{
	static const uint8_t longer[1000] = {LONG_TEXT}, header[] = {0x81, 0xFE, 0x10};
	static const struct {
		const uint8_t *bytes;
		size_t len;
		bool closing;
		enum conn_state state;
		enum close_reason reason;
	} cases[] = {
		{longer, sizeof(longer), false, CONN_LINGERING, CLOSE_NO_MEMORY},
		{longer, sizeof(longer), true, CONN_CLOSED, CLOSE_KICKED},
		{header, sizeof(header), false, CONN_LINGERING, CLOSE_NO_MEMORY},
		{header, sizeof(header), true, CONN_CLOSED, CLOSE_KICKED},
	};

	role_enter(&role_worker);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct conn *c = begin();

		if (cases[i].closing) {
			conn_close(b.w, c, CLOSE_KICKED);
			output_flush_dirty(b.w);
		}
		heap_fail_always(true);
		feed(c, cases[i].bytes, cases[i].len);
		heap_fail_always(false);
		cr_expect_eq(c->state, cases[i].state, "%zu", i);
		cr_expect_eq(c->reason, cases[i].reason, "%zu", i);
		end(c);
	}
}

/* A peer whose pings are cut by each read completes every one of them. */
Test(input, deadline_of_what_was_begun)
{
	static const uint8_t ping[] = {PING}, text[] = {LONG_TEXT};
	const size_t cut = 4, rest = sizeof(ping) - cut - 1;
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	b.w->now_ms = 1000;
	feed(c, ping, cut);
	cr_assert_eq(c->message_ms, 1000);
	b.w->now_ms = 1500;
	feed(c, ping + cut, 1);
	cr_assert_eq(c->message_ms, 1000, "a byte is not an end");
	for (uint64_t now = 2000; now < 10000; now += 1000) {
		uint8_t rest_and_next[sizeof(ping) - 1];

		memcpy(rest_and_next, ping + cut + 1, rest);
		memcpy(rest_and_next + rest, ping, cut);
		b.w->now_ms = now;
		feed(c, rest_and_next, sizeof(rest_and_next));
		cr_assert_eq(c->message_ms, now);
		b.w->now_ms += 500;
		feed(c, ping + cut, 1);
	}
	feed(c, ping + cut + 1, rest);
	cr_assert_eq(c->message_ms, 0);

	b.w->now_ms = 20000;
	feed(c, text, sizeof(text));
	b.w->now_ms = 21000;
	feed(c, (const uint8_t *)"payload", 7);
	cr_assert_eq(c->message_ms, 20000, "the message is as old as its first byte");
	end(c);
}

/* The beginning of a frame takes memory until the rest is here, and a connection's own numbers
 * stay where they are. */
Test(input, what_a_read_has_cut_is_beside_the_connection)
{
	static const uint8_t ping[] = {PING};

	role_enter(&role_worker);
	for (int numbers = 0; numbers < 2; numbers++) {
		struct conn *c = begin();

		if (numbers)
			aside_make(c)->interval_ms = 1234;
		for (size_t cut = 1; cut < sizeof(ping); cut++) {
			feed(c, ping, cut);
			cr_assert(c->has_tail);
			cr_assert_eq(aside_tail_len(c), cut);
			feed(c, ping + cut, sizeof(ping) - cut);
			cr_assert_not(c->has_tail);
			cr_assert_eq(aside_tail_len(c), 0);
			cr_assert_eq(c->aside != NULL, numbers);
			cr_assert(!numbers || c->aside->interval_ms == 1234);
		}
		cr_assert_eq(c->state, CONN_OPEN);
		end(c);
	}
}

/* The rate cannot be kept count of. */
Test(input, without_memory_for_the_rate)
{
	static const uint8_t text[] = {0x81, 0x81, MASK, 'x'};
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	b.w->view.limits.messages_per_s = 1;
	b.w->view.limits.message_burst = 1;
	feed(c, text, sizeof(text));
	cr_assert_eq(c->state, CONN_OPEN);
	feed(c, text, sizeof(text));
	cr_assert_eq(c->reason, CLOSE_MESSAGE_RATE);
	end(c);
	c = begin();
	b.w->view.limits.messages_per_s = 1;
	b.w->view.limits.message_burst = 1;
	output_begin(b.w, c);
	memcpy(b.w->in, text, sizeof(text));
	heap_fail_always(true);
	input_consume(b.w, c, b.w->in, sizeof(text));
	heap_fail_always(false);
	output_end(b.w, c);
	cr_assert_eq(c->reason, CLOSE_NO_MEMORY);
	end(c);
}

/* Who is quiet holds no buffer, whatever he has said before. */
Test(input, memory_of_a_message_goes_with_it)
{
	static const uint8_t begun[] = {0x81, 0x83, MASK, 'a'}, rest[] = {'b', 'c'};
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	feed(c, begun, sizeof(begun));
	cr_assert_gt(ws_receiver_held(&c->rx), 0);
	feed(c, rest, sizeof(rest));
	cr_assert_eq(c->messages_in, 1);
	cr_assert_eq(ws_receiver_held(&c->rx), 0);
	end(c);
}

/* Also when the message is one too many: the peer may take his time to go. */
Test(input, memory_of_the_last_message_goes_with_it)
{
	static const uint8_t begun[] = {0x81, 0x83, MASK, 'a'}, rest[] = {'b', 'c'};
	struct conn *c;

	role_enter(&role_worker);
	bed_begin(&b, 1);
	b.conf->limits.messages_per_s = b.conf->limits.message_burst = 1;
	bed_open(&b, 1);
	c = bed_first(&b);
	for (int i = 0; i < 2; i++) {
		feed(c, begun, sizeof(begun));
		feed(c, rest, sizeof(rest));
	}
	cr_assert_eq(c->reason, CLOSE_MESSAGE_RATE);
	cr_assert_eq(c->state, CONN_LINGERING);
	cr_assert_eq(ws_receiver_held(&c->rx), 0);
	end(c);
}

/* What the peer still says, whole or begun, gives him no more time to answer our close frame. */
Test(input, closing_time_is_not_moved)
{
	static const uint8_t ping[] = {PING}, text[] = {LONG_TEXT};
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	b.w->now_ms = 1000;
	conn_close(b.w, c, CLOSE_KICKED);
	output_flush_dirty(b.w);
	cr_assert_eq(c->state, CONN_CLOSING);
	b.w->now_ms = 2000;
	feed(c, ping, sizeof(ping));
	cr_assert_eq(c->ending_ms, 1000, "a whole frame");
	feed(c, text, sizeof(text));
	cr_assert_eq(c->ending_ms, 1000, "a message begun");
	end(c);
}

/* Only what is a control frame counts as one. */
Test(input, control_frames_are_counted)
{
	static const uint8_t good[] = {PING, PING}, bad[] = {0x8B, 0x80};
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	feed(c, good, sizeof(good));
	feed(c, bad, sizeof(bad));
	cr_assert_eq(c->reason, CLOSE_VIOLATION);
	cr_assert_eq(stats_get(b.stats, STAT_CONTROL_IN), 2);
	end(c);
}

/* What continues a message is told with its last frame; a message of one frame has none. */
Test(input, continuations_are_counted)
{
	static const uint8_t frames[] = {0x81, 0x81, MASK, 'a',                   /* whole */
	                                 0x01, 0x81, MASK, 'b', 0x00, 0x80, MASK, /* in three */
	                                 0x80, 0x81, MASK, 'c', 0x81, 0x81, MASK, 'd'}; /* whole */
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	feed(c, frames, sizeof(frames));
	cr_assert_eq(stats_get(b.stats, STAT_MESSAGES_IN), 3);
	cr_assert_eq(stats_get(b.stats, STAT_CONTINUATIONS_IN), 2);
	end(c);
}

static ssize_t fail_to_read(struct transport *t, void *buf, size_t len)
{
	(void)t;
	(void)buf;
	(void)len;
	return -EIO;
}

Test(input, a_socket_that_fails)
{
	struct transport_ops failing;
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	failing = *c->transport.ops;
	failing.read = fail_to_read;
	c->transport.ops = &failing;
	input_readable(b.w, c);
	cr_assert_eq(c->state, CONN_CLOSED);
	cr_assert_eq(stats_get(b.stats, stat_close(CLOSE_IO_ERROR)), 1);
	conn_reap(b.w);
	bed_end(&b);
}

/* Its queue may be long, but the close frame of a peer who is asked to go is awaited. */
Test(input, of_a_closing_connection_is_read_on)
{
	static const char text[10000];
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	while (!c->paused) {
		struct msg *m = msg_new(WS_BINARY, text, sizeof(text));

		cr_assert_not_null(m);
		cr_assert_eq(output_msg(b.w, c, m), 0);
		output_flush_dirty(b.w);
	}
	cr_assert_eq(c->interest, OS_WRITE);
	conn_close(b.w, c, CLOSE_KICKED);
	output_flush_dirty(b.w);
	cr_assert_eq(c->state, CONN_CLOSING);
	cr_assert_eq(c->interest, OS_READ | OS_WRITE);
	end(c);
}
