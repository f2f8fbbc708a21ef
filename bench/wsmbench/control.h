/*
 * The control socket of a wsmd, asked one thing at a time.
 *
 * Thread: main. A call blocks until the answer has come, at most CONTROL_PATIENCE_S.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/macros.h"

#define CONTROL_PATIENCE_S 10

struct control {
	int fd;
	size_t len; /* bytes of the answer that is read */
	char *answer;
};

/**
 * Connect.
 *
 * @path  NULL: where wsmctl looks when it is told no path
 * @why   a sentence, when it fails
 *
 * Returns: 0, or negative; control_close() is right after both
 */
MUST_CHECK int control_open(struct control *c, const char *path, char *why, size_t why_cap);
void control_close(struct control *c);

/**
 * Write one request and wait for its answer.
 *
 * @line  a JSON object, ended by a newline
 * @why   a sentence, when there is no answer or it is no
 *
 * Returns: its result, for the caller to release, or NULL
 */
MUST_CHECK json_t *control_ask(struct control *c, const char *line, size_t len, char *why,
                               size_t why_cap);
