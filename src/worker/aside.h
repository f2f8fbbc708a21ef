/*
 * What few connections have: numbers of their own, and the beginning of a frame that the last
 * read has cut. An object beside the connection, made when the first of it comes.
 *
 * Numbers stay until the connection ends. The cut frame goes with the next read, and if there
 * are no numbers, the object with it.
 *
 * Thread: the worker that owns the connection. Owned by the connection, until aside_free().
 */
#pragma once

#include "base/pace.h"
#include "worker/conn.h"

struct aside {
	struct pace messages;             /* that the peer may send; limits.messages_per_s */
	uint32_t interval_ms, timeout_ms; /* heartbeat of its own; 0: the configuration's */
	uint8_t tail_len;
	uint8_t tail[]; /* unfinished frame header or control frame; room if conn.has_tail */
};

/* The object for its numbers, made if need be; NULL: no memory. */
struct aside *aside_make(struct conn *c);
void aside_free(struct conn *c);

/* Keep the first @len bytes of a frame, instead of those from before; 0: it is whole now. 0, or
 * WSMD_ENOMEM: nothing is kept. */
MUST_CHECK int aside_keep_tail(struct conn *c, const uint8_t *data, uint8_t len);

/* Copy them to @to, which has room for WS_MAX_TAIL; returns their number. */
uint8_t aside_tail(const struct conn *c, uint8_t *to);
uint8_t aside_tail_len(const struct conn *c);
