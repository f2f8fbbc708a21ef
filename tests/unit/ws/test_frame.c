/* Headers: each rule at the byte that decides it, each length in each form, and back again. */
#include "ws/frame.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/err.h"
#include "guard.h"
#include "ws/mask.h"

#define S WS_SERVER
#define C WS_CLIENT

static struct guard g;

static void setup(void)
{
	guard_init(&g, 300);
}

static void teardown(void)
{
	guard_fini(&g);
}

TestSuite(ws_frame, .init = setup, .fini = teardown);

/* Decode the first @n bytes, with an unreadable page behind them. */
static int decode(enum ws_role role, const uint8_t *bytes, size_t n, struct ws_frame *f,
                  enum ws_rule *rule)
{
	uint8_t *tail = guard_tail(&g, n);

	memcpy(tail, bytes, n);
	return ws_frame_decode(role, tail, n, f, rule);
}

/* Every prefix of fewer than @deciding bytes needs more; that one and all longer ones say @rule. */
static void check_rule(enum ws_role role, const uint8_t *bytes, size_t len, size_t deciding,
                       enum ws_rule rule)
{
	struct ws_frame f;
	enum ws_rule got;

	cr_assert_geq(len, deciding);
	for (size_t n = 0; n < deciding; n++)
		cr_assert_eq(decode(role, bytes, n, &f, &got), WSMD_ENEEDMORE,
		             "%02x %02x, %zu bytes", bytes[0], bytes[1], n);
	for (size_t n = deciding; n <= len; n++) {
		cr_assert_eq(decode(role, bytes, n, &f, &got), WSMD_EPROTO, "%02x %02x, %zu bytes",
		             bytes[0], bytes[1], n);
		cr_assert_eq(got, rule, "%s instead of %s", ws_rule_name(got), ws_rule_name(rule));
	}
}

static void check_good(enum ws_role role, const uint8_t *bytes, size_t len, struct ws_frame *f)
{
	enum ws_rule rule;

	for (size_t n = 0; n < len; n++)
		cr_assert_eq(decode(role, bytes, n, f, &rule), WSMD_ENEEDMORE, "%zu bytes", n);
	cr_assert_eq(decode(role, bytes, len, f, &rule), 0);
	cr_assert_eq(f->header_len, len);
}

