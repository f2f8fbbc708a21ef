/*
 * One message in, a copy out to every receiver: what fanout and slow have in common.
 *
 * The main thread sends, through the control socket of a wsmd or on a connection that publishes.
 * Open loop: message k is due at start + k / rate, and is late, which is measured too, when the
 * server does not take what was sent before. Closed loop: message k is sent when every receiver has
 * message k - depth. Nothing waits for an answer, but all must have come in the end. The loops
 * receive. A message carries when it was
 * written, its number and a content that follows from it; every receiver that reads must get every
 * message once, in order.
 *
 * Thread: the struct is main's, but for what says otherwise.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/macros.h"
#include "options.h"
#include "pipeline.h"
#include "stats/histogram.h"

#define BROADCAST_SENDER 0 /* number of the connection that the contents name */

struct client;
struct loop;
struct publisher;
struct report;
struct run;
struct sender;
struct ws_event;

struct broadcast {
	_Atomic uint64_t sent; /* messages; for all, released behind their times */
	uint64_t *sent_ns;     /* of message k at k % room; for all */
	uint64_t room;
	_Atomic uint32_t *got; /* closed loop: receivers that have message k, at k % room */
	uint32_t readers; /* closed loop: receivers there are; constant from the first message */
	uint64_t dropped; /* copies, as the server told */
	struct histogram lag;  /* due to written [ns] */
	struct sender *sender; /* while main sends */
};

/* 0 or WSMD_ENOMEM. */
MUST_CHECK int broadcast_init(struct broadcast *b, const struct options *o);
void broadcast_fini(struct broadcast *b);

/* ---- receiving: hooks of a mode, called by the loops ---- */

/* Will never read: neither checked nor waited for. */
bool broadcast_is_stalled(const struct client *c);

void broadcast_on_message(struct client *c, const struct ws_event *ev, uint64_t now_ns);
void broadcast_on_leave(struct client *c);
void broadcast_turn(struct loop *l);

/* ---- sending: main ---- */

/* What main holds while it sends. */
struct sender {
	struct run *run;
	struct report *report;
	struct pipeline pipeline;    /* to the control socket; unused with a publisher */
	json_t *result;              /* what a question was answered, till it is taken */
	struct publisher *publisher; /* NULL: through the control socket */
	bool failed;
};

/*
 * Ask a question, a line of at most 512 bytes, behind everything else that was sent, and wait for
 * its answer. Returns the result, for the caller to release; NULL: there is none, which is noted,
 * or a signal came.
 */
MUST_CHECK json_t *sender_ask(struct sender *s, const char *format, ...) PRINTF(2, 3);

/* Readiness of the control socket, while main waits. */
void sender_on_control(struct sender *s, uint32_t events);

/* The whole run: open all, send, wait for what is outstanding, close. */
struct broadcast_steps {
	void (*before)(struct sender *s); /* all are open; NULL: nothing */
	void (*after)(struct sender *s);  /* all was sent, nobody has left; NULL: nothing */
};
void broadcast_conduct(struct run *r, struct report *report, const struct broadcast_steps *steps);

/* What the receivers that read have got, and how late. */
void broadcast_tell(const struct run *r, struct report *report);
