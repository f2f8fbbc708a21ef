/*
 * Where threads meet: the bounded many-producer, one-consumer queue of each thread.
 *
 * Push, and the owner is woken only if the queue was empty. The owner clears the wake and
 * takes items until there are none. Order is kept per producer.
 *
 * Thread: inbox_push*() any; everything else the owner.
 * Owns:   an accepted item belongs to the consumer; a refused one stays the caller's.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <urcu/wfcqueue.h>

#include "base/macros.h"

enum item_kind {
	ITEM_HANDOFF, /* struct handoff: a connection for its worker */
	ITEM_ADOPT,   /* struct handoff: a socket of the embedding program, for the acceptor */
	ITEM_REQUEST, /* struct request: something to do, answered by ITEM_ANSWER */
	ITEM_ANSWER,  /* struct request, done */
	ITEM_ASKED,   /* struct ask of server/, whose last share ended outside of main */
	ITEM_CALL,    /* struct call of server/: something for main to do */
	ITEM_TAP,     /* struct tap: begin, to the worker; has begun, to main */
	ITEM_UNTAP,   /* struct tap: end; has ended */
	ITEM_TAPPED,  /* struct tap_event: a frame that a tap shows */
	ITEM_DRAIN,   /* struct order: close everybody at a pace */
	ITEM_STOP,    /* struct order: close everybody by a deadline, then end */
	ITEM_CUT,     /* struct order: behind ITEM_STOP: the deadline is now */
	ITEM_STOPPED, /* struct order, from a thread that ended */
};

struct inbox_item {
	struct cds_wfcq_node node;
	enum item_kind kind;
};

/* Embedded where the one who gives the order lives. */
struct order {
	struct inbox_item item;
	uint32_t connections_cut; /* ITEM_STOPPED: that were still there at the deadline */
};

struct inbox {
	/* The line that the owner writes, and the one that producers write and read. */
	struct __cds_wfcq_head head CACHE_ALIGNED;
	struct cds_wfcq_tail tail CACHE_ALIGNED;
	_Atomic uint32_t count;
	uint32_t limit; /* constant, and so is: */
	int wake_fd;
};

/* @limit: items that may wait before inbox_push() refuses. 0 or -errno. */
MUST_CHECK int inbox_init(struct inbox *in, uint32_t limit);
void inbox_fini(struct inbox *in); /* must be empty */

/* 0; WSMD_EFULL: @item was not taken. Cost: one exchange; one system call if it was empty. */
MUST_CHECK int inbox_push(struct inbox *in, struct inbox_item *item);

/* For what must not be refused and is bounded elsewhere: answers and orders. */
void inbox_push_always(struct inbox *in, struct inbox_item *item);

/* For the owner to take a turn and see what else has changed. Any thread. */
void inbox_wake(struct inbox *in);

/* Before taking items, when wake_fd was readable. */
void inbox_woken(struct inbox *in);

/**
 * The oldest item, or NULL.
 *
 * @ret_again  set when there is an item whose producer is in the middle of pushing it: come
 *             back without sleeping, no wake will follow
 */
struct inbox_item *inbox_take(struct inbox *in, bool *ret_again);

/* Items waiting, about. Any thread. */
uint32_t inbox_depth(const struct inbox *in);
