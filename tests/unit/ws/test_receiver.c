/* Streams and the events they must cause, wherever the reads cut them. */
#include "ws/receiver.h"

#include <criterion/criterion.h>
#include <string.h>

#include "stream.h"
#include "ws/close_code.h"

#define MAX_FRAMES 8

struct frame {
	uint8_t first;
	const char *payload;
	size_t len;
};

#define F(first, text)                                                                             \
	{                                                                                          \
		first, text, sizeof(text) - 1                                                      \
	}

/* First bytes: FIN is 0x80, so 0x01 begins a text, 0x00 goes on, 0x80 ends it. */
static const struct {
	const char *want;
	struct frame frames[MAX_FRAMES];
} cases[] = {
	{"text(hello) ", {F(0x81, "hello")}},
	{"text() ", {F(0x81, "")}},
	{"binary() ", {F(0x82, "")}},
	{"binary(abc) text(d) ", {F(0x82, "abc"), F(0x81, "d")}},
	{"text(hello) ", {F(0x01, "hel"), F(0x80, "lo")}},
	{"binary(abc) ", {F(0x02, "a"), F(0x00, "b"), F(0x00, ""), F(0x80, "c")}},
	{"text() ", {F(0x01, ""), F(0x00, ""), F(0x80, "")}},
	{"text(x) ", {F(0x01, ""), F(0x00, "x"), F(0x80, "")}},
	{"text(a) text(b) ", {F(0x01, "a"), F(0x80, ""), F(0x81, "b")}},
	{"ping() pong() ", {F(0x89, ""), F(0x8a, "")}},
	{"ping(mid) text(hello) ", {F(0x01, "hel"), F(0x89, "mid"), F(0x80, "lo")}},
	{"pong(1) ping(2) text(ab) ",
         {F(0x01, "a"), F(0x8a, "1"), F(0x00, ""), F(0x89, "2"), F(0x80, "b")}},
	{"close(1005 ) ", {F(0x88, "")}},
	{"close(1000 bye) ",
         {F(0x88, "\x03\xe8"
                  "bye")}},
	{"close(4999 ) ", {F(0x88, "\x13\x87")}},
	{"close(1001 ) ", {F(0x01, "half"), F(0x88, "\x03\xe9"), F(0x80, "late")}},
	{"close(1000 ) ", {F(0x88, "\x03\xe8"), F(0x88, "\x03\xe9"), F(0x81, "\xff")}},
	{"!close_length ", {F(0x88, "\x03")}},
	{"!close_code ", {F(0x88, "\x03\xec")}},
	{"!close_code ", {F(0x88, "\x03\xed")}},
	{"!close_utf8 ", {F(0x88, "\x03\xe8 \xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80")}},
	{"!close_utf8 ", {F(0x88, "\x03\xe8\xe2\x82")}},
	{"!rsv ", {F(0xc1, "x"), F(0x81, "ignored")}},
	{"text(a) !rsv ", {F(0x81, "a"), F(0xa2, "x")}},
	{"!rsv ", {F(0x01, "a"), F(0x40, "x")}},
	{"!rsv ", {F(0xc0, "no message")}},
	{"!rsv ", {F(0x01, "a"), F(0xc1, "inside one")}},
	{"!opcode ", {F(0x83, "x")}},
	{"!opcode ", {F(0x01, "a"), F(0x07, "x")}},
	{"!opcode ", {F(0x8b, "x")}},
	{"!control_fragment ", {F(0x09, "x")}},
	{"!continuation ", {F(0x80, "x")}},
	{"!continuation ", {F(0x00, "")}},
	{"text(a) !continuation ", {F(0x81, "a"), F(0x80, "x")}},
	{"text(ab) !continuation ", {F(0x01, "a"), F(0x80, "b"), F(0x80, "x")}},
	{"!interleaved ", {F(0x01, "a"), F(0x81, "x")}},
	{"!interleaved ", {F(0x02, ""), F(0x02, "x")}},
	{"ping(p) !interleaved ", {F(0x02, "a"), F(0x89, "p"), F(0x01, "x")}},
	{"text(%e2%82%ac%e2%82%ac) ", {F(0x81, "\xe2\x82\xac\xe2\x82\xac")}},
	{"text(%e2%82%ac%e2%82%ac) ",
         {F(0x01, "\xe2"), F(0x00, "\x82"), F(0x00, ""), F(0x80, "\xac\xe2\x82\xac")}},
	{"ping(p) text(%e2%82%ac%e2%82%ac) ",
         {F(0x01, "\xe2"), F(0x89, "p"), F(0x80, "\x82\xac\xe2\x82\xac")}},
	{"!text_utf8 ", {F(0x81, "ok until \xff then not")}},
	{"!text_utf8 ", {F(0x81, "cut \xe2\x82")}},
	{"!text_utf8 ", {F(0x01, "cut \xe2"), F(0x80, "\x82")}},
	{"!text_utf8 ", {F(0x01, "cut \xe2"), F(0x00, "\x82"), F(0x80, "")}},
	{"!text_utf8 ", {F(0x01, "\xed"), F(0x80, "\xa0\x80")}},
	{"binary(%ff) ", {F(0x82, "\xff")}},
	{"binary(%ff%fe) ", {F(0x02, "\xff"), F(0x80, "\xfe")}},
};

