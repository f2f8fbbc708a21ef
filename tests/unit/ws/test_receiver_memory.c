/* The memory of a begun message: read to without a copy, and taken over by who needs it longer. */
#include "ws/receiver.h"

#include <criterion/criterion.h>

#include <malloc.h>
#include <string.h>

#include "heap.h"
#include "stream.h"

#define LEAST 100

static const struct ws_limits limits = {.max_message_bytes = 1 << 20, .max_fragments = 10};
static uint8_t payload[5000];
static struct stream s;
static struct ws_feed f;
static size_t others; /* blocks of the test itself */

static void begin(uint8_t first, size_t len)
{
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)('a' + i % 26);
	stream_init(&s, WS_SERVER);
	stream_frame(&s, first, payload, len);
	ws_feed_init(&f, WS_SERVER, &limits);
	others = heap_blocks();
}

static void end(void)
{
	ws_feed_fini(&f);
	stream_fini(&s);
}

/* The next event of @len bytes at @data, unmasked there. */
static struct ws_event next(uint8_t *data, size_t len)
{
	struct ws_event e;
	size_t used;

	cr_assert_eq(ws_receiver_next(&f.receiver, &limits, WS_SERVER, data, len, 0, &used, &e), 0);
	cr_assert_eq(used, len);
	return e;
}

Test(ws_receiver_memory, room_is_offered_where_it_is_worth_it)
{
	size_t room = 0, header;

	begin(0x82, 1000);
	header = s.len - 1000;
	cr_assert_null(ws_receiver_room(&f.receiver, &limits, LEAST, &room), "nothing is begun");
	ws_feed_bytes(&f, s.bytes, header + LEAST - 1);
	cr_assert_null(ws_receiver_room(&f.receiver, &limits, LEAST, &room), "too little is here");
	cr_assert_leq(ws_receiver_held(&f.receiver), LEAST - 1);
	ws_feed_bytes(&f, s.bytes + header + LEAST - 1, 1);
	cr_assert_not_null(ws_receiver_room(&f.receiver, &limits, LEAST, &room));
	cr_assert_geq(room, LEAST);
	cr_assert_leq(ws_receiver_held(&f.receiver), 4 * LEAST);
	ws_feed_bytes(&f, s.bytes + header + LEAST, 900 - LEAST);
	cr_assert_not_null(ws_receiver_room(&f.receiver, &limits, LEAST, &room));
	cr_assert_eq(room, 100, "what is missing, and no more");
	ws_feed_bytes(&f, s.bytes + header + 900, 1);
	cr_assert_null(ws_receiver_room(&f.receiver, &limits, LEAST, &room), "too little misses");
	end();
}

/* Of an open message the frame is the end of what is read, not the message. */
Test(ws_receiver_memory, room_ends_with_the_frame)
{
	size_t room;

	begin(0x02, 500);
	ws_feed_bytes(&f, s.bytes, s.len - 200);
	cr_assert_not_null(ws_receiver_room(&f.receiver, &limits, LEAST, &room));
	cr_assert_eq(room, 200);
	cr_assert_eq(ws_feed_direct(&f, s.bytes + s.len - 200, 200, LEAST), 200);
	cr_assert_null(ws_receiver_room(&f.receiver, &limits, LEAST, &room));
	cr_assert(ws_receiver_incomplete(&f.receiver));
	end();
}

Test(ws_receiver_memory, what_is_read_in_place_is_the_message)
{
	struct ws_feed plain;

	begin(0x81, sizeof(payload));
	ws_feed_init(&plain, WS_SERVER, &limits);
	stream_feed(&s, &plain, SIZE_MAX);
	for (size_t at = 0, n; at < s.len; at += n) {
		const size_t want = s.len - at < 333 ? s.len - at : 333;

		n = ws_feed_direct(&f, s.bytes + at, want, LEAST);
		cr_assert(at < 333 || n > 0 || s.len - at < LEAST);
		if (n == 0) {
			ws_feed_bytes(&f, s.bytes + at, want);
			n = want;
		}
	}
	cr_assert_str_eq(f.trace, plain.trace);
	ws_feed_fini(&plain);
	end();
}

