/* One JSON value as an operator reads it: the name of a member says its unit. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Names ending in _us, _ms and _s are durations, names with the word "bytes" are sizes; the
 * rest is shown as it is.
 *
 * @value  NULL (the member is missing) and null are "-"
 *
 * Owns: the caller frees the result, which is printable
 */
char *value_text(const char *name, const json_t *value);

/**
 * @name as a title for such a value: without the unit that the value's text says itself.
 * "uptime_s" is "uptime", "memory_bytes" is "memory".
 *
 * Owns: the caller frees the result, which is printable
 */
char *value_title(const char *name, const json_t *value);

/* Whether a member of that name is a duration. */
bool value_is_duration(const char *name);

/* The growth of such a value in a second, of a size as a size. Owns: like value_text() */
char *value_rate(const char *name, double per_s);

#define VALUE_TEXT_MAX 48

/* "532 B", "12.3 KiB". Returns: @dst, of VALUE_TEXT_MAX bytes. */
const char *value_bytes(char *dst, double bytes);

/* "213 us", "1.5 ms", "4.2 s", "4m10s", "3h05m", "12d03h". Returns: like value_bytes() */
const char *value_duration(char *dst, double us);
