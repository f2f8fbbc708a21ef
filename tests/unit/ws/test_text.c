/* Text unmasked and checked in one pass, in pieces, against one byte at a time. */
#include "ws/text.h"

#include <criterion/criterion.h>

#include "guard.h"
#include "text_case.h"
#include "ws/mask.h"
#include "ws/utf8.h"

#define MAX_LEN 300

static const uint32_t key = 0x9C21FA37;

static void mask_bytes(uint8_t *dst, const uint8_t *src, size_t len)
{
	uint8_t bytes[4];

	memcpy(bytes, &key, sizeof(bytes));
	for (size_t i = 0; i < len; i++)
		dst[i] = src[i] ^ bytes[i % 4];
}

/* Unmask @text from @src into @dst in two pieces. */
static void check_cut(uint8_t *dst, uint8_t *src, const uint8_t *text, size_t len, size_t cut)
{
	uint8_t state = WS_UTF8_WHOLE;
	bool whole;
	const size_t want = utf8_slow_check(text, len, &whole);
	size_t got;

	mask_bytes(src, text, len);
	got = ws_text_unmask(dst, src, cut, key, &state);
	if (got == cut)
		got += ws_text_unmask(dst + cut, src + cut, len - cut, ws_mask_turn(key, cut),
		                      &state);
	cr_assert_eq(got, want, "%zu bytes cut at %zu: %zu instead of %zu", len, cut, got, want);
	cr_assert_eq(state == WS_UTF8_WHOLE, whole, "%zu bytes cut at %zu", len, cut);
	cr_assert_eq(memcmp(dst, text, got), 0, "%zu bytes cut at %zu: wrong bytes", len, cut);

	state = WS_UTF8_WHOLE;
	got = ws_utf8_check(&state, text, cut);
	if (got == cut)
		got += ws_utf8_check(&state, text + cut, len - cut);
	cr_assert_eq(got, want, "check of %zu bytes cut at %zu", len, cut);
	cr_assert_eq(state == WS_UTF8_WHOLE, whole);
}

Test(ws_text, each_length_and_cut_up_to_an_unreadable_page)
{
	uint8_t text[MAX_LEN];
	struct guard g, h;
	uint64_t seed = 1;

	guard_init(&g, MAX_LEN);
	guard_init(&h, MAX_LEN);
	for (size_t len = 0; len <= MAX_LEN; len++) {
		uint8_t *const src = guard_tail(&g, len), *const dst = guard_tail(&h, len);

		text_fill(text, len, 1 + len % 4, &seed);
		for (size_t cut = 0; cut <= len; cut++) {
			check_cut(src, src, text, len, cut);
			check_cut(dst, src, text, len, cut);
		}
	}
	guard_fini(&g);
	guard_fini(&h);
}

Test(ws_text, each_sequence_at_each_place_with_each_cut_near)
{
	uint8_t text[150], data[sizeof(text)];

	for (size_t s = 0; s < ARRAY_LEN(text_sequences); s++) {
		const size_t n = strlen(text_sequences[s]);

		for (size_t at = 0; at + n <= sizeof(text); at++) {
			memset(text, 'x', sizeof(text));
			memcpy(text + at, text_sequences[s], n);
			for (size_t cut = at; cut <= at + n; cut++)
				check_cut(data, data, text, sizeof(text), cut);
			for (size_t len = at + 1; len <= at + n; len++)
				check_cut(data, data, text, len, len / 2);
		}
	}
}

/* What is in front of the first piece and behind the last stays, wherever they lie. */
Test(ws_text, each_alignment)
{
	uint8_t data[64 + 100 + 64], text[100];
	uint64_t seed = 2;

	for (size_t len = 0; len <= sizeof(text); len++) {
		text_fill(text, len, 1 + len % 2, &seed);
		for (size_t align = 0; align < 64; align++) {
			memset(data, 0xA5, sizeof(data));
			check_cut(data + align, data + align, text, len, len / 3);
			for (size_t i = 0; i < sizeof(data); i++)
				cr_assert(data[i] == 0xA5 || (i >= align && i < align + len),
				          "len %zu at %zu: byte %zu", len, align, i);
		}
	}
}

Test(ws_text, failure_is_final)
{
	const uint8_t wrong[] = {'a', 'b', 0xff};
	uint8_t masked[100], state = WS_UTF8_WHOLE;

	mask_bytes(masked, wrong, sizeof(wrong));
	cr_assert_eq(ws_text_unmask(masked, masked, sizeof(wrong), key, &state), 2);
	memset(masked, 0, sizeof(masked));
	cr_assert_eq(ws_text_unmask(masked, masked, sizeof(masked), 0, &state), 0);
	cr_assert_neq(state, WS_UTF8_WHOLE);
}
