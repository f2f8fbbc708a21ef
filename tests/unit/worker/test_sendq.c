/* The send queue against a plain array of messages: the bytes on the wire are always exact. */
#include "worker/sendq.h"

#include <criterion/criterion.h>

#include <string.h>

#include "base/err.h"
#include "heap.h"
#include "ws/receiver.h"

#define MAX_MESSAGES 200

static uint64_t rng_state = 42;

static uint32_t rng(uint32_t below)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return (uint32_t)((rng_state >> 32) % below);
}

/* What should wait, each message with a reference of its own. */
struct model {
	struct msg *waiting[MAX_MESSAGES];
	uint32_t n, offset;
};

static struct sendq q;
static struct slab nodes;
static struct model model;

static void begin(void)
{
	q = (struct sendq){0};
	model = (struct model){.n = 0};
	slab_init(&nodes, sizeof(struct send_node), UINT32_MAX);
}

static void forget_first(void)
{
	msg_put(model.waiting[0]);
	memmove(model.waiting, model.waiting + 1, --model.n * sizeof(model.waiting[0]));
	model.offset = 0;
}

static void end(void)
{
	sendq_clear(&q, &nodes);
	while (model.n > 0)
		forget_first();
	cr_assert_eq(nodes.in_use, 0);
	slab_fini(&nodes);
	cr_assert_eq(heap_blocks(), 0);
}

static struct msg *make(uint8_t opcode, uint32_t len)
{
	uint8_t payload[400];
	struct msg *m;

	for (uint32_t i = 0; i < len; i++)
		payload[i] = (uint8_t)rng(256);
	m = opcode == 0 ? msg_new_raw(payload, len) : msg_new(opcode, payload, len);
	cr_assert_not_null(m);
	return m;
}

static void push(uint8_t opcode, uint32_t len)
{
	struct msg *m = make(opcode, len);

	m->vital = opcode == 0 && rng(2) == 0;
	m->own = opcode == WS_PING || opcode == WS_PONG || rng(4) == 0;
	cr_assert_lt(model.n, MAX_MESSAGES);
	cr_assert_eq(sendq_push(&q, &nodes, msg_get(m)), 0);
	model.waiting[model.n++] = m;
}

/* ---- what is there ---- */

static void check(void)
{
	struct iovec iov[MAX_MESSAGES];
	const uint32_t n = (uint32_t)sendq_describe(&q, iov, MAX_MESSAGES);
	uint32_t bytes = 0;

	cr_assert_eq(n, model.n);
	for (uint32_t i = 0; i < model.n; i++) {
		const struct msg *m = model.waiting[i];
		const uint32_t from = i == 0 ? model.offset : 0;

		cr_assert_eq(iov[i].iov_len, m->frame_len - from);
		cr_assert_eq(memcmp(iov[i].iov_base, msg_frame(m) + from, iov[i].iov_len), 0);
		bytes += m->frame_len - from;
	}
	cr_assert_eq(q.bytes, bytes);
	cr_assert_eq(q.n, model.n);
	cr_assert_eq(sendq_cost(&q), bytes + (uint64_t)model.n * SENDQ_MESSAGE_COST);
	cr_assert_eq(q.offset, model.offset);
	cr_assert_eq(sendq_empty(&q), model.n == 0);
	cr_assert_eq(nodes.in_use, model.n);
}

static void write_some(uint32_t n)
{
	sendq_written(&q, &nodes, n);
	for (n += model.offset; model.n > 0 && n >= model.waiting[0]->frame_len;) {
		n -= model.waiting[0]->frame_len;
		forget_first();
	}
	model.offset = n;
}

static void replace_pong(void)
{
	struct msg *m = make(WS_PONG, rng(126));
	uint32_t at = 1;

	while (at < model.n && model.waiting[at]->opcode != WS_PONG)
		at++;

	const bool replaced = sendq_replace_pong(&q, m);

	cr_assert_eq(replaced, at < model.n);
	if (!replaced) {
		msg_put(m);
		return;
	}
	msg_put(model.waiting[at]);
	model.waiting[at] = msg_get(m);
}

static void drop_unsent(void)
{
	const bool keeps = model.n > 0 && (model.offset > 0 || model.waiting[0]->vital);
	const uint32_t kept = keeps ? 1 : 0, offset = model.offset;

	cr_assert_eq(sendq_drop_unsent(&q, &nodes), model.n - kept);
	while (model.n > kept)
		msg_put(model.waiting[--model.n]);
	model.offset = offset;
}

static void skip_oldest(void)
{
	const uint32_t skipped = q.skipped;
	uint32_t at = model.offset > 0 ? 1 : 0;

	while (at < model.n && (model.waiting[at]->own || model.waiting[at]->opcode == 0))
		at++;
	cr_assert_eq(sendq_skip_oldest(&q, &nodes), at < model.n);
	cr_assert_eq(q.skipped - skipped, at < model.n ? 1 : 0);
	if (at == model.n)
		return;
	msg_put(model.waiting[at]);
	memmove(model.waiting + at, model.waiting + at + 1,
	        (--model.n - at) * sizeof(model.waiting[0]));
}

