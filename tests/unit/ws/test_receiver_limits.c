/* Bounds: exact to the byte, paid for as bytes arrive, and no memory is an ordinary answer. */
#include "ws/receiver.h"

#include <criterion/criterion.h>
#include <string.h>

#include "stream.h"

/* The receiver allocates with realloc() alone; the n-th call may be told to fail. */
static long fail_at; /* 0: never */
static size_t n_reallocs, largest;

void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size)
{
	n_reallocs++;
	if (size > largest)
		largest = size;
	return fail_at > 0 && --fail_at == 0 ? NULL : __real_realloc(p, size);
}

#define LIMIT 1000

static const struct ws_limits limits = {.max_message_bytes = LIMIT, .max_fragments = 10};
static const uint8_t zeros[4 * LIMIT];
static const uint8_t no_key[4];

static void check(const struct stream *s, const struct ws_limits *l, const char *want)
{
	const size_t reads[] = {1, 3, 200, SIZE_MAX};

	for (size_t i = 0; i < ARRAY_LEN(reads); i++) {
		struct ws_feed f;

		ws_feed_init(&f, s->reader, l);
		stream_feed(s, &f, reads[i]);
		cr_assert_str_eq(f.trace, want, "\"%s\" instead of \"%s\" with reads of %zu",
		                 f.trace, want, reads[i]);
		ws_feed_fini(&f);
	}
}

/* The trace of a stream that is one binary message of zeros in fragments of these sizes. */
static void check_message(const size_t *sizes, size_t n, const char *want)
{
	for (enum ws_role reader = WS_SERVER; reader <= WS_CLIENT; reader++) {
		struct stream s;

		stream_init(&s, reader);
		for (size_t i = 0; i < n; i++)
			stream_frame(&s, (uint8_t)((i == 0 ? 2 : 0) | (i == n - 1 ? 0x80 : 0)),
			             zeros, sizes[i]);
		check(&s, &limits, want);
		stream_fini(&s);
	}
}

#define MESSAGE_OF_LIMIT "binary(1000 bytes bf8eaf0c5b3c10ea) "

Test(ws_receiver_limits, message_size_is_exact)
{
	check_message((size_t[]){LIMIT}, 1, MESSAGE_OF_LIMIT);
	check_message((size_t[]){LIMIT + 1}, 1, "!message_size ");
	check_message((size_t[]){LIMIT, 0}, 2, MESSAGE_OF_LIMIT);
	check_message((size_t[]){0, LIMIT, 0}, 3, MESSAGE_OF_LIMIT);
	check_message((size_t[]){LIMIT - 1, 1}, 2, MESSAGE_OF_LIMIT);
	check_message((size_t[]){LIMIT - 1, 2}, 2, "!message_size ");
	check_message((size_t[]){LIMIT, 1}, 2, "!message_size ");
	check_message((size_t[]){1, LIMIT - 2, 1}, 3, MESSAGE_OF_LIMIT);
	check_message((size_t[]){1, LIMIT - 1, 1}, 3, "!message_size ");
}

static void expect_length(struct stream *s, const struct ws_limits *l, size_t len)
{
	struct ws_receiver r;
	struct ws_event e;
	size_t used;

	ws_receiver_init(&r, l, 0);
	cr_assert_eq(ws_receiver_next(&r, l, WS_SERVER, s->bytes, s->len, 0, &used, &e), 0);
	cr_assert_eq(e.type, WS_EVENT_MESSAGE, "%zu bytes", len);
	cr_assert_eq(e.len, len);
	cr_assert_eq(used, s->len);
	ws_receiver_fini(&r);
}

/* Around the length up to which a message takes the short way, too. */
Test(ws_receiver_limits, small_limits_are_exact)
{
	for (uint32_t limit = 1; limit <= 130; limit++) {
		const struct ws_limits small = {.max_message_bytes = limit, .max_fragments = 1};
		struct stream s;

		stream_init(&s, WS_SERVER);
		stream_frame(&s, 0x82, zeros, limit + 1);
		check(&s, &small, "!message_size ");
		s.len = 0;
		stream_frame(&s, 0x82, zeros, limit);
		expect_length(&s, &small, limit);
		stream_fini(&s);
	}
}

