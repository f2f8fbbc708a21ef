/* Escaping at one place, and "did you mean". */
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char hex_digits[] = "0123456789abcdef";

/* Quotes and backslashes too, so that the result may stand between quotes. */
static bool is_plain(unsigned char ch)
{
	return ch >= 0x20 && ch < 0x7f && ch != '"' && ch != '\\';
}

static const char *escape(char *dst, size_t cap, const char *src, size_t len, const char *prefix)
{
	const size_t prefix_len = strlen(prefix);
	size_t out = 0, cut_at = 0; /* the last place that has room for "..." */

	ASSERT(cap >= 8);
	for (size_t i = 0; i < len; i++) {
		const unsigned char ch = (unsigned char)src[i];
		const size_t need = is_plain(ch) ? 1 : prefix_len + 2;

		if (out + sizeof("...") <= cap)
			cut_at = out;
		if (out + need >= cap) {
			memcpy(dst + cut_at, "...", 3);
			out = cut_at + 3;
			break;
		}
		if (need == 1) {
			dst[out++] = (char)ch;
			continue;
		}
		memcpy(dst + out, prefix, prefix_len);
		text_hex(dst + out + prefix_len, &ch, 1);
		out += need;
	}
	dst[out] = '\0';
	return dst;
}

const char *text_escape(char *dst, size_t cap, const char *src, size_t len)
{
	return escape(dst, cap, src, len, "\\x");
}

const char *text_escape_json(char *dst, size_t cap, const char *src, size_t len)
{
	return escape(dst, cap, src, len, "\\u00");
}

#define NEAREST_MAX 64

static size_t min3(size_t a, size_t b, size_t c)
{
	const size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Insertions, deletions, replacements, and neighbours swapped: what fingers do. */
static size_t edit_distance(const char *a, const char *b)
{
	const size_t len_a = strlen(a), len_b = strlen(b);
	size_t rows[3][NEAREST_MAX + 1]; /* this row of the matrix and the two above, in turn */

	if (len_a > NEAREST_MAX || len_b > NEAREST_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= len_b; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= len_a; i++) {
		const size_t *above2 = rows[(i + 1) % 3], *above = rows[(i - 1) % 3];
		size_t *row = rows[i % 3];

		row[0] = i;
		for (size_t j = 1; j <= len_b; j++) {
			const bool same = a[i - 1] == b[j - 1];

			row[j] = min3(row[j - 1] + 1, above[j] + 1, above[j - 1] + !same);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    above2[j - 2] + 1 < row[j])
				row[j] = above2[j - 2] + 1;
		}
	}
	return rows[len_a % 3][len_b];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t n)
{
	size_t best = (strlen(word) + 2) / 3 + 1;
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
	const uint8_t *p = src;

	for (size_t i = 0; i < len; i++) {
		*dst++ = hex_digits[p[i] >> 4];
		*dst++ = hex_digits[p[i] & 15];
	}
	*dst = '\0';
}

const char *text_iso8601(char dst[TEXT_ISO8601], uint64_t wall_ms)
{
	const time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	const size_t n = strftime(dst, TEXT_ISO8601, "%Y-%m-%dT%H:%M:%S", &tm);

	snprintf(dst + n, TEXT_ISO8601 - n, ".%03uZ", (unsigned)(wall_ms % 1000));
	return dst;
}
