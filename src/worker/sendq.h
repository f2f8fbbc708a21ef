/*
 * What waits to be written to one connection: references to messages, in order.
 *
 * Thread: the worker that owns the connection. Nodes come from the worker's slab.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/slab.h"
#include "shard/msg.h"

struct send_node {
	struct slab_head head;
	struct send_node *next; /* of the last: the first */
	struct msg *msg;
};

/* The nodes are a ring: behind the last comes the first. All zero: empty. */
struct sendq {
	struct send_node *last; /* NULL: nothing waits */
	uint32_t offset;        /* bytes of the first message that are written already */
	uint32_t bytes;         /* that still wait */
	uint32_t n;             /* messages that wait */
	uint32_t peak_bytes;    /* the most that ever waited */
	uint32_t skipped;       /* messages that there was no room for, ever */
	uint32_t blocked_ms;    /* stamp: the kernel last took bytes, while more wait; 0: not so */
};

/* What a waiting message holds besides its bytes: its node, its head, the allocator's share. */
#define SENDQ_MESSAGE_COST 64

/* Memory that waits, bookkeeping included: what a bound is compared with [bytes]. */
static inline uint64_t sendq_cost(const struct sendq *q)
{
	return q->bytes + (uint64_t)q->n * SENDQ_MESSAGE_COST;
}

static inline bool sendq_empty(const struct sendq *q)
{
	return q->last == NULL;
}

/* Takes one reference to @m on success. 0 or WSMD_ENOMEM. No bound: the caller knows it. */
MUST_CHECK int sendq_push(struct sendq *q, struct slab *nodes, struct msg *m);

/**
 * Replace the payload of a pong that waits behind the first message, newest wins (RFC 6455
 * 5.5.3). Takes one reference to @m when it returns true.
 */
bool sendq_replace_pong(struct sendq *q, struct msg *m);

/* Describe what waits, from the front; returns the number of entries used, at most @max. */
int sendq_describe(const struct sendq *q, struct iovec *iov, int max);

/* @n bytes from the front were written. */
void sendq_written(struct sendq *q, struct slab *nodes, size_t n);

/**
 * Give up the oldest message from elsewhere: not one of which a part is on the wire already, and
 * nothing of the connection's own.
 *
 * Returns: false: there is none
 */
bool sendq_skip_oldest(struct sendq *q, struct slab *nodes);

/* Forget everything, but for a first message that is vital, or of which a part is on the wire
 * already. Both return the number of messages that were forgotten. */
uint32_t sendq_drop_unsent(struct sendq *q, struct slab *nodes);
uint32_t sendq_clear(struct sendq *q, struct slab *nodes);
