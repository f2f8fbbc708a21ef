/*
 * A snapshot while it is built. load.c lays the layers over each other; walk.c applies the
 * file, settings.c the command line. A fault never stops the work, so that one run shows all.
 *
 * Thread: main.
 */
#pragma once

#include <jansson.h>

#include "conf/cursor.h"
#include "conf/schema.h"

#define ADDRESS_EXPECTED "an address such as \"127.0.0.1:8080\""

/* Where a value came from. Neither setting nor line: it is the default. */
struct place {
	const struct conf_setting *setting;
	unsigned line;
};

struct loader {
	const char *file;
	struct conf *conf; /* with room for CONF_MAX_HUBS */
	struct conf_faults *faults;
	struct place set_at[CONF_KEYS_MAX];
	struct place listen_at[CONF_MAX_LISTEN];
	bool bad[CONF_KEYS_MAX]; /* has a fault of its own: rules between keys are not asked */
	bool out_of_memory;
};

/* Adds "FILE:LINE: PATH: ..." or "--set KEY=VALUE: ...". @path "": the line names the key. */
void loader_fault(struct loader *l, const struct place *at, const char *path, const char *fmt, ...)
	PRINTF(4, 5);
void loader_fault_value(struct loader *l, const struct place *at, const char *path,
                        const char *expected, const json_t *v);

/* @pattern is @path with "{hub}" in place of the name of a hub. */
void loader_fault_unknown(struct loader *l, const struct place *at, const char *path,
                          const char *pattern);
bool loader_check_hub_name(struct loader *l, const struct place *at, const char *path,
                           const char *name, size_t len);

/* @hub: for a key of a hub only. @cursor: at @v, for the lines of its elements. */
void loader_store(struct loader *l, const struct conf_key *k, const char *hub,
                  const struct place *at, const char *path, json_t *v, struct cursor cursor);

/* Each key as @c's env and dev want it; @c has room for CONF_MAX_HUBS. Inside a guard.
 * Returns 0 or WSMD_ENOMEM. */
MUST_CHECK int loader_apply_defaults(struct conf *c);
void loader_apply_file(struct loader *l, const char *path);
void loader_apply_setting(struct loader *l, const struct conf_setting *s);
