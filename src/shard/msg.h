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
	uint8_t frame[];
};

/* One reference for the caller; NULL: out of memory. @payload is copied. */
MUST_CHECK struct msg *msg_new(uint8_t opcode, const void *payload, uint32_t len);

/* Bytes that are frames already: what a turn could not write. */
MUST_CHECK struct msg *msg_new_raw(const void *bytes, uint32_t len);

static inline struct msg *msg_get(struct msg *m)
{
	/* Relaxed: whoever hands on a reference holds one. */
	atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
	return m;
}

void msg_put(struct msg *m); /* NULL is allowed */
