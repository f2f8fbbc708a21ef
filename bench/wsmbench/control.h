/*
 * The control socket of a wsmd, asked one thing at a time. For many at a time see pipeline.h.
 *
 * Thread: main, where nothing else is said. A call blocks until the answer has come, at most
 * CONTROL_PATIENCE_S.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/macros.h"

#define CONTROL_PATIENCE_S 10
#define CONTROL_WHY_MAX    320 /* room that every sentence fits into */

/**
 * A connected descriptor, blocking.
 *
 * @path  NULL: where wsmctl looks when it is told no path
 * @why   a sentence, when it fails
 *
 * Thread:  any
 * Returns: 0, or negative
 */
MUST_CHECK int control_connect(const char *path, int *ret_fd, char *why, size_t why_cap);

/*
 * The result in the line of an answer, for the caller to release; NULL and a sentence when the
 * answer is no. Thread: any.
 */
MUST_CHECK json_t *control_result(const char *line, size_t len, char *why, size_t why_cap);

struct control {
	int fd;
	size_t len; /* bytes of the answer that is read */
	char *answer;
};

/* As control_connect(); control_close() is right whatever it returns. */
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