static void random_step(void)
{
	static const uint8_t opcodes[] = {0, WS_TEXT, WS_BINARY, WS_PING, WS_PONG};

	switch (rng(16)) {
	case 0:
		drop_unsent();
		break;
	case 1:
	case 2:
		replace_pong();
		break;
	case 9:
	case 10:
		skip_oldest();
		break;
	case 3: /* all of it */
		write_some(q.bytes);
		break;
	case 4: /* to the end of the first, exactly */
		if (model.n > 0)
			write_some(model.waiting[0]->frame_len - model.offset);
		break;
	case 5:
	case 6:
	case 7:
	case 8:
		write_some(q.bytes > 0 ? rng(q.bytes + 1) : 0);
		break;
	default:
		if (model.n < MAX_MESSAGES)
			push(opcodes[rng(ARRAY_LEN(opcodes))], 1 + rng(125));
	}
}

Test(sendq, agrees_with_the_model)
{
	begin();
	for (int i = 0; i < 200000; i++) {
		random_step();
		check();
	}
	end();
}

/* Whatever the kernel takes at a time. */
Test(sendq, the_stream_is_the_messages_one_after_the_other)
{
	for (uint32_t takes = 1; takes < 70; takes++) {
		uint8_t wanted[4096], wire[4096];
		uint32_t len = 0, at = 0;

		begin();
		for (int i = 0; i < 20; i++) {
			push(WS_BINARY, 1 + rng(60));
			memcpy(wanted + len, msg_frame(q.last->msg), q.last->msg->frame_len);
			len += q.last->msg->frame_len;
		}
		while (!sendq_empty(&q)) {
			struct iovec iov[3];
			const int n_iov = sendq_describe(&q, iov, 3);
			uint32_t left = takes;

			cr_assert(n_iov >= 1 && n_iov <= 3);
			for (int i = 0; i < n_iov && left > 0; i++) {
				const uint32_t n =
					(uint32_t)(iov[i].iov_len < left ? iov[i].iov_len : left);

				memcpy(wire + at, iov[i].iov_base, n);
				at += n;
				left -= n;
			}
			write_some(takes - left);
			check();
		}
		cr_assert_eq(at, len);
		cr_assert_eq(memcmp(wire, wanted, len), 0, "%u at a time", takes);
		end();
	}
}

/* ---- pongs ---- */

/* The first may be half written: a frame is never changed under the reader. */
Test(sendq, a_pong_at_the_front_is_not_replaced)
{
	struct msg *m;

	begin();
	push(WS_PONG, 10);
	m = make(WS_PONG, 20);
	cr_assert_not(sendq_replace_pong(&q, m));
	write_some(1);
	cr_assert_not(sendq_replace_pong(&q, m));
	msg_put(m);
	check();
	end();
}

Test(sendq, the_newest_pong_wins_and_keeps_its_place)
{
	begin();
	push(WS_TEXT, 10);
	push(WS_PONG, 10);
	push(WS_TEXT, 10);
	for (int i = 0; i < 100; i++) {
		replace_pong();
		check();
	}
	cr_assert_eq(model.n, 3);
	cr_assert_eq(model.waiting[1]->opcode, WS_PONG);
	end();
}

Test(sendq, there_is_no_pong_in_an_empty_queue)
{
	begin();
	replace_pong();
	push(WS_TEXT, 1);
	replace_pong();
	check();
	end();
}

/* ---- giving up ---- */

Test(sendq, a_message_that_is_half_written_is_kept)
{
	begin();
	push(WS_TEXT, 50);
	push(WS_TEXT, 50);
	push(WS_PING, 5);
	write_some(20);
	drop_unsent();
	check();
	cr_assert_eq(model.n, 1);
	cr_assert_eq(q.bytes, 32);
	push(WS_CLOSE, 2); /* what is said last comes behind it */
	check();
	write_some(q.bytes);
	check();
	end();
}

Test(sendq, without_a_byte_written_all_go)
{
	begin();
	push(WS_TEXT, 50);
	push(WS_TEXT, 50);
	write_some(52);
	cr_assert_eq(q.offset, 0, "at a boundary");
	drop_unsent();
	check();
	cr_assert(sendq_empty(&q));
	drop_unsent();
	push(WS_TEXT, 1);
	check();
	end();
}

Test(sendq, newer_ones_go_in_place_of_the_oldest_whole_one)
{
	begin();
	push(WS_TEXT, 50);
	push(WS_PING, 5);
	push(WS_TEXT, 60);
	push(WS_BINARY, 70);
	model.waiting[0]->own = model.waiting[2]->own = model.waiting[3]->own = false;
	write_some(1);
	skip_oldest();
	check();
	cr_assert_eq(model.waiting[2]->payload_len, 70);
	skip_oldest();
	check();
	cr_assert_eq(model.n, 2, "what is on the wire, and a ping");
	cr_assert_not(sendq_skip_oldest(&q, &nodes));
	push(WS_TEXT, 1);
	check();
	end();
}

Test(sendq, clear_forgets_the_half_written_one_too)
{
	begin();
	push(WS_TEXT, 50);
	push(WS_TEXT, 50);
	write_some(1);
	cr_assert_eq(sendq_clear(&q, &nodes), 2);
	cr_assert(sendq_empty(&q));
	cr_assert_eq(q.bytes, 0);
	cr_assert_eq(q.offset, 0);
	cr_assert_eq(sendq_clear(&q, &nodes), 0);
	end();
}

Test(sendq, no_memory_for_a_node)
{
	struct msg *m;

	begin();
	nodes.limit = 2;
	push(WS_TEXT, 1);
	push(WS_TEXT, 1);
	m = make(WS_TEXT, 1);
	cr_assert_eq(sendq_push(&q, &nodes, m), WSMD_ENOMEM);
	msg_put(m); /* still ours alone */
	check();
	end();
}
