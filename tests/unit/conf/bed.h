/* A directory of its own with one configuration file in it, loaded, and what came of it. */
#pragma once

#include "conf/schema.h"

#define BED_FILE "wsmd.json"

struct bed {
	char dir[32];
	int err;
	struct conf *conf; /* NULL after a fault */
	struct conf_faults faults;
};

/* Enters the directory. Each Criterion test is a process, so nothing leaves it again. */
void bed_init(struct bed *b);
void bed_fini(struct bed *b);

void bed_write(const char *text, size_t len);

/* Load @text (NULL: no file) with production defaults unless @args says otherwise; @args may be
 * NULL and its file is ignored. The last result is freed. */
void bed_load(struct bed *b, const char *text, const struct conf_args *args);

/* The same, without a file and with one "--set" for each text "KEY=VALUE" up to NULL. */
void bed_set(struct bed *b, const char *const *settings);

/* Exactly these faults, in this order, up to NULL? Says which line differs. */
void bed_expect_faults(const struct bed *b, const char *const *lines, const char *what);

/* JSON that is allowed for @k, also alone, and differs from each default. */
const char *bed_other_value(const struct conf_key *k, char buf[256]);

/* {"section": {"leaf": VALUE}} or the like, with the key on line 3. */
void bed_nest(const struct conf_key *k, const char *value, char *buf, size_t cap);

/* The name with "chat" for "{hub}". */
const char *bed_key_name(const struct conf_key *k, char buf[KEY_TEXT_MAX]);
