/*
 * Blocks of two vectors, for any vectors that can look up 16 bytes at once. The file that
 * includes this defines VECTOR_BYTES, VECTOR_CODE (what functions need to be compiled for that
 * processor), VECTOR_NAME and VECTOR_FORM, and over
 *
 *     typedef uint8_t vec __attribute__((vector_size(VECTOR_BYTES)))
 *
 * look_up(table, v)   table[v] for each byte v < 16
 * less(v, w)          v - w, but 0 where w is greater
 * before_N(v, prev)   each byte's neighbour N places in front; the first ones have theirs in @prev
 * has_high(v)         is there a byte of 0x80 or more?
 * has_any(v)          is there a byte that is not 0?
 *
 * How text is checked: the idea of Keiser and Lemire, "Validating UTF-8 in less than one
 * instruction per byte" (2021). What two neighbouring bytes can do wrong depends on the first
 * one's two halves and on the upper half of the second. Each kind of fault is one bit; a table
 * says for each half which faults it allows; what all three allow has happened. What is left
 * are third and fourth bytes, which must be there exactly where the byte two places in front is
 * at least 0xE0, or the one three places in front at least 0xF0.
 */
#include <string.h>

#include "ws/blocks.h"

#define VECTOR_INLINE static inline __attribute__((always_inline)) VECTOR_CODE

#define BLOCK (2 * (size_t)VECTOR_BYTES)
static_assert(WS_BLOCK % BLOCK == 0, "all whole blocks of WS_BLOCK are done");

/* What can be wrong about two bytes. */
#define CUT       0x01 /* a character has begun and does not go on: 11...... 0....... or 11...... */
#define STRAY     0x02 /* one goes on that has not begun: 0....... 10...... */
#define OVERLONG3 0x04 /* E0 and 80 to 9F */
#define SURROGATE 0x08 /* ED and A0 to BF */
#define OVERLONG2 0x10 /* C0 or C1 */
#define ABOVE     0x20 /* F4 to FF and 90 to BF */
#define EDGE      0x40 /* F0 (overlong) or F5 to FF, and 80 to 8F */
#define GOES_ON   0x80 /* 10...... 10......: wrong, unless it is a third or fourth byte */

/* clang-format off */

/* By the upper half of the first byte. */
static const uint8_t first_upper[16] = {
	STRAY, STRAY, STRAY, STRAY, STRAY, STRAY, STRAY, STRAY,
	GOES_ON, GOES_ON, GOES_ON, GOES_ON,
	CUT | OVERLONG2,
	CUT,
	CUT | OVERLONG3 | SURROGATE,
	CUT | ABOVE | EDGE,
};

/* By the lower half of the first byte. */
#define ANY    (CUT | STRAY | GOES_ON)
#define BEYOND (ANY | ABOVE | EDGE) /* F5 and above */
static const uint8_t first_lower[16] = {
	ANY | OVERLONG2 | OVERLONG3 | EDGE, /* C0, E0, F0 */
	ANY | OVERLONG2,                    /* C1 */
	ANY, ANY,
	ANY | ABOVE,                        /* F4 */
	BEYOND, BEYOND, BEYOND, BEYOND, BEYOND, BEYOND, BEYOND, BEYOND,
	BEYOND | SURROGATE,                 /* ED, FD */
	BEYOND, BEYOND,
};

/* By the upper half of the second byte. */
#define CONTINUES (STRAY | GOES_ON | OVERLONG2)
static const uint8_t second_upper[16] = {
	CUT, CUT, CUT, CUT, CUT, CUT, CUT, CUT,
	CONTINUES | OVERLONG3 | EDGE,  /* 80 to 8F */
	CONTINUES | OVERLONG3 | ABOVE, /* 90 to 9F */
	CONTINUES | SURROGATE | ABOVE, /* A0 to AF */
	CONTINUES | SURROGATE | ABOVE, /* B0 to BF */
	CUT, CUT, CUT, CUT,
};
/* clang-format on */

VECTOR_INLINE vec load(const uint8_t *p)
{
	vec v;

	memcpy(&v, p, sizeof(v));
	return v;
}

VECTOR_INLINE void store(uint8_t *p, vec v)
{
	memcpy(p, &v, sizeof(v));
}

VECTOR_INLINE vec all(uint8_t byte)
{
	return byte - (vec){0};
}

VECTOR_INLINE vec repeat(uint32_t key)
{
	typedef uint32_t words __attribute__((vector_size(VECTOR_BYTES)));

	return (vec)(key - (words){0});
}

/* Not 0 where @v, behind @prev, is no UTF-8. */
VECTOR_INLINE vec faults(vec v, vec prev)
{
	const vec first = before_1(v, prev);
	const vec pairs = look_up(first_upper, first >> 4) & look_up(first_lower, first & 0x0F) &
	                  look_up(second_upper, v >> 4);
	const vec third = less(before_2(v, prev), all(0xE0 - GOES_ON));
	const vec fourth = less(before_3(v, prev), all(0xF0 - GOES_ON));

	return pairs ^ ((third | fourth) & GOES_ON);
}

/* Not 0 if a character of @v goes on behind it. */
VECTOR_INLINE vec unfinished(vec v)
{
	vec most = all(0xFF);

	most[VECTOR_BYTES - 3] = 0xEF;
	most[VECTOR_BYTES - 2] = 0xDF;
	most[VECTOR_BYTES - 1] = 0xBF;
	return less(v, most);
}

/* Without a key it is a check, and @dst is not written. */
VECTOR_INLINE size_t text_blocks(uint8_t *dst, const uint8_t *src, size_t len, const uint32_t *key)
{
	const vec k = repeat(key != NULL ? *key : 0);
	vec prev = {0};
	size_t i = 0;

	for (; len - i >= BLOCK; i += BLOCK) {
		const vec a = load(src + i) ^ k;
		const vec b = load(src + i + VECTOR_BYTES) ^ k;

		if (LIKELY(!has_high(a | b))) {
			if (has_any(unfinished(prev)))
				break;
		} else if (has_any(faults(a, prev) | faults(b, a))) {
			break;
		}
		prev = b;
		if (key != NULL) {
			store(dst + i, a);
			store(dst + i + VECTOR_BYTES, b);
		}
	}
	return i;
}

VECTOR_CODE static size_t mask(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key)
{
	const vec k = repeat(key);
	size_t i = 0;

	for (; len - i >= BLOCK; i += BLOCK) {
		const vec a = load(src + i) ^ k;
		const vec b = load(src + i + VECTOR_BYTES) ^ k;

		store(dst + i, a);
		store(dst + i + VECTOR_BYTES, b);
	}
	return i;
}

VECTOR_CODE static size_t unmask_text(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key)
{
	return text_blocks(dst, src, len, &key);
}

VECTOR_CODE static size_t check_text(const uint8_t *text, size_t len)
{
	return text_blocks(NULL, text, len, NULL);
}

const struct ws_blocks VECTOR_FORM = {
	.name = VECTOR_NAME,
	.mask = mask,
	.unmask_text = unmask_text,
	.check_text = check_text,
};
