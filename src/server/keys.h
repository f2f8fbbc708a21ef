/*
 * The keys of auth.keys: read at the start and at a reload, and again when their files change.
 *
 * Thread: main, but for keys_load().
 */
#pragma once

#include "auth/keyring.h"
#include "server/server.h"

struct keys {
	struct keyring *ring; /* held once; NULL: none are needed */
	uint64_t stamp;       /* of the files, from before they were read */
};

/**
 * Read what a configuration names.
 *
 * Thread:  any
 * Returns: 0 with *@ret; WSMD_ECONFIG or WSMD_ENOMEM, and a sentence
 */
MUST_CHECK int keys_load(const struct conf *c, struct keys *ret, char ret_why[KEY_WHY_BYTES]);

/* They are in force from now on. Takes over the ring. */
void keys_publish(struct server *s, struct keys k) ON_MAIN;

/* How many of which kind there are, if tokens are checked. */
void keys_log(const struct server *s) ON_MAIN;

/* Have the files changed? Keys that are not good leave the last ones in force, and the log says
 * so, once for each change. */
void keys_watch(struct server *s) ON_MAIN;

/* What is in force; NULL: none. Borrowed until the next turn. */
const struct keyring *keys_now(const struct server *s) ON_MAIN;
