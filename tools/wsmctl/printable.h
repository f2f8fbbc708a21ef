/*
 * Text from the daemon made safe for the operator's terminal. A user may call himself anything,
 * and the terminal obeys whoever writes to it.
 *
 * base/text.h does the same for log lines, in ASCII only; here the names of people stay legible
 * where the locale is UTF-8.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/**
 * Everything that would not take up room on the terminal (control, format and combining
 * characters, bytes the locale cannot decode) becomes \xNN, \uNNNN or \UNNNNNNNN. Doing it
 * twice changes nothing.
 *
 * Owns: the caller frees the result
 */
char *printable(const char *text, size_t len);

/* The same for a JSON string; any other value becomes its compact JSON text, NULL "-". */
char *printable_json(const json_t *value);

/* Terminal columns that printable @text takes. */
size_t printable_width(const char *text);

/* Bytes of printable @text that fit into @columns; *ret_width is what they take. */
size_t printable_fit(const char *text, size_t columns, size_t *ret_width);

/* What stands for text that was cut: one or three columns, as the locale allows. */
const char *printable_ellipsis(void);