Test(ws_receiver_limits, a_message_too_large_says_how_large)
{
	const struct ws_limits narrow = {.max_message_bytes = LIMIT, .max_fragments = 10};
	struct ws_receiver r;
	struct ws_event e;
	struct stream s;
	size_t used;

	stream_init(&s, WS_CLIENT);
	stream_frame(&s, 0x02, zeros, LIMIT - 1);
	stream_header(&s, 0x80, 70000, no_key);
	ws_receiver_init(&r, &narrow, 0);
	cr_assert_eq(ws_receiver_next(&r, &narrow, WS_CLIENT, s.bytes, s.len, 0, &used, &e), 0);
	cr_assert_eq(e.rule, WS_RULE_MESSAGE_SIZE);
	cr_assert_eq(e.len, LIMIT - 1 + 70000);
	stream_fini(&s);
	ws_receiver_fini(&r);
}

Test(ws_receiver_limits, each_message_counts_alone)
{
	struct stream s;

	stream_init(&s, WS_SERVER);
	stream_frame(&s, 0x82, zeros, LIMIT);
	stream_frame(&s, 0x02, zeros, LIMIT);
	stream_frame(&s, 0x80, zeros, 0);
	stream_frame(&s, 0x02, zeros, 1);
	stream_frame(&s, 0x80, zeros, LIMIT - 1);
	check(&s, &limits, MESSAGE_OF_LIMIT MESSAGE_OF_LIMIT MESSAGE_OF_LIMIT);
	stream_fini(&s);
}

/* Announced lengths: as first frame, and when one byte less than the limit is there already. */
Test(ws_receiver_limits, announced_length_takes_no_memory)
{
	static const uint64_t lengths[] = {LIMIT + 1,  65535,
	                                   65536,      (1ull << 31) - 1,
	                                   1ull << 31, (1ull << 32) - 1,
	                                   1ull << 32, (1ull << 63) - 1,
	                                   1ull << 63, UINT64_MAX};

	for (size_t i = 0; i < 4 * ARRAY_LEN(lengths); i++) {
		const uint64_t len = lengths[i / 4];
		struct stream s;

		stream_init(&s, i % 2 ? WS_CLIENT : WS_SERVER);
		if (i / 2 % 2)
			stream_frame(&s, 0x02, zeros, LIMIT - 1);
		stream_header(&s, i / 2 % 2 ? 0x80 : 0x82, len, no_key);
		stream_raw(&s, zeros, 100);
		largest = 0;
		check(&s, &limits, len >> 63 ? "!length_sign " : "!message_size ");
		cr_assert_leq(largest, i / 2 % 2 ? LIMIT + sizeof(struct ws_begun) : 0);
		stream_fini(&s);
	}
}

Test(ws_receiver_limits, memory_follows_what_arrived)
{
	const struct ws_limits wide = {.max_message_bytes = UINT32_MAX, .max_fragments = 10};
	const uint8_t byte = 0;
	struct stream s;
	struct ws_feed f;

	stream_init(&s, WS_CLIENT);
	stream_header(&s, 0x82, UINT32_MAX, no_key);
	ws_feed_init(&f, WS_CLIENT, &wide);
	stream_feed(&s, &f, s.len);
	cr_assert_eq(ws_receiver_held(&f.receiver), 0);
	cr_assert(ws_receiver_incomplete(&f.receiver));
	n_reallocs = largest = 0;
	for (size_t n = 1; n <= 100000; n++) {
		ws_feed_bytes(&f, &byte, 1);
		cr_assert_leq(ws_receiver_held(&f.receiver), 4 * n);
	}
	cr_assert_leq(n_reallocs, 9, "%zu steps are not geometric", n_reallocs);
	cr_assert_leq(largest, 400000);
	ws_feed_fini(&f);
	stream_fini(&s);
}

