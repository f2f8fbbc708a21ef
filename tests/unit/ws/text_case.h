/* Texts for tests of masking and UTF-8: what can be wrong, and random ones that sometimes are. */
#pragma once

#include <string.h>

#include "base/macros.h"
#include "utf8_slow.h"

/* Good, wrong and cut ones; what stands behind them decides about the last. */
static const char *const text_sequences[] = {
	"\xc2\x80",
	"\xdf\xbf",
	"\xe0\xa0\x80",
	"\xed\x9f\xbf",
	"\xee\x80\x80",
	"\xef\xbf\xbf",
	"\xf0\x90\x80\x80",
	"\xf4\x8f\xbf\xbf",
	"\x80",
	"\xbf",
	"\xc0\x80",
	"\xc1\xbf",
	"\xc0",
	"\xc1",
	"\xc2",
	"\xdf",
	"\xe0\x80",
	"\xe0\x9f\xbf",
	"\xe0",
	"\xe0\xa0",
	"\xed\xa0\x80",
	"\xed\xbf",
	"\xed",
	"\xe1\x80",
	"\xef\xbf",
	"\xf0\x80",
	"\xf0\x8f\xbf\xbf",
	"\xf0\x90",
	"\xf0\x90\x80",
	"\xf4\x90",
	"\xf4\xbf\x80\x80",
	"\xf4\x8f\xbf",
	"\xf5",
	"\xf5\x80\x80\x80",
	"\xf8",
	"\xff",
	"\xc2\x80\x80",
	"\xe1\x80\x80\x80",
	"\xf1\x80\x80\x80",
	"\xf1\x80\x80\x80\x80",
	"\xc2\xc2",
	"\xe1\xe1",
	"\xf1\x80\xf1",
	"\xfe\x80",
	"\xf1\x80\x80\xc2",
};

/* xorshift: no seed is 0. */
static inline uint64_t text_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 16;
}

/* Fill @dst with whole characters, in runs that need @most bytes or fewer; ASCII at the end. */
static inline void text_fill(uint8_t *dst, size_t len, unsigned int most, uint64_t *seed)
{
	static const uint32_t limits[] = {0x80, 0x800, 0xD800, 0x110000};
	size_t at = 0, run = 0;
	uint32_t limit = 0;

	while (at + 4 <= len) {
		uint32_t point;

		if (run-- == 0) {
			run = text_random(seed) % 60;
			limit = limits[text_random(seed) % most];
		}
		point = (uint32_t)(text_random(seed) % limit);
		if (point >= 0xD800 && point <= 0xDFFF)
			point = 'x';
		at += utf8_slow_encode(point, dst + at);
	}
	memset(dst + at, 'x', len - at);
}
