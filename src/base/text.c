/* Escaping at one place, and "did you mean". */
#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

const char *text_escape(char *dst, size_t cap, const char *src, size_t len)
{
	size_t out = 0;

	ASSERT(cap >= 8);
	for (size_t i = 0; i < len; i++) {
		const unsigned char ch = (unsigned char)src[i];
		const int plain = ch >= 0x20 && ch < 0x7f && ch != '"' && ch != '\\';

		if (out + (plain ? 1 : 4) + 4 > cap) {
			memcpy(dst + out, "...", 3);
			out += 3;
			break;
		}
		if (plain)
			dst[out++] = (char)ch;
		else
			out += (size_t)snprintf(dst + out, 5, "\\x%02x", ch);
	}
	dst[out] = '\0';
	return dst;
}

#define NEAREST_MAX 64

static size_t min3(size_t a, size_t b, size_t c)
{
	const size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

static size_t edit_distance(const char *a, const char *b)
{
	const size_t len_a = strlen(a), len_b = strlen(b);
	size_t row[NEAREST_MAX + 1];

	if (len_a > NEAREST_MAX || len_b > NEAREST_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= len_b; j++)
		row[j] = j;
	for (size_t i = 1; i <= len_a; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= len_b; j++) {
			const size_t above = row[j];

			row[j] = min3(row[j - 1] + 1, above + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[len_b];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t n)
{
	size_t best = strlen(word) / 3 + 2;
	const char *nearest = NULL;

	for (size_t i = 0; i < n; i++) {
		const size_t d = edit_distance(word, candidates[i]);

		if (d < best) {
			best = d;
			nearest = candidates[i];
		}
	}
	return nearest;
}

void text_hex(char *dst, const void *src, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = src;

	for (size_t i = 0; i < len; i++) {
		*dst++ = digits[p[i] >> 4];
		*dst++ = digits[p[i] & 15];
	}
	*dst = '\0';
}