static const struct ws_limits roomy = {.max_message_bytes = 1 << 20, .max_fragments = 1000};

/* Feed in three reads that end at @first, @second and the end. */
static void check_cuts(const struct stream *s, const char *want, int64_t guilty, size_t first,
                       size_t second)
{
	struct ws_feed f;

	ws_feed_init(&f, s->reader, &roomy);
	ws_feed_bytes(&f, s->bytes, first);
	ws_feed_bytes(&f, s->bytes + first, second - first);
	ws_feed_bytes(&f, s->bytes + second, s->len - second);
	cr_assert_str_eq(f.trace, want, "\"%s\" instead of \"%s\", cut at %zu and %zu", f.trace,
	                 want, first, second);
	cr_assert_eq(f.guilty, guilty, "%s at %lld, cut at %zu and %zu", want, (long long)f.guilty,
	             first, second);
	ws_feed_fini(&f);
}

/* Where the violation of an uncut stream is; -1: there is none. */
static int64_t place_of(const struct stream *s)
{
	struct ws_feed f;
	int64_t guilty;

	ws_feed_init(&f, s->reader, &roomy);
	stream_feed(s, &f, s->len);
	guilty = f.guilty;
	ws_feed_fini(&f);
	return guilty;
}

static void check_reads(const struct stream *s, const char *want, size_t read)
{
	struct ws_feed f;

	ws_feed_init(&f, s->reader, &roomy);
	stream_feed(s, &f, read);
	cr_assert_str_eq(f.trace, want, "\"%s\" instead of \"%s\", %zu bytes at once", f.trace,
	                 want, read);
	ws_feed_fini(&f);
}

Test(ws_receiver, every_case_cut_everywhere)
{
	struct stream s;

	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		const struct frame *frames = cases[i / 2].frames;

		stream_init(&s, i % 2 ? WS_CLIENT : WS_SERVER);
		for (size_t k = 0; k < MAX_FRAMES && frames[k].payload; k++)
			stream_frame(&s, frames[k].first, frames[k].payload, frames[k].len);
		const int64_t guilty = place_of(&s);

		cr_assert_eq(guilty >= 0, strchr(cases[i / 2].want, '!') != NULL);
		check_reads(&s, cases[i / 2].want, 1);
		for (size_t first = 0; first <= s.len; first++)
			for (size_t second = first; second <= s.len; second++)
				check_cuts(&s, cases[i / 2].want, guilty, first, second);
		stream_fini(&s);
	}
}

/* What one role must send the other must not, however short and whole the message is. */
Test(ws_receiver, the_mask_of_the_other_role)
{
	for (uint8_t first = 0x81; first <= 0x82; first++) {
		for (int i = 0; i < 2; i++) {
			struct stream s;

			stream_init(&s, i ? WS_CLIENT : WS_SERVER);
			stream_frame(&s, first, "hello", 5);
			s.reader = i ? WS_SERVER : WS_CLIENT;
			check_cuts(&s, i ? "!unmasked " : "!masked ", 0, 0, 0);
			stream_fini(&s);
		}
	}
}

