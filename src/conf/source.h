/* The configuration file: its text and its tree, or a sentence that says what is wrong. */
#pragma once

#include <jansson.h>

#include "conf/conf.h"

#define SOURCE_MAX_BYTES (16u << 20)

/* Whole numbers are read as reals: each bound of the schema is far below 2^53, and a number
 * that is too long for 64 bits is then out of range instead of a syntax error. */
#define SOURCE_JSON_FLAGS (JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL)

struct source {
	char *text; /* ends with NUL */
	json_t *root;
};

/* 0; WSMD_ECONFIG with one fault added; WSMD_ENOMEM. @s is untouched on failure. Inside a guard:
 * jansson does not tell a lack of memory from a syntax error. */
MUST_CHECK int source_load(struct source *s, const char *path, struct conf_faults *faults);
void source_fini(struct source *s); /* all zero is allowed */
