/* The validator against a slow one that works by code points. */
#include "ws/utf8.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "guard.h"
#include "utf8_slow.h"

static void print(const uint8_t *data, size_t len, char *dst)
{
	for (size_t i = 0; i < len && i < 100; i++)
		sprintf(dst + 3 * i, "%02x ", data[i]);
}

static void check_cut(const uint8_t *data, size_t len, size_t cut)
{
	uint8_t state = WS_UTF8_WHOLE;
	char text[400] = "";
	bool whole;
	size_t want = utf8_slow_check(data, len, &whole), got;

	got = ws_utf8_check(&state, data, cut);
	if (got == cut)
		got += ws_utf8_check(&state, data + cut, len - cut);
	if (got == want && (state == WS_UTF8_WHOLE) == whole)
		return;
	print(data, len, text);
	cr_assert_fail("%scut at %zu: %zu instead of %zu", text, cut, got, want);
}

static void check(const uint8_t *data, size_t len)
{
	for (size_t cut = 0; cut <= len; cut++)
		check_cut(data, len, cut);
}

Test(ws_utf8, every_sequence_of_up_to_three_bytes)
{
	for (uint32_t v = 0; v < 1u << 24; v++) {
		const uint8_t data[] = {(uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

		check_cut(data, 3, v % 4);
		if ((v & 0xFF) == 0)
			check(data, 2);
		if ((v & 0xFFFF) == 0)
			check(data, 1);
	}
}

static const uint8_t edges[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF,
                                0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
                                0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFF};

Test(ws_utf8, four_bytes_from_the_edges_of_each_class)
{
	const size_t n = ARRAY_LEN(edges);

	for (size_t v = 0; v < n * n * n * n; v++) {
		const uint8_t data[] = {edges[v / n / n / n], edges[v / n / n % n],
		                        edges[v / n % n], edges[v % n]};

		check(data, 4);
	}
}

Test(ws_utf8, every_code_point_cut_anywhere)
{
	uint8_t data[4], state;

	for (uint32_t point = 0; point <= 0x110000; point++) {
		const bool legal = point <= 0x10FFFF && !(point >= 0xD800 && point <= 0xDFFF);
		const size_t n = utf8_slow_encode(point, data);

		check(data, n);
		state = WS_UTF8_WHOLE;
		cr_assert_eq(ws_utf8_check(&state, data, n) == n && state == WS_UTF8_WHOLE, legal,
		             "U+%04X", point);
	}
}

/* A good, a bad and a cut sequence at each offset of a block, with a page behind the end. */
Test(ws_utf8, each_offset_up_to_an_unreadable_page)
{
	static const char *const sequences[] = {"\xc3\xa4",     "\xe2\x82\xac", "\xf0\x9f\x98\x80",
	                                        "\xed\xa0\x80", "\xf4\x90",     "\xc0\x80",
	                                        "\xe2\x82",     "\x80",         "\xff"};
	struct guard g;

	guard_init(&g, 100);
	for (size_t len = 0; len <= 80; len++) {
		uint8_t *data = guard_tail(&g, len);

		for (size_t k = 0; k < ARRAY_LEN(sequences); k++) {
			const size_t n = strlen(sequences[k]);

			for (size_t at = 0; at + n <= len; at++) {
				memset(data, 'x', len);
				memcpy(data + at, sequences[k], n);
				check_cut(data, len, 0);
				check_cut(data, len, at + 1);
				check_cut(data, len, len / 2);
			}
		}
	}
	guard_fini(&g);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

Test(ws_utf8, random_text_with_mutations)
{
	uint8_t data[100];
	uint32_t seed = 1;

	for (int round = 0; round < 300000; round++) {
		size_t len = 0;

		while (len < 90) {
			const uint32_t wide = next_random(&seed) % 4;
			const uint32_t limit[] = {0x80, 0x800, 0x10000, 0x110000};

			len += utf8_slow_encode(next_random(&seed) % limit[wide], data + len);
		}
		for (uint32_t i = next_random(&seed) % 3; i > 0; i--)
			data[next_random(&seed) % len] = (uint8_t)next_random(&seed);
		check_cut(data, len, next_random(&seed) % (len + 1));
	}
}

Test(ws_utf8, failure_is_final)
{
	uint8_t state = WS_UTF8_WHOLE;

	cr_assert_eq(ws_utf8_check(&state, (const uint8_t *)"ab\xff", 3), 2);
	cr_assert_eq(ws_utf8_check(&state, (const uint8_t *)"abcdefghijklmnopqrst", 20), 0);
	cr_assert_neq(state, WS_UTF8_WHOLE);
}