/* The frame that breaks a rule, or the first byte that no valid text has there. */
Test(ws_receiver, violations_have_a_place)
{
	static const struct {
		int64_t place;
		struct frame frames[MAX_FRAMES];
	} places[] = {
		{0, {F(0xc1, "x")}},
		{3, {F(0x81, "a"), F(0xa2, "x")}},
		{3, {F(0x01, "a"), F(0x81, "x")}},
		{2, {F(0x88, "\x03\xec")}},
		{3 + 4 + 2, {F(0x81, "a"), F(0x88, "\x03\xe8ok\xff")}},
		{2 + 9, {F(0x81, "ok until \xff then not")}},
		{2 + 6, {F(0x81, "cut \xe2\x82")}},
		{7 + 2 + 1, {F(0x01, "cut \xe2"), F(0x80, "\x82")}},
		{7 + 2 + 1, {F(0x01, "cut \xe2"), F(0x80, "\x82\xff")}},
	};
	struct stream s;

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		const struct frame *frames = places[i].frames;

		stream_init(&s, WS_CLIENT);
		for (size_t k = 0; k < MAX_FRAMES && frames[k].payload; k++)
			stream_frame(&s, frames[k].first, frames[k].payload, frames[k].len);
		cr_expect_eq(place_of(&s), places[i].place, "case %zu: %lld", i,
		             (long long)place_of(&s));
		stream_fini(&s);
	}
}

/* Payloads around each form of the length, alone and as the second of two fragments. */
Test(ws_receiver, each_length_whole_and_in_pieces)
{
	static const size_t lengths[] = {0,   1,   3,    15,   16,    17,    124,   125,   126,
	                                 127, 128, 1000, 4096, 65534, 65535, 65536, 65537, 100000};
	static const size_t reads[] = {1, 2, 7, 64, 139, 140, 4096, 65536, SIZE_MAX};
	static uint8_t payload[100000];
	struct ws_feed whole;
	struct stream s;

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(' ' + i % 90);
	for (size_t i = 0; i < 2 * ARRAY_LEN(lengths); i++) {
		stream_init(&s, i % 2 ? WS_CLIENT : WS_SERVER);
		stream_frame(&s, 0x81, payload, lengths[i / 2]);
		stream_frame(&s, 0x02, payload, 5);
		stream_frame(&s, 0x80, payload, lengths[i / 2]);
		ws_feed_init(&whole, s.reader, &roomy);
		stream_feed(&s, &whole, s.len);
		cr_assert(strstr(whole.trace, "text("));
		cr_assert(strstr(whole.trace, "binary("));
		for (size_t k = 0; k < ARRAY_LEN(reads); k++)
			check_reads(&s, whole.trace, reads[k]);
		ws_feed_fini(&whole);
		stream_fini(&s);
	}
}

Test(ws_receiver, every_close_code)
{
	char want[32];

	for (unsigned int code = 0; code <= 65535; code = code == 5100 ? 65535 : code + 1) {
		const uint8_t body[] = {(uint8_t)(code >> 8), (uint8_t)code};
		struct stream s;

		stream_init(&s, WS_SERVER);
		stream_frame(&s, 0x88, body, 2);
		if (ws_close_may_receive((uint16_t)code))
			snprintf(want, sizeof(want), "close(%u ) ", code);
		else
			snprintf(want, sizeof(want), "!close_code ");
		check_reads(&s, want, s.len);
		check_reads(&s, want, 1);
		stream_fini(&s);
	}
}