/* What cannot be text is found where it is, from the begin of the read. */
Test(ws_receiver_memory, a_wrong_byte_that_was_read_in_place)
{
	begin(0x81, 1000);
	payload[700] = 0xff;
	s.len = 0;
	stream_frame(&s, 0x81, payload, 1000);
	ws_feed_bytes(&f, s.bytes, s.len - 500);
	cr_assert_eq(ws_feed_direct(&f, s.bytes + s.len - 500, 500, LEAST), 500);
	cr_assert_str_eq(f.trace, "!text_utf8 ");
	cr_assert_eq(f.guilty, (int64_t)s.len - 300);
	cr_assert_eq(heap_blocks(), others);
	end();
}

Test(ws_receiver_memory, no_memory_for_room_loses_nothing)
{
	size_t room;

	begin(0x82, 1000);
	ws_feed_bytes(&f, s.bytes, s.len - 700);
	heap_fail_at(1);
	cr_assert_null(ws_receiver_room(&f.receiver, &limits, LEAST, &room));
	heap_fail_at(0);
	ws_feed_bytes(&f, s.bytes + s.len - 700, 700);
	cr_assert_eq(f.n_failed, 0);
	cr_assert_eq(strncmp(f.trace, "binary(1000 bytes ", 18), 0);
	end();
}

Test(ws_receiver_memory, the_message_is_taken_over)
{
	struct ws_event e;
	uint8_t *block;

	begin(0x82, 1000);
	ws_feed_bytes(&f, s.bytes, s.len - 1);
	cr_assert_null(ws_receiver_detach(&f.receiver), "it is not whole");
	e = next(s.bytes + s.len - 1, 1);
	block = ws_receiver_detach(&f.receiver);
	cr_assert_not_null(block);
	cr_assert_eq(block + WS_DETACHED_AT, e.data);
	cr_assert_eq(memcmp(e.data, payload, 1000), 0);
	cr_assert_eq(ws_receiver_held(&f.receiver), 0);
	cr_assert_null(ws_receiver_detach(&f.receiver), "it has gone");
	ws_receiver_done(&f.receiver);

	s.len = 0;
	stream_frame(&s, 0x82, "next", 4);
	e = next(s.bytes, s.len);
	cr_assert_eq(memcmp(e.data, "next", 4), 0);
	cr_assert_null(ws_receiver_detach(&f.receiver), "it lies in our buffer");
	cr_assert_eq(memcmp(block + WS_DETACHED_AT, payload, 1000), 0);
	cr_assert_eq(heap_blocks(), others + 1);
	free(block);
	end();
}

/* A message whose end was not known has more room than it needs, and keeps it without memory. */
Test(ws_receiver_memory, what_is_taken_over_is_no_larger_than_it_must_be)
{
	for (int fails = 0; fails < 2; fails++) {
		uint8_t *block;

		begin(0x02, 500);
		ws_feed_bytes(&f, s.bytes, 100);
		ws_feed_bytes(&f, s.bytes + 100, s.len - 100);
		cr_assert_gt(ws_receiver_held(&f.receiver), 500);
		s.len = 0;
		stream_frame(&s, 0x80, "", 0);
		(void)next(s.bytes, s.len);
		heap_fail_always(fails);
		block = ws_receiver_detach(&f.receiver);
		heap_fail_always(false);
		cr_assert(fails || malloc_usable_size(block) < WS_DETACHED_AT + 500 + 100);
		cr_assert_eq(memcmp(block + WS_DETACHED_AT, payload, 500), 0);
		free(block);
		cr_assert_eq(heap_blocks(), others);
		end();
	}
}
