/* What the operator is told, and the exit code that goes with it. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/macros.h"
#include "wsmctl/command.h"

/* What is wrong with the command line, like report_error(). Returns: WSMD_CTL_USAGE */
int report_usage(const struct invocation *in, const char *format, ...) PRINTF(2, 3);

/* A sentence on stderr, below what was printed on stdout. */
void report_note(const char *text);

/* The same with the "hint" of @result, if it has one. */
void report_hint(const json_t *result);

#define NOTE_TRUNCATED "there are more; wsmd does not list more of one user"

/**
 * Tell of an error of wsmd or of client.h: the message, the faults and the hint on stderr, and
 * with --json the object itself on stdout.
 *
 * Owns:    takes @error
 * Returns: the exit code
 */
int report_error(const struct invocation *in, json_t *error);

/* The same of a bad request whose message may not say which word was bad: @word, or NULL. */
int report_error_about(const struct invocation *in, const char *word, json_t *error);

/* --json: @value on a line of its own, indented when a person reads it. Returns: WSMD_CTL_OK */
int report_json(const json_t *value);

/* The flags of json_dumps() that report_json() uses. */
size_t report_json_flags(void);
