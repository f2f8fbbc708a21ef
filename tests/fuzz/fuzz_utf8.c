/*
 * The UTF-8 validator, and the one that unmasks as well, against a slow one that decodes whole
 * characters: same verdict, same position, wherever the text is cut. Input: a byte for the cut,
 * then the text.
 */
#include <stdbool.h>
#include <string.h>

#include "base/macros.h"
#include "ws/mask.h"
#include "ws/text.h"
#include "ws/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* May @second follow @first in a character of @n bytes? Decided by the values they can reach. */
static bool second_fits(uint8_t first, uint8_t second, size_t n)
{
	const uint32_t bits = 6 * ((uint32_t)n - 2);
	const uint32_t lowest = ((first & (0x7Fu >> n)) << 6 | (second & 0x3Fu)) << bits;
	const uint32_t highest = lowest | ((1u << bits) - 1);
	const uint32_t least = n == 2 ? 0x80 : n == 3 ? 0x800 : 0x10000;

	return second >> 6 == 2 && highest >= least && lowest <= 0x10FFFF &&
	       !(lowest >= 0xD800 && highest <= 0xDFFF);
}

static bool first_fits(uint8_t first, size_t n)
{
	if (n == 2)
		return first >= 0xC2; /* below: overlong whatever follows */
	return n == 3 || (n == 4 && first <= 0xF4);
}

/* The offset of the first impossible byte; *@ret_whole: the text may end there. */
static size_t slow_check(const uint8_t *data, size_t len, bool *ret_whole)
{
	size_t i = 0;

	*ret_whole = false;
	while (i < len) {
		const uint8_t first = data[i];
		const size_t n = first < 0x80       ? 1
		                 : first >> 5 == 6  ? 2
		                 : first >> 4 == 14 ? 3
		                 : first >> 3 == 30 ? 4
		                                    : 0;

		if (n != 1 && !first_fits(first, n))
			return i;
		for (size_t k = 1; k < n; k++) {
			if (i + k == len)
				return len;
			if (k == 1 ? !second_fits(first, data[i + 1], n) : data[i + k] >> 6 != 2)
				return i + k;
		}
		i += n;
	}
	*ret_whole = true;
	return len;
}

/* In memory that ends with the text, so that a sanitizer sees what goes too far. */
static void check_masked(const uint8_t *data, size_t len, size_t cut, size_t want, bool whole)
{
	uint8_t *const copy = malloc(len + 1), *const text = copy + 1;
	const uint32_t key = 0x9C21FA37;
	uint8_t state = WS_UTF8_WHOLE;
	size_t got;

	ASSERT(copy != NULL);
	ws_mask_copy(text, data, len, key);
	got = ws_text_unmask(text, text, cut, key, &state);
	if (got == cut)
		got += ws_text_unmask(text + cut, text + cut, len - cut, ws_mask_turn(key, cut),
		                      &state);
	ASSERT(got == want);
	ASSERT((state == WS_UTF8_WHOLE) == whole);
	ASSERT(memcmp(text, data, got) == 0);
	free(copy);
}

static void check(const uint8_t *data, size_t len, size_t cut)
{
	uint8_t state = WS_UTF8_WHOLE;
	bool whole;
	const size_t want = slow_check(data, len, &whole);
	size_t got = ws_utf8_check(&state, data, cut);

	if (got == cut)
		got += ws_utf8_check(&state, data + cut, len - cut);
	ASSERT(got == want);
	ASSERT((state == WS_UTF8_WHOLE) == whole);
	check_masked(data, len, cut, want, whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 1)
		return 0;
	check(data + 1, len - 1, 0);
	check(data + 1, len - 1, data[0] % len);
	return 0;
}
