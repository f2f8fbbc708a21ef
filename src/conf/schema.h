/*
 * The table of keys: one row each. Loading, printing, comparing, the reference page and the
 * tests walk it, so a new key is one row here and one field in struct conf.
 *
 * Thread: any; everything here is constant.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"

enum key_type {
	KEY_WHOLE,   /* uint32_t or uint64_t */
	KEY_SECONDS, /* uint32_t of milliseconds */
	KEY_FACTOR,  /* double */
	KEY_WORD,    /* enum; its values index the row's words */
	KEY_SWITCH,  /* bool */
	KEY_TEXT,    /* char[] */
	KEY_LISTEN,  /* the list of addresses, together with its length */
	KEY_ORIGINS, /* struct conf_origins */
};

#define CONF_ENVS     4
#define CONF_KEYS_MAX 96
#define KEY_TEXT_MAX  (HUB_NAME_MAX + 64) /* a dotted path of a known key and its NUL */
#define HUB_PATTERN   "hubs.{hub}"

struct conf_key {
	const char *name; /* dotted; "{hub}" stands for the name of a hub */
	enum key_type type;
	bool per_hub; /* the field is in struct conf_hub, not in struct conf */
	bool reload;  /* a reload applies it; otherwise a restart */
	size_t offset, width;
	double min, max; /* numbers only */
	const char *const *words;
	size_t n_words;
	const char *value[CONF_ENVS]; /* defaults as JSON; the first one alone: for all */
	const char *dev;              /* default with --dev; NULL: the same */
	const char *help;
};

extern const struct conf_key conf_keys[];
extern const size_t conf_n_keys;

#define conf_keys_for_each(k)                                                                      \
	for (const struct conf_key *k = conf_keys; k < conf_keys + conf_n_keys; k++)

/* The row of that name, or NULL. A key of a hub is found under its pattern. */
const struct conf_key *schema_find(const char *name);

/* Is it the first part of a dotted key? */
bool schema_is_section(const char *name);

/* Length of the first part of a dotted key; 0: the key is in no section. */
size_t schema_section_len(const struct conf_key *k);
bool schema_same_section(const struct conf_key *a, const struct conf_key *b);

/* The known key or section that was probably meant; false: none is near. */
bool schema_nearest(const char *name, char ret[KEY_TEXT_MAX]);

/* JSON text of the default. */
const char *schema_default(const struct conf_key *k, enum conf_env env, bool dev);

/* Does it depend on the environment or on --dev? */
static inline bool schema_default_varies(const struct conf_key *k)
{
	return k->value[1] != NULL || k->dev != NULL;
}

/* What follows the last dot. */
const char *schema_leaf(const struct conf_key *k);
