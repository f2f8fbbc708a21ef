/*
 * A session on the control socket of a wsmd with many requests under way, which a loop writes
 * and reads as it does its connections. wsmd answers one after the other, in their order.
 *
 * Thread: the loop whose poll it is in.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct pipeline {
	int fd, poll;
	uint64_t token; /* of the session in that poll */
	bool waits_for_room;
	char *out, *in;
	size_t out_len, out_cap, in_len;
	uint32_t *tags; /* of what is under way: a ring of a power of two */
	uint32_t oldest, n_tags, tags_cap;
};

/*
 * What became of a request. @result is borrowed; NULL: it was refused, and @why is a sentence.
 */
typedef void (*pipeline_on_answer)(void *arg, uint32_t tag, const json_t *result, const char *why);

/**
 * Connect, which a Unix socket does at once, and watch for answers.
 *
 * @path  NULL: where wsmctl looks when it is told no path
 * @why   a sentence, when it fails
 *
 * Returns: 0, or negative; pipeline_close() is right after both
 */
MUST_CHECK int pipeline_open(struct pipeline *p, const char *path, int poll, uint64_t token,
                             char *why, size_t why_cap);
void pipeline_close(struct pipeline *p);

/* So much waits already that adding to it would only move the waiting. */
bool pipeline_is_full(const struct pipeline *p);

/*
 * Add a request of at most @cap bytes: write it to where this returns, then tell how long it is.
 * NULL: no memory. The bytes leave with pipeline_flush(), many of them in one write.
 */
char *pipeline_begin(struct pipeline *p, size_t cap);
void pipeline_add(struct pipeline *p, size_t len, uint32_t tag);

/* False: the session has failed; @why is a sentence. */
MUST_CHECK bool pipeline_flush(struct pipeline *p, char *why, size_t why_cap);

/* Readiness: writes what waits, and hands over every answer that has come. As pipeline_flush(). */
MUST_CHECK bool pipeline_event(struct pipeline *p, uint32_t events, pipeline_on_answer on_answer,
                               void *arg, char *why, size_t why_cap);