/* A rule is answered at the byte that decides it, not at the end of the frame. */
Test(ws_receiver, earliest_byte)
{
	static const struct {
		const char *bytes; /* for a client, so that payload is readable */
		size_t len;        /* of which the last decides */
		const char *want;
	} early[] = {
		{"\x80", 1, "!continuation "},
		{"\x01\x01\x61\x81", 4, "!interleaved "},
		{"\x81\x7e\x00\x7d", 4, "!length_form "},
		{"\x81\x7f\x80", 3, "!length_sign "},
		{"\x81\x7f\x00\x00\x00\x00\x00\x10\x00\x01", 10, "!message_size "},
		{"\x81\x7e\xff\xff\xed\xa0", 6, "!text_utf8 "},
		{"\x81\x7e\xff\xffxyz\xc0", 8, "!text_utf8 "},
		{"\x88\x01", 2, "!close_length "},
	};

	for (size_t i = 0; i < ARRAY_LEN(early); i++) {
		struct ws_feed f;

		ws_feed_init(&f, WS_CLIENT, &roomy);
		ws_feed_bytes(&f, (const uint8_t *)early[i].bytes, early[i].len - 1);
		cr_assert_str_eq(f.trace, "", "case %zu", i);
		ws_feed_bytes(&f, (const uint8_t *)early[i].bytes + early[i].len - 1, 1);
		cr_assert_str_eq(f.trace, early[i].want, "case %zu: %s", i, f.trace);
		ws_feed_fini(&f);
	}
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Mostly good frames, so that streams get somewhere, and now and then a broken one. */
static void random_stream(struct stream *s, uint32_t *seed)
{
	static const char *const texts[] = {"", "a", "\xc3\xa4", "\xe2\x82\xac",
	                                    "0123456789abcdef"};
	bool open = false;

	for (uint32_t n = 1 + next_random(seed) % 12; n > 0; n--) {
		const uint32_t kind = next_random(seed) % 16;
		const bool fin = next_random(seed) % 2;
		const char *text = texts[next_random(seed) % ARRAY_LEN(texts)];

		if (kind == 0) {
			stream_frame(s, (uint8_t)next_random(seed), text, strlen(text));
		} else if (kind < 4) {
			stream_frame(s, kind == 1 ? 0x8a : 0x89, text, strlen(text));
		} else {
			stream_frame(s, (uint8_t)((fin ? 0x80 : 0) | (open ? 0 : 1 + kind % 2)),
			             text, strlen(text));
			open = !fin;
		}
	}
}

Test(ws_receiver, random_streams_in_random_reads)
{
	uint32_t seed = 7;

	for (int round = 0; round < 20000; round++) {
		struct ws_feed whole, pieces, direct;
		struct stream s;
		size_t n;

		stream_init(&s, round % 2 ? WS_CLIENT : WS_SERVER);
		random_stream(&s, &seed);
		ws_feed_init(&whole, s.reader, &roomy);
		stream_feed(&s, &whole, s.len);
		ws_feed_init(&pieces, s.reader, &roomy);
		for (size_t at = 0; at < s.len; at += n) {
			n = 1 + next_random(&seed) % 40;
			if (n > s.len - at)
				n = s.len - at;
			ws_feed_bytes(&pieces, s.bytes + at, n);
		}
		cr_assert_str_eq(pieces.trace, whole.trace, "round %d", round);
		ws_feed_init(&direct, s.reader, &roomy);
		for (size_t at = 0; at < s.len; at += n) {
			const size_t left = s.len - at, want = 1 + next_random(&seed) % 40;

			n = ws_feed_direct(&direct, s.bytes + at, want < left ? want : left,
			                   1 + next_random(&seed) % 5);
			if (n > 0)
				continue;
			n = want < left ? want : left;
			ws_feed_bytes(&direct, s.bytes + at, n);
		}
		cr_assert_str_eq(direct.trace, whole.trace, "round %d", round);
		ws_feed_fini(&whole);
		ws_feed_fini(&pieces);
		ws_feed_fini(&direct);
		stream_fini(&s);
	}
}

/* The message lies in the caller's buffer: no copy, no memory. */
Test(ws_receiver, whole_message_is_not_copied)
{
	uint8_t data[] = "\x82\x03"
			 "abc\x82\x01"
			 "d";
	struct ws_receiver r;
	struct ws_event e;
	size_t used;

	ws_receiver_init(&r, &roomy, 0);
	cr_assert_eq(ws_receiver_next(&r, &roomy, WS_CLIENT, data, 8, 0, &used, &e), 0);
	cr_assert_eq(used, 5);
	cr_assert_eq(e.data, data + 2);
	cr_assert_eq(e.len, 3);
	cr_assert_eq(ws_receiver_held(&r), 0);
	cr_assert_not(ws_receiver_incomplete(&r));
	ws_receiver_fini(&r);
	ws_receiver_fini(&r);
}
