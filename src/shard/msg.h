/*
 * A message on its way out: encoded once as an unmasked server frame, immutable, and shared by
 * reference by every connection it goes to, on every worker.
 *
 * Thread: any. The only object of the server with a reference count.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

struct msg {
	_Atomic uint32_t refs;
	uint32_t frame_len; /* header and payload */
	uint32_t payload_len;
	uint8_t opcode; /* 0: made of bytes that are frames already */
	bool vital; /* what follows makes no sense without it: a 101, the rest of a begun frame */
	bool own;   /* one connection's: a reply, a ping, a pong. Set before it is shared */
	uint8_t frame_at; /* from the begin of this struct, in one piece of memory */
};

/* What must be free in front of a payload that is made a message without being moved. */
#define MSG_HEADROOM 32

/* One reference for the caller; NULL: out of memory. @payload is copied. */
MUST_CHECK struct msg *msg_new(uint8_t opcode, const void *payload, uint32_t len);

/* Bytes that are frames already: what a turn could not write. */
MUST_CHECK struct msg *msg_new_raw(const void *bytes, uint32_t len);

/* @block of malloc(), of which the first MSG_HEADROOM bytes are free and @len bytes of payload
 * follow, is the message from now on. */
struct msg *msg_adopt(void *block, uint8_t opcode, uint32_t len);

static inline const uint8_t *msg_frame(const struct msg *m)
{
	return (const uint8_t *)m + m->frame_at;
}

static inline const uint8_t *msg_payload(const struct msg *m)
{
	return msg_frame(m) + m->frame_len - m->payload_len;
}

static inline struct msg *msg_get(struct msg *m)
{
	/* Relaxed: whoever hands on a reference holds one. */
	atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
	return m;
}

void msg_put(struct msg *m); /* NULL is allowed */
