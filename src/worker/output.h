/*
 * Writing to a connection.
 *
 * Replies to what is being read are collected in the worker's own buffer and leave with one
 * write when the read is worked off; messages from elsewhere are queued by reference and leave
 * at the end of the turn, or a few turns later what is for many. What the kernel does not take
 * waits in the connection's queue, and then everything that follows is queued behind it.
 *
 * Thread: the worker that owns the connection.
 */
#pragma once

#include "worker/conn.h"

/**
 * Queue a shared message.
 *
 * A message is taken when the queue is empty or when it fits into limits.send_queue_bytes, after
 * one more try to write what is ahead of it. What becomes of a slow consumer is said by
 * limits.slow_consumer: he is closed, or @m is refused, or older messages are given up for it.
 * A reply is always taken: its peer is not read from while half of the queue waits.
 *
 * Owns:    takes one reference to @m on success, none on failure
 * Returns: 0; WSMD_ECLOSED: not open; WSMD_EFULL: a slow consumer, which is being closed now or
 *          goes without this message; WSMD_ENOMEM
 */
MUST_CHECK int output_msg(struct worker *w, struct conn *c, struct msg *m) ON_WORKER;

/**
 * Send a frame of the connection's own: ping, pong. @payload is copied.
 *
 * Not bounded by limits.send_queue_bytes, but by what the peer is read: it pauses above half of
 * that limit, so at most one read's worth of replies, or one large message, comes on top.
 */
MUST_CHECK int output_frame(struct worker *w, struct conn *c, uint8_t opcode, const void *payload,
                            uint32_t len) ON_WORKER;

/* The same for a message that answers what was just read; counted as one. */
MUST_CHECK int output_reply(struct worker *w, struct conn *c, uint8_t opcode, const void *payload,
                            uint32_t len) ON_WORKER;

/* The same for one that is a message already; takes its reference, also when it fails. */
MUST_CHECK int output_reply_msg(struct worker *w, struct conn *c, struct msg *m) ON_WORKER;

/* Send bytes that need no frame or are one: the 101, a close frame. Not bounded: they are few. */
MUST_CHECK int output_raw(struct worker *w, struct conn *c, const void *bytes, uint32_t len)
	ON_WORKER;

/* Begin and end collecting the replies of @c. */
static inline void output_begin(struct worker *w, struct conn *c) ON_WORKER;
static inline void output_begin(struct worker *w, struct conn *c)
{
	ASSERT(w->current == NULL);
	w->current = c;
	w->out_len = 0;
}
void output_end(struct worker *w, struct conn *c) ON_WORKER;

/* Collected replies, from byte @from of them on, go into the queue, ahead of what follows. Without
 * memory they stay where they are. */
MUST_CHECK int output_spill(struct worker *w, struct conn *c, size_t from) ON_WORKER;

/* Write what waits, once. */
void output_flush(struct worker *w, struct conn *c) ON_WORKER;

/* End of the turn: write to every connection that got something from elsewhere; of those who got it
 * with many others, to a share, so that the next messages to them leave with the same write. */
void output_flush_dirty(struct worker *w) ON_WORKER;