/* Of a message whose end is announced no more is taken than it needs. */
Test(ws_receiver_limits, memory_stops_at_the_end_of_the_message)
{
	struct stream s;
	struct ws_feed f;

	stream_init(&s, WS_SERVER);
	stream_frame(&s, 0x82, zeros, 700);
	ws_feed_init(&f, WS_SERVER, &limits);
	ws_feed_bytes(&f, s.bytes, 500);
	ws_feed_bytes(&f, s.bytes + 500, 100);
	cr_assert_eq(ws_receiver_held(&f.receiver), 700);
	ws_feed_bytes(&f, s.bytes + 600, s.len - 600);
	cr_assert_eq(ws_receiver_held(&f.receiver), 0);
	ws_feed_fini(&f);
	stream_fini(&s);
}

Test(ws_receiver_limits, memory_is_given_back_before_the_next_message)
{
	struct ws_receiver r;
	struct ws_event e;
	struct stream s;
	size_t at, used;

	stream_init(&s, WS_SERVER);
	stream_frame(&s, 0x02, zeros, 20);
	stream_frame(&s, 0x80, zeros, 20);
	stream_frame(&s, 0x82, zeros, 5);
	ws_receiver_init(&r, &limits, 0);
	cr_assert_eq(ws_receiver_next(&r, &limits, WS_SERVER, s.bytes, s.len, 0, &at, &e), 0);
	cr_assert_eq(e.len, 40);
	cr_assert_eq(ws_receiver_held(&r), 40);
	cr_assert_eq(
		ws_receiver_next(&r, &limits, WS_SERVER, s.bytes + at, s.len - at, 0, &used, &e),
		0);
	cr_assert_eq(e.len, 5);
	cr_assert_eq(ws_receiver_held(&r), 0);
	ws_receiver_fini(&r);
	stream_fini(&s);
}

Test(ws_receiver_limits, fragments_are_exact_and_empty_ones_count)
{
	for (size_t len = 0; len < 2; len++) {
		struct stream s;

		stream_init(&s, WS_SERVER);
		stream_frame(&s, 0x02, zeros, len);
		for (int i = 0; i < 8; i++)
			stream_frame(&s, 0x00, zeros, len);
		stream_frame(&s, 0x89, "p", 1); /* not one of them */
		stream_frame(&s, 0x80, zeros, len);
		check(&s, &limits,
		      len ? "ping(p) binary(%00%00%00%00%00%00%00%00%00%00) "
		          : "ping(p) binary() ");
		s.bytes[s.len - len - 6] = 0x00; /* the tenth is not the last ... */
		stream_raw(&s, "\x80", 1);       /* ... and one byte of the next is enough */
		check(&s, &limits, "ping(p) !fragments ");
		stream_fini(&s);
	}
}

Test(ws_receiver_limits, fragments_of_each_message_count_alone)
{
	struct stream s;

	stream_init(&s, WS_SERVER);
	for (int i = 0; i < 20; i++)
		stream_frame(&s, i % 10 == 0 ? 0x01 : i % 10 == 9 ? 0x80 : 0x00, "x", 1);
	check(&s, &limits, "text(xxxxxxxxxx) text(xxxxxxxxxx) ");
	stream_fini(&s);
}

Test(ws_receiver_limits, a_million_empty_fragments_hold_one_byte)
{
	const struct ws_limits many = {.max_message_bytes = LIMIT, .max_fragments = UINT32_MAX};
	struct stream s;
	struct ws_feed f;

	stream_init(&s, WS_SERVER);
	stream_frame(&s, 0x02, "x", 1);
	for (int i = 0; i < 1000000; i++)
		stream_frame(&s, 0x00, "", 0);
	ws_feed_init(&f, WS_SERVER, &many);
	stream_feed(&s, &f, 65536);
	cr_assert_str_eq(f.trace, "");
	cr_assert_leq(ws_receiver_held(&f.receiver), 2);
	ws_feed_fini(&f);
	stream_fini(&s);
}

static void ping(struct ws_feed *f, uint64_t now_ms, uint8_t first)
{
	const uint8_t frame[] = {first, 0};

	f->now_ms = now_ms;
	ws_feed_bytes(f, frame, sizeof(frame));
}

