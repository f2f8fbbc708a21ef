/*
 * A tap: what one worker shows main of the frames of a user or a connection.
 *
 * The struct itself travels: main sends it to the worker that owns the target, which gives it back
 * when the tap has begun, gets it again when it is to end, and gives it back for good. So beginning
 * and ending need no memory, and by the order of the inboxes every event is home by then.
 *
 * Its events are used in turn. One is taken by the worker, filled, pushed to main, and free again
 * when main has looked at it; while it is not, what happens is counted and left out. So a tap
 * never holds up the worker, and never takes more than its size.
 *
 * Thread: as said at each. Owns: nothing but itself.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shard/conn_id.h"
#include "shard/inbox.h"
#include "shard/target.h"

#define TAP_EVENTS  256 /* that may be under way */
#define TAP_PAYLOAD 512 /* of a frame that are shown */

enum tap_kind {
	TAP_IN,     /* a frame from the peer; of a message in fragments, the whole of it */
	TAP_OUT,    /* a frame to him: queued, not yet written */
	TAP_OPENED, /* a connection of the user, taken over while he is tapped */
	TAP_CLOSED, /* it is open no longer: code, reason, payload: what was said */
};

struct tap_event {
	struct inbox_item item; /* ITEM_TAPPED */
	struct tap *tap;        /* constant */
	_Atomic bool is_away;   /* set by the worker, cleared by main behind its last look */
	enum tap_kind kind;
	uint8_t opcode;
	uint8_t reason; /* enum close_reason */
	uint16_t code;  /* of a close */
	uint32_t kept;  /* bytes in payload */
	struct conn_id id;
	uint64_t wall_ms;
	uint64_t len;    /* bytes of the whole payload */
	uint64_t missed; /* that happened since the last event and were left out */
	uint8_t payload[TAP_PAYLOAD];
};

struct tap {
	struct inbox_item item; /* ITEM_TAP: begin, or it has begun; ITEM_UNTAP: end, or it has */

	/* constant */
	struct target target; /* a user or a connection */
	bool with_payload;

	/* Whoever has been sent `item` last: the worker's, while it is tapped. */
	struct tap *next;       /* of the worker's taps */
	uint32_t n_connections; /* answer of the beginning */
	uint32_t at;            /* the next event */
	uint64_t missed;        /* not yet told with an event */

	struct tap_event events[TAP_EVENTS];
	struct tap_event last; /* the end of a tapped connection, which is never left out */
};

/* @t is zeroed but for what is constant. */
void tap_init(struct tap *t);

/* An event to fill, or NULL: all are away; it is counted. Thread: the worker. */
struct tap_event *tap_take(struct tap *t);

/* The same for the end of a tapped connection, once. */
struct tap_event *tap_take_last(struct tap *t);

/* As much of @payload as is kept, if @t has payload at all. Thread: the worker. */
void tap_keep(struct tap *t, struct tap_event *e, const void *payload, uint64_t len);

/* Main has looked at it. Thread: main. */
void tap_give_back(struct tap_event *e);
