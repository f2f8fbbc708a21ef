/*
 * Each form of the inner loops that this processor can run, against one byte at a time.
 * WSMD_ROUNDS: how many random inputs; 100 million take three minutes.
 */
#include "ws/blocks.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "guard.h"
#include "text_case.h"
#include "ws/mask.h"
#include "ws/utf8.h"

#define MAX_LEN   300
#define MAX_ALIGN 64
#define BEHIND    64 /* bytes behind the input that must stay */

static const uint32_t key = 0x9C21FA37;

/* Those that are here are put in front. Returns: how many */
static size_t forms(const struct ws_blocks *ret[3])
{
	size_t n = 0;

	ret[n++] = &ws_blocks_plain;
#if defined(WS_BLOCKS_X86)
	if (__builtin_cpu_supports("ssse3"))
		ret[n++] = &ws_blocks_ssse3;
	if (__builtin_cpu_supports("avx2"))
		ret[n++] = &ws_blocks_avx2;
#elif defined(WS_BLOCKS_NEON)
	ret[n++] = &ws_blocks_neon;
#endif
	return n;
}

static void mask_bytes(uint8_t *dst, const uint8_t *src, size_t len, uint32_t k)
{
	uint8_t bytes[4];

	memcpy(bytes, &k, sizeof(bytes));
	for (size_t i = 0; i < len; i++)
		dst[i] = src[i] ^ bytes[i % 4];
}

struct place {
	uint8_t *src, *dst; /* the same, or apart */
};

/* What @form did to the first @done bytes is right, and nothing else was touched. */
static void check_written(const struct ws_blocks *form, const struct place *p, const uint8_t *want,
                          const uint8_t *before, size_t done, size_t len)
{
	cr_assert_leq(done, len);
	cr_assert_eq(memcmp(p->dst, want, done), 0, "%s: wrong bytes of %zu", form->name, len);
	cr_assert_eq(memcmp(p->dst + done, before + done, len - done), 0,
	             "%s: wrote behind what it did", form->name);
}

/* @text is what the masked bytes stand for; @good and what is before it can begin a text. */
static void check_form(const struct ws_blocks *form, const struct place *p, const uint8_t *text,
                       size_t len, size_t good, uint32_t k)
{
	uint8_t before[MAX_LEN], state = WS_UTF8_WHOLE;
	size_t done, at;

	memset(p->dst, 0xA5, len);
	mask_bytes(p->src, text, len, k);
	memcpy(before, p->dst, len);
	done = form->mask(p->dst, p->src, len, k);
	cr_assert_geq(done, len - len % WS_BLOCK);
	check_written(form, p, text, before, done, len);

	memset(p->dst, 0xA5, len);
	mask_bytes(p->src, text, len, k);
	done = form->unmask_text(p->dst, p->src, len, k);
	cr_assert_geq(done, good - good % WS_BLOCK, "%s: good text was not passed", form->name);
	cr_assert_leq(done, good + 1, "%s: passed %zu bytes, %zu are good", form->name, done, good);
	check_written(form, p, text, before, done, len);

	at = ws_utf8_resume(text, 0, done);
	at += ws_utf8_walk(&state, text + at, len - at);
	cr_assert_eq(at, good, "%s: walking on from %zu: %zu instead of %zu", form->name, done, at,
	             good);
	memcpy(p->src, text, len);
	cr_assert_eq(form->check_text(p->src, len), done, "%s: checking is not unmasking",
	             form->name);
}

static void check(const struct place *p, const uint8_t *text, size_t len, uint32_t k)
{
	const struct ws_blocks *all[3];
	const size_t n = forms(all);
	bool whole;
	const size_t good = utf8_slow_check(text, len, &whole);

	for (size_t i = 0; i < n; i++)
		check_form(all[i], p, text, len, good, k);
}

Test(ws_blocks, each_length_and_alignment)
{
	uint8_t text[MAX_LEN], a[MAX_ALIGN + MAX_LEN + BEHIND], b[sizeof(a)], rest[BEHIND];
	uint64_t seed = 1;

	memset(rest, 0x5A, sizeof(rest));
	for (size_t len = 0; len <= MAX_LEN; len++) {
		text_fill(text, len, 4, &seed);
		for (size_t align = 0; align < MAX_ALIGN; align++) {
			const size_t other = MAX_ALIGN - 1 - align;

			memcpy(a + align + len, rest, BEHIND);
			memcpy(b + other + len, rest, BEHIND);
			check(&(struct place){.src = a + align, .dst = a + align}, text, len, key);
			check(&(struct place){.src = a + align, .dst = b + other}, text, len, key);
			cr_assert_arr_eq(a + align + len, rest, BEHIND);
			cr_assert_arr_eq(b + other + len, rest, BEHIND);
		}
	}
}

Test(ws_blocks, end_at_an_unreadable_page)
{
	uint8_t text[MAX_LEN];
	uint64_t seed = 2;
	struct guard g, h;

	guard_init(&g, MAX_LEN);
	guard_init(&h, MAX_LEN);
	for (size_t len = 0; len <= MAX_LEN; len++) {
		const struct place p = {.src = guard_tail(&g, len), .dst = guard_tail(&h, len)};

		text_fill(text, len, 4, &seed);
		check(&p, text, len, key);
	}
	guard_fini(&g);
	guard_fini(&h);
}

/* Behind ASCII, behind characters of two, three and four bytes, at each place of two blocks. */
Test(ws_blocks, each_sequence_at_each_place)
{
	static const char *const fillers[] = {"x", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
	uint8_t text[3 * WS_BLOCK], data[sizeof(text)], copy[sizeof(text)];
	const struct place in_place = {.src = data, .dst = data},
			   apart = {.src = data, .dst = copy};

	for (size_t f = 0; f < ARRAY_LEN(fillers); f++) {
		const size_t width = strlen(fillers[f]);

		for (size_t s = 0; s < ARRAY_LEN(text_sequences); s++) {
			const size_t n = strlen(text_sequences[s]);

			for (size_t at = 0; at + n <= sizeof(text); at++) {
				memset(text, 'x', sizeof(text));
				for (size_t i = at % width; i + width <= sizeof(text); i += width)
					memcpy(text + i, fillers[f], width);
				memcpy(text + at, text_sequences[s], n);
				check(&in_place, text, sizeof(text), key);
				check(&apart, text, at + n, key);
			}
		}
	}
}

static uint64_t rounds(void)
{
	const char *const text = getenv("WSMD_ROUNDS");

	return text ? strtoull(text, NULL, 10) : 100000;
}

Test(ws_blocks, random_inputs)
{
	static uint8_t pool[1 << 16];
	uint8_t text[MAX_LEN], a[MAX_ALIGN + MAX_LEN], b[sizeof(a)];
	uint64_t seed = 3;

	for (uint64_t round = rounds(); round > 0; round--) {
		const size_t len = text_random(&seed) % (MAX_LEN + 1);
		const struct place p = {
			.src = a + text_random(&seed) % MAX_ALIGN,
			.dst = b + text_random(&seed) % MAX_ALIGN,
		};

		if (round % 65536 == 0 || pool[0] == 0)
			text_fill(pool, sizeof(pool), 1 + text_random(&seed) % 4, &seed);
		memcpy(text, pool + text_random(&seed) % (sizeof(pool) - len), len);
		for (uint64_t i = text_random(&seed) % 4; i > 1 && len > 0; i--)
			text[text_random(&seed) % len] = (uint8_t)text_random(&seed);
		check(&p, text, len, (uint32_t)text_random(&seed));
	}
}
