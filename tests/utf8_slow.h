/*
 * A validator that works by code points, for tests to compare with: a prefix is viable while some
 * scalar value that is not overlong, not a surrogate and not above U+10FFFF begins with it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct utf8_slow {
	uint32_t point; /* the bits seen so far */
	int n, missing; /* length of the sequence; bytes still to come */
};

static inline bool utf8_slow_step(struct utf8_slow *s, uint8_t b)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t lowest, highest;

	if (s->missing > 0) {
		if (b >> 6 != 2)
			return false;
		s->point = s->point << 6 | (b & 0x3F);
		s->missing--;
	} else {
		s->n = b < 0x80 ? 1 : b >> 5 == 6 ? 2 : b >> 4 == 14 ? 3 : b >> 3 == 30 ? 4 : 0;
		if (s->n == 0)
			return false;
		s->point = s->n == 1 ? b : b & (0x7Fu >> s->n);
		s->missing = s->n - 1;
	}
	lowest = s->point << (6 * s->missing);
	highest = lowest | ((1u << (6 * s->missing)) - 1);
	return highest >= least[s->n] && lowest <= 0x10FFFF &&
	       !(lowest >= 0xD800 && highest <= 0xDFFF);
}

/* The offset of the first impossible byte, and whether what is before it ends whole. */
static inline size_t utf8_slow_check(const uint8_t *data, size_t len, bool *ret_whole)
{
	struct utf8_slow s = {0};

	for (size_t i = 0; i < len; i++) {
		if (!utf8_slow_step(&s, data[i])) {
			*ret_whole = false;
			return i;
		}
	}
	*ret_whole = s.missing == 0;
	return len;
}

/* The bytes of @point, which need not be legal. Returns: how many */
static inline size_t utf8_slow_encode(uint32_t point, uint8_t dst[4])
{
	const size_t n = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
	static const uint8_t first[] = {0, 0, 0xC0, 0xE0, 0xF0};

	for (size_t i = n; i-- > 1; point >>= 6)
		dst[i] = (uint8_t)(0x80 | (point & 0x3F));
	dst[0] = (uint8_t)(first[n] | point);
	return n;
}