Test(ws_frame, rules)
{
	static const struct {
		enum ws_role role;
		const char *bytes;
		size_t len, deciding;
		enum ws_rule rule;
	} cases[] = {
		{S, "\xc1\x80", 2, 1, WS_RULE_RSV},
		{S, "\xa1\x80", 2, 1, WS_RULE_RSV},
		{S, "\x91\x80", 2, 1, WS_RULE_RSV},
		{S, "\xf9\x80", 2, 1, WS_RULE_RSV},
		{S, "\x40\x80", 2, 1, WS_RULE_RSV},
		{S, "\x09\x80", 2, 1, WS_RULE_CONTROL_FRAGMENT},
		{S, "\x08\x80", 2, 1, WS_RULE_CONTROL_FRAGMENT},
		{C, "\x0a\x00", 2, 1, WS_RULE_CONTROL_FRAGMENT},
		{S, "\x81\x00", 2, 2, WS_RULE_UNMASKED},
		{S, "\x89\x00", 2, 2, WS_RULE_UNMASKED},
		{S, "\x81\x7e\x01\x00", 4, 2, WS_RULE_UNMASKED},
		{C, "\x81\x80", 2, 2, WS_RULE_MASKED},
		{C, "\x8a\x80", 2, 2, WS_RULE_MASKED},
		{S, "\x89\xfe\x00\x7e", 4, 2, WS_RULE_CONTROL_LENGTH},
		{S, "\x8a\xff\x00", 3, 2, WS_RULE_CONTROL_LENGTH},
		{C, "\x88\x7e\x00\x05", 4, 2, WS_RULE_CONTROL_LENGTH},
		{S, "\x88\x81", 2, 2, WS_RULE_CLOSE_LENGTH},
		{C, "\x88\x01", 2, 2, WS_RULE_CLOSE_LENGTH},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check_rule(cases[i].role, (const uint8_t *)cases[i].bytes, cases[i].len,
		           cases[i].deciding, cases[i].rule);
}

Test(ws_frame, every_first_byte)
{
	for (unsigned int b = 0; b < 256; b++) {
		const uint8_t bytes[] = {(uint8_t)b, 0x00};
		const unsigned int opcode = b & 15;
		struct ws_frame f;

		if (b & 0x70)
			check_rule(C, bytes, 2, 1, WS_RULE_RSV);
		else if ((opcode >= 3 && opcode <= 7) || opcode >= 11)
			check_rule(C, bytes, 2, 1, WS_RULE_OPCODE);
		else if (opcode >= 8 && b < 0x80)
			check_rule(C, bytes, 2, 1, WS_RULE_CONTROL_FRAGMENT);
		else
			check_good(C, bytes, 2, &f);
	}
}

static const uint64_t lengths[] = {0,          1,
                                   124,        125,
                                   126,        127,
                                   128,        255,
                                   256,        65534,
                                   65535,      65536,
                                   65537,      (1ull << 31) - 1,
                                   1ull << 31, (1ull << 32) - 1,
                                   1ull << 32, (1ull << 63) - 1,
                                   1ull << 63, UINT64_MAX};

/* A header with the length in the form of @n bytes (0, 2, 8), whether that is right or not. */
static size_t build(uint8_t *dst, bool masked, size_t n, uint64_t v)
{
	size_t at = 2;

	dst[0] = 0x82;
	dst[1] = (uint8_t)((masked ? 0x80 : 0) | (n == 0 ? v : n == 2 ? 126 : 127));
	for (size_t i = 0; i < n; i++)
		dst[at++] = (uint8_t)(v >> (8 * (n - 1 - i)));
	if (masked) {
		memcpy(dst + at, "\1\2\3\4", 4);
		at += 4;
	}
	return at;
}

static void check_length(enum ws_role role, size_t n, uint64_t v)
{
	const bool masked = role == WS_SERVER;
	uint8_t bytes[WS_MAX_HEADER];
	const size_t len = build(bytes, masked, n, v);
	struct ws_frame f;

	if (n == 8 && v >> 63) {
		check_rule(role, bytes, len, 3, WS_RULE_LENGTH_SIGN);
	} else if ((n == 2 && v < 126) || (n == 8 && v < 65536)) {
		check_rule(role, bytes, len, 2 + n, WS_RULE_LENGTH_FORM);
	} else {
		check_good(role, bytes, len, &f);
		cr_assert_eq(f.payload_len, v);
		cr_assert_eq(f.opcode, WS_BINARY);
		cr_assert(f.fin);
		cr_assert_eq(f.masked, masked);
		cr_assert_arr_eq(&f.mask_key, masked ? "\1\2\3\4" : "\0\0\0\0", 4);
	}
}

Test(ws_frame, each_length_in_each_form)
{
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		for (enum ws_role role = WS_SERVER; role <= WS_CLIENT; role++) {
			if (lengths[i] < 126)
				check_length(role, 0, lengths[i]);
			if (lengths[i] < 65536)
				check_length(role, 2, lengths[i]);
			check_length(role, 8, lengths[i]);
		}
	}
}

/* The quick look sees what the whole one sees, or leaves it alone. */
static void check_usual(const uint8_t *bytes, size_t len, size_t most)
{
	uint8_t *const tail = guard_tail(&g, len);
	size_t header_len = 99, n = 99;
	enum ws_rule rule;
	struct ws_frame f;
	const bool good = decode(S, bytes, len, &f, &rule) == 0;

	memcpy(tail, bytes, len);
	if (ws_frame_is_usual(tail, len, most, &header_len, &n)) {
		cr_assert(good && f.fin && (f.opcode == WS_TEXT || f.opcode == WS_BINARY));
		cr_assert_eq(n, f.payload_len);
		cr_assert_eq(header_len, f.header_len);
		cr_assert_leq(n, most);
		cr_assert_leq(header_len + n, len);
		return;
	}
	cr_assert(header_len == 99 && n == 99);
	cr_assert(!good || !f.fin || f.opcode == 0 || f.opcode > WS_BINARY || len < 8 ||
	                  f.payload_len > most || f.payload_len > len - f.header_len,
	          "%02x %02x, %zu bytes", bytes[0], bytes[1], len);
}

