/*
 * One value of one row: from JSON into its field, and back to text.
 *
 * @base is the struct the row's field is in: a struct conf_hub for keys of a hub, else the
 * struct conf. Thread: any that owns @base. Nothing here allocates.
 */
#pragma once

#include <jansson.h>

#include "conf/schema.h"

#define VALUE_TEXT_MAX   8192 /* all origins, or a text of which each byte is escaped */
#define VALUE_EXPECT_MAX 160
#define VALUE_FOUND_MAX  96

/* False: not what the row allows; the field is untouched then. */
MUST_CHECK bool value_store(const struct conf_key *k, void *base, const json_t *v);

/* The field as JSON. Two fields are equal exactly if their texts are. Returns @buf. */
const char *value_format(const struct conf_key *k, const void *base, char buf[VALUE_TEXT_MAX]);

void value_copy(const struct conf_key *k, void *to, const void *from);

/* "a whole number from 0 to 256", for messages and the reference. Returns @buf. */
const char *value_expect(const struct conf_key *k, char buf[VALUE_EXPECT_MAX]);

/* What stands in the file, safe to print and cut if long. Returns @buf. */
const char *value_found(const json_t *v, char buf[VALUE_FOUND_MAX]);

/* @text as a JSON string; @cap >= 6 * strlen(@text) + 3. Returns its length. */
size_t value_quote(char *dst, size_t cap, const char *text);
