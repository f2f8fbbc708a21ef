/* Text from outside, made safe to print; and the nearest known name to a mistyped one. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

/**
 * Copy @len bytes of @src to @dst so that they may stand between quotes in a line: valid UTF-8
 * as it is, so that a log can be searched for a name; quotes and backslashes as \" and \\; each
 * byte as \xNN of what is no valid UTF-8, and of characters that move a cursor, end a line or
 * turn the direction of writing (controls, U+2028, U+2029, those of Unicode's Bidi_Control).
 * Always ends with NUL; what does not fit in @cap (at least 8) is cut between characters and
 * shown as "...".
 *
 * Returns: @dst
 */
const char *text_escape(char *dst, size_t cap, const char *src, size_t len);

/* The same inside a JSON string: \uNNNN of the code point instead of \xNN of its bytes, and
 * \ufffd for each byte that is no valid UTF-8, because JSON has no way to write such a byte. */
const char *text_escape_json(char *dst, size_t cap, const char *src, size_t len);

/**
 * The candidate with the smallest edit distance to @word, or NULL when none is near enough to
 * be worth suggesting (more than a third of the word, rounded up, would have to change).
 */
const char *text_nearest(const char *word, const char *const *candidates, size_t n);

/* "2026-01-31T23:59:59.123Z" for milliseconds since 1970; returns @dst. */
#define TEXT_ISO8601 40
const char *text_iso8601(char dst[TEXT_ISO8601], uint64_t wall_ms);