Test(ws_frame, is_usual_for_each_two_bytes)
{
	static uint8_t bytes[300];

	for (uint32_t v = 0; v < 1u << 16; v++) {
		bytes[0] = (uint8_t)(v >> 8);
		bytes[1] = (uint8_t)v;
		for (uint8_t second = 0; second < 2; second++) {
			bytes[2] = second; /* of the 16 bits of a length */
			bytes[3] = (uint8_t)(v % 251);
			check_usual(bytes, v % 300, 300);
			check_usual(bytes, 140, v % 150);
		}
	}
	for (uint32_t n = 0; n < 300; n++) {
		const uint8_t both[][4] = {{0x81, 0x80 | (n & 0x7F)},
		                           {0x82, 0xFE, (uint8_t)(n >> 8), (uint8_t)n}};

		for (size_t i = 0; i < 2; i++) {
			memcpy(bytes, both[i], 4);
			for (size_t len = 0; len <= 300; len++)
				check_usual(bytes, len, n % 2 ? n : n + 1);
		}
	}
}

Test(ws_frame, encode_is_shortest_and_decodes)
{
	const uint8_t opcodes[] = {WS_CONTINUATION, WS_TEXT, WS_BINARY};
	uint8_t dst[WS_MAX_HEADER];
	struct ws_frame f;

	for (size_t i = 0; i < ARRAY_LEN(lengths) && lengths[i] <= INT64_MAX; i++) {
		for (unsigned int k = 0; k < 2 * ARRAY_LEN(opcodes) * 2; k++) {
			const bool fin = k & 1, masked = k & 2;
			const uint8_t opcode = opcodes[k / 4];
			const size_t wide = lengths[i] < 126 ? 2 : lengths[i] < 65536 ? 4 : 10;
			const size_t n = ws_frame_encode(dst, opcode, fin, lengths[i],
			                                 masked ? (const uint8_t *)"abcd" : NULL);

			cr_assert_eq(n, wide + (masked ? 4 : 0));
			check_good(masked ? WS_SERVER : WS_CLIENT, dst, n, &f);
			cr_assert_eq(f.opcode, opcode);
			cr_assert_eq(f.fin, fin);
			cr_assert_eq(f.payload_len, lengths[i]);
			cr_assert_arr_eq(&f.mask_key, masked ? "abcd" : "\0\0\0\0", 4);
		}
	}
}

/* Encode, decode the header, unmask, and compare the body. */
static void check_close(uint16_t code, const char *reason, size_t want_len, const uint8_t *key)
{
	uint8_t dst[WS_MAX_HEADER + WS_MAX_CONTROL], *body;
	const size_t n = ws_frame_encode_close(dst, code, reason, key);
	struct ws_frame f;
	enum ws_rule rule;

	cr_assert_eq(ws_frame_decode(key ? WS_SERVER : WS_CLIENT, dst, n, &f, &rule), 0);
	cr_assert_eq(f.opcode, WS_CLOSE);
	cr_assert_eq(f.payload_len, want_len);
	cr_assert_eq(n, f.header_len + want_len);
	body = dst + f.header_len;
	(void)ws_mask(body, want_len, f.mask_key);
	if (want_len == 0)
		return;
	cr_assert_eq(body[0] << 8 | body[1], code);
	cr_assert_arr_eq(body + 2, reason ? reason : "", want_len - 2);
}

Test(ws_frame, encode_close)
{
	char reason[200];

	for (int masked = 0; masked < 2; masked++) {
		const uint8_t *key = masked ? (const uint8_t *)"wxyz" : NULL;

		check_close(1005, NULL, 0, key);
		check_close(1005, "not sent", 0, key);
		check_close(1000, NULL, 2, key);
		check_close(1000, "", 2, key);
		check_close(4999, "bye", 5, key);
		memset(reason, 'x', sizeof(reason));
		for (size_t len = 120; len < 130; len++) {
			reason[len] = '\0';
			check_close(1001, reason, 2 + (len < 123 ? len : 123), key);
			reason[len] = 'x';
		}
	}
}

Test(ws_frame, close_reason_is_not_cut_inside_a_character)
{
	static const char *const characters[] = {"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
	char reason[200];

	for (size_t k = 0; k < ARRAY_LEN(characters); k++) {
		const size_t n = strlen(characters[k]);

		for (size_t at = 118; at < 126; at++) {
			memset(reason, 'x', sizeof(reason));
			memcpy(reason + at, characters[k], n);
			reason[150] = '\0';
			check_close(1001, reason, 2 + (at < 123 && at + n > 123 ? at : 123), NULL);
		}
	}
}