Test(ws_receiver_limits, control_frames)
{
	const struct ws_limits l = {.max_message_bytes = 1, .control_burst = 3, .control_per_s = 2};
	static const struct {
		const char *want;
		uint64_t at_ms[8];
		size_t n;
	} rates[] = {
		{"ping() ping() ping() ", {0, 0, 0}, 3},
		{"ping() ping() ping() !control_rate ", {0, 0, 0, 0}, 4},
		{"ping() ping() ping() !control_rate ", {1000, 1000, 1000, 1000}, 4}, /* full */
		{"ping() ping() ping() !control_rate ", {0, 0, 0, 499}, 4},
		{"ping() ping() ping() ping() ", {0, 0, 0, 500}, 4},
		{"ping() ping() ping() ping() !control_rate ", {0, 0, 0, 500, 999}, 5},
		{"ping() ping() ping() !control_rate ", {99999, 99999, 99999, 99999}, 4},
		/* the clock of 32 bits turns over between the second and the third */
		{"ping() ping() ping() ping() !control_rate ",
	         {0xfffffff0, 0xfffffff0, 0xfffffff0, 0x1000001f0, 0x1000001f0},
	         5},
	};
	struct ws_feed f;

	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		ws_feed_init(&f, WS_CLIENT, &l);
		for (size_t k = 0; k < rates[i].n; k++)
			ping(&f, rates[i].at_ms[k], 0x89);
		cr_assert_str_eq(f.trace, rates[i].want, "row %zu: %s", i, f.trace);
		ws_feed_fini(&f);
	}
}

Test(ws_receiver_limits, close_needs_no_token_and_zero_is_no_limit)
{
	struct ws_limits l = {.max_message_bytes = 1, .control_burst = 1, .control_per_s = 1};
	struct ws_feed f;

	ws_feed_init(&f, WS_CLIENT, &l);
	ping(&f, 0, 0x8a);
	ping(&f, 0, 0x88);
	cr_assert_str_eq(f.trace, "pong() close(1005 ) ");
	ws_feed_fini(&f);
	l.control_per_s = 0;
	ws_feed_init(&f, WS_CLIENT, &l);
	for (int i = 0; i < 1000; i++)
		ping(&f, 0, 0x89);
	cr_assert_null(strchr(f.trace, '!'));
	ws_feed_fini(&f);
}

/* Limits may be lowered by a reload in the middle of a message. */
Test(ws_receiver_limits, lowered_inside_a_message)
{
	struct stream s;
	struct ws_feed f;

	stream_init(&s, WS_SERVER);
	stream_frame(&s, 0x02, zeros, 500);
	stream_frame(&s, 0x80, zeros, 0);
	ws_feed_init(&f, WS_SERVER, &limits);
	ws_feed_bytes(&f, s.bytes, 508);
	f.limits.max_message_bytes = 100;
	ws_feed_bytes(&f, s.bytes + 508, s.len - 508);
	cr_assert_str_eq(f.trace, "!message_size ");
	ws_feed_fini(&f);
	stream_fini(&s);
}

/* Each allocation fails in turn; the call made again goes on as if nothing had been. */
Test(ws_receiver_limits, each_allocation_fails_once)
{
	struct ws_feed plain, f;
	struct stream s;
	long n = 0;

	stream_init(&s, WS_SERVER);
	stream_frame(&s, 0x01, "\xe2\x82", 2);
	stream_frame(&s, 0x89, "ping", 4);
	stream_frame(&s, 0x00, "\xac", 1);
	stream_frame(&s, 0x00, zeros, 0);
	stream_frame(&s, 0x80, "the end of the message", 22);
	stream_frame(&s, 0x82, zeros, 300);
	ws_feed_init(&plain, WS_SERVER, &limits);
	stream_feed(&s, &plain, 5);
	do {
		fail_at = ++n;
		ws_feed_init(&f, WS_SERVER, &limits);
		stream_feed(&s, &f, 5);
		cr_assert_str_eq(f.trace, plain.trace, "allocation %ld: %s", n, f.trace);
		cr_assert_eq(f.n_failed, fail_at == 0, "allocation %ld", n);
		ws_feed_fini(&f);
	} while (fail_at == 0);
	cr_assert_gt(n, 5);
	fail_at = 0;
	ws_feed_fini(&plain);
	stream_fini(&s);
}
