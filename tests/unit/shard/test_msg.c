/* Messages: the frame is exact at each length form, and the last reference frees. */
#include "shard/msg.h"

#include <criterion/criterion.h>

#include <string.h>

#include "heap.h"
#include "ws/receiver.h"

static uint8_t *payload_of(uint32_t len)
{
	uint8_t *p = malloc(len + 1);

	cr_assert_not_null(p);
	for (uint32_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 7 + 1);
	return p;
}

Test(msg, frame_bytes_at_the_boundaries)
{
	static const struct {
		uint32_t len;
		uint8_t header[10];
		size_t header_len;
	} cases[] = {
		{0, {0x82, 0}, 2},
		{1, {0x82, 1}, 2},
		{125, {0x82, 125}, 2},
		{126, {0x82, 126, 0, 126}, 4},
		{127, {0x82, 126, 0, 127}, 4},
		{65535, {0x82, 126, 0xff, 0xff}, 4},
		{65536, {0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}, 10},
		{1 << 20, {0x82, 127, 0, 0, 0, 0, 0, 0x10, 0, 0}, 10},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const uint32_t len = cases[i].len;
		uint8_t *payload = payload_of(len);
		struct msg *m = msg_new(WS_BINARY, payload, len);

		cr_assert_not_null(m);
		cr_assert_eq(m->opcode, WS_BINARY);
		cr_assert_eq(m->payload_len, len);
		cr_assert_eq(m->frame_len, cases[i].header_len + len);
		cr_assert_eq(memcmp(msg_frame(m), cases[i].header, cases[i].header_len), 0, "%u",
		             len);
		cr_assert_eq(memcmp(msg_frame(m) + cases[i].header_len, payload, len), 0, "%u",
		             len);
		msg_put(m);
		free(payload);
	}
	cr_assert_eq(heap_blocks(), 0);
}

/* The same bytes as of one that is copied, without moving the payload. */
Test(msg, adopted_payload_stays_where_it_is)
{
	static const uint32_t lengths[] = {0, 1, 125, 126, 65535, 65536, 1 << 20};

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		const uint32_t len = lengths[i];
		uint8_t *const payload = payload_of(len), *const block = malloc(MSG_HEADROOM + len);
		struct msg *const copied = msg_new(WS_TEXT, payload, len), *m;

		cr_assert(block != NULL && copied != NULL);
		memcpy(block + MSG_HEADROOM, payload, len);
		m = msg_adopt(block, WS_TEXT, len);
		cr_assert_eq(m->opcode, WS_TEXT);
		cr_assert_eq(m->payload_len, len);
		cr_assert_eq(m->frame_len, copied->frame_len);
		cr_assert_eq(msg_payload(m), block + MSG_HEADROOM);
		cr_assert_eq(memcmp(msg_frame(m), msg_frame(copied), m->frame_len), 0, "%u", len);
		cr_assert_not(m->vital || m->own);
		msg_put(msg_get(m));
		msg_put(m);
		msg_put(copied);
		free(payload);
	}
	cr_assert_eq(heap_blocks(), 0);
}

Test(msg, each_opcode_is_kept)
{
	static const uint8_t opcodes[] = {WS_TEXT, WS_BINARY, WS_CLOSE, WS_PING, WS_PONG};

	for (size_t i = 0; i < ARRAY_LEN(opcodes); i++) {
		struct msg *m = msg_new(opcodes[i], NULL, 0);

		cr_assert_not_null(m);
		cr_assert_eq(m->opcode, opcodes[i]);
		cr_assert_eq(msg_frame(m)[0], 0x80 | opcodes[i]);
		msg_put(m);
	}
}

Test(msg, raw_bytes_are_taken_as_they_are)
{
	const uint8_t bytes[] = {1, 2, 3, 0, 255};
	struct msg *m = msg_new_raw(bytes, sizeof(bytes));

	cr_assert_not_null(m);
	cr_assert_eq(m->frame_len, sizeof(bytes));
	cr_assert_eq(m->payload_len, 0);
	cr_assert_eq(m->opcode, 0, "no pong may take its place");
	cr_assert_eq(memcmp(msg_frame(m), bytes, sizeof(bytes)), 0);
	msg_put(m);
	cr_assert_eq(heap_blocks(), 0);
}

Test(msg, the_last_reference_frees)
{
	struct msg *m = msg_new(WS_TEXT, "hello", 5);

	cr_assert_not_null(m);
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(msg_get(m), m);
	for (int i = 0; i < 1000; i++) {
		msg_put(m);
		cr_assert_eq(memcmp(msg_frame(m) + 2, "hello", 5), 0);
		cr_assert_eq(heap_blocks(), 1);
	}
	msg_put(m);
	cr_assert_eq(heap_blocks(), 0);
	msg_put(NULL);
}

/* The frame's length would not fit: no wrap to a small allocation. */
Test(msg, impossible_length)
{
	static const uint8_t nothing[1];

	for (uint32_t i = 0; i < 10; i++)
		cr_assert_null(msg_new(WS_BINARY, nothing, UINT32_MAX - i));
	cr_assert_eq(heap_blocks(), 0);
}

Test(msg, no_memory)
{
	heap_fail_at(1);
	cr_assert_null(msg_new(WS_TEXT, "x", 1));
	heap_fail_at(1);
	cr_assert_null(msg_new_raw("x", 1));
	cr_assert_eq(heap_blocks(), 0);
}
