/*
 * The control socket of a wsmd: reaching it, and what an answer says. Sessions are in pipeline.h.
 *
 * Thread: any.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/macros.h"

#define CONTROL_PATIENCE_S 10  /* for an answer */
#define CONTROL_WHY_MAX    320 /* room that every sentence fits into */

/**
 * A connected descriptor, blocking.
 *
 * @path  NULL: where wsmctl looks when it is told no path
 * @why   a sentence, when it fails
 *
 * Returns: 0, or negative
 */
MUST_CHECK int control_connect(const char *path, int *ret_fd, char *why, size_t why_cap);

/*
 * The result in the line of an answer, for the caller to release; NULL and a sentence when the
 * answer is no.
 */
MUST_CHECK json_t *control_result(const char *line, size_t len, char *why, size_t why_cap);
