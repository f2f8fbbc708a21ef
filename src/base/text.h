/* Text from outside, made safe to print; and the nearest known name to a mistyped one. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

/**
 * Copy @len bytes of @src to @dst with control bytes, quotes, backslashes and everything that
 * is not printable ASCII written as \xNN. Always ends with NUL; what does not fit in @cap (at
 * least 8) is cut and shown as "...". Valid UTF-8 is not decoded: a log line must mean the same
 * on any terminal.
 *
 * Returns: @dst
 */
const char *text_escape(char *dst, size_t cap, const char *src, size_t len);

/* The same inside a JSON string, which knows \u00NN and not \xNN. */
const char *text_escape_json(char *dst, size_t cap, const char *src, size_t len);

/**
 * The candidate with the smallest edit distance to @word, or NULL when none is near enough to
 * be worth suggesting (more than a third of the word, rounded up, would have to change).
 */
const char *text_nearest(const char *word, const char *const *candidates, size_t n);

/* "2026-01-31T23:59:59.123Z" for milliseconds since 1970; returns @dst. */
#define TEXT_ISO8601 40
const char *text_iso8601(char dst[TEXT_ISO8601], uint64_t wall_ms);

/* Lower-case hex of @len bytes; @dst has 2 * len + 1 bytes. */
void text_hex(char *dst, const void *src, size_t len);
