/* Escaping at one place, and "did you mean". */
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The first code point of @src by Unicode table 3-7: no long forms, no surrogates. Returns how
 * many bytes it has; 0: @src (not empty) does not begin with one. */
static size_t decode(const char *src, size_t len, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)src;
	const size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc0 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	uint32_t cp = n < 2 ? p[0] : p[0] & (0x7fU >> n);

	if (n == 0 || n > len || p[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (p[i] & 0x3f);
	}
	if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*ret = cp;
	return n;
}

/* Not what moves a cursor, ends a line somewhere, or turns the direction of what follows. */
static bool is_printable(uint32_t cp)
{
	return cp >= 0x20 && (cp < 0x7f || cp > 0x9f) && cp != 0x061c && cp != 0x200e &&
	       cp != 0x200f && (cp < 0x2028 || cp > 0x202e) && (cp < 0x2066 || cp > 0x2069);
}

#define PIECE_MAX sizeof("\\xe2\\x80\\xa8")

/* What stands for the first character of @src, as text; returns how many bytes of @src. */
static size_t escape_one(char piece[PIECE_MAX], const char *src, size_t len, bool json)
{
	uint32_t cp = 0xfffd;
	const size_t valid = decode(src, len, &cp), taken = valid > 0 ? valid : 1;

	if (cp == '"' || cp == '\\') {
		snprintf(piece, PIECE_MAX, "\\%c", (char)cp);
	} else if (valid > 0 && is_printable(cp)) {
		memcpy(piece, src, taken);
		piece[taken] = '\0';
	} else if (json) {
		snprintf(piece, PIECE_MAX, "\\u%04x", (unsigned)cp); /* all of them below 10000 */
	} else {
		for (size_t i = 0; i < taken; i++)
			snprintf(piece + 4 * i, PIECE_MAX - 4 * i, "\\x%02x",
			         (unsigned)(unsigned char)src[i]);
	}
	return taken;
}

static const char *escape(char *dst, size_t cap, const char *src, size_t len, bool json)
{
	size_t out = 0, cut_at = 0; /* the last place that has room for "..." */

	ASSERT(cap >= 8);
	for (size_t i = 0; i < len;) {
		char piece[PIECE_MAX];

		i += escape_one(piece, src + i, len - i, json);
		if (out + sizeof("...") <= cap)
			cut_at = out;
		const size_t need = strlen(piece);

		if (out + need >= cap) {
			memcpy(dst + cut_at, "...", 3);
			out = cut_at + 3;
			break;
		}
		memcpy(dst + out, piece, need);
		out += need;
	}
	dst[out] = '\0';
	return dst;
}

const char *text_escape(char *dst, size_t cap, const char *src, size_t len)
{
	return escape(dst, cap, src, len, false);
}

const char *text_escape_json(char *dst, size_t cap, const char *src, size_t len)
{
	return escape(dst, cap, src, len, true);
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

const char *text_iso8601(char dst[TEXT_ISO8601], uint64_t wall_ms)
{
	const time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	const size_t n = strftime(dst, TEXT_ISO8601, "%Y-%m-%dT%H:%M:%S", &tm);

	snprintf(dst + n, TEXT_ISO8601 - n, ".%03uZ", (unsigned)(wall_ms % 1000));
	return dst;
}
