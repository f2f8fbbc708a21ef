/*
 * A WebSocket connection that publishes: what it sends, the server spreads. Whatever the server
 * says on it is thrown away.
 *
 * Thread: main. A call blocks, at most PUBLISHER_PATIENCE_S.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "target.h"

#define PUBLISHER_PATIENCE_S 10

struct publisher {
	int fd;
	uint64_t random;
	uint8_t *frame;
};

/**
 * Connect.
 *
 * @size  bytes of a message
 * @why   a sentence, when it fails
 *
 * Returns: 0, or negative; publisher_close() is right after both
 */
MUST_CHECK int publisher_open(struct publisher *p, const struct target *to, size_t size, char *why,
                              size_t why_cap);
void publisher_close(struct publisher *p);

/* Where the next message is written to, of the size that was told. */
uint8_t *publisher_text(struct publisher *p);

/* Returns false, and a sentence in @why, when the connection has failed. */
MUST_CHECK bool publisher_send(struct publisher *p, size_t size, char *why, size_t why_cap);
