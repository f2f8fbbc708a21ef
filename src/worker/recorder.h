/*
 * The flight recorder: the last events of each live connection, and what is known of those that
 * ended. `wsmctl why` reads it.
 *
 * Nothing is noted per message. A live connection's recorder is an object beside it, and only
 * when recorder.events says so; without memory for one the connection lives without. It begins
 * with room for few events and is replaced when there are more. When a
 * connection ends, its record goes into a ring of recorder.closed_bytes over all workers.
 *
 * Thread: the worker that owns the connection.
 */
#pragma once

#include <stdint.h>

#include "base/role.h"
#include "base/slab.h"
#include "conf/conf.h"
#include "shard/handoff.h"
#include "worker/deaths.h"
#include "worker/record.h"
#include "worker/record_ring.h"
#include "ws/rule.h"

struct conn;
struct parting;
struct worker;

/* One live connection's. */
struct recorder {
	struct slab_head head;
	uint64_t place;            /* of its record, once its end is decided */
	uint32_t queue_high_bytes; /* the most that waited when the kernel was full */
	uint32_t lost;             /* events that made room for later ones */
	uint16_t n, room;
	struct record_event events[]; /* oldest first */
};

/* Events that a recorder has room for at first: a handshake, an identity, a first message and four
 * pongs, which are all that happens on a quiet connection. */
#define RECORDER_FEW 7

/* A worker's. */
struct recorders {
	struct slab few, live; /* with room for the first few, and for all */
	uint32_t n_events;     /* 0: live connections are not recorded */
	struct record_ring ended;
	struct deaths deaths;
};

/* What is known of an end besides its reason. */
struct evidence {
	int err;             /* of the socket, negative errno; 0: none */
	bool from_program;   /* of a kick: the embedding program did it ... */
	uint32_t uid;        /* ... or the control session of this user */
	uint64_t held_bytes; /* of who is shed */
	bool violation;
	enum ws_rule rule; /* of a violation, and so are these: */
	uint64_t at_byte;  /* of the stream */
	uint64_t size;     /* of a message that is too large, as announced; 0: another rule */
};

/* 0 or WSMD_ENOMEM. */
MUST_CHECK int recorders_init(struct recorders *r, const struct conf_recorder *c,
                              uint32_t n_workers);
void recorders_fini(struct recorders *r); /* no connection may be left */
void recorders_trim(struct recorders *r); /* memory that a peak has left, see slab_trim() */

/* @c is taken over. */
void recorder_open(struct worker *w, struct conn *c, const struct handoff *h) ON_WORKER;

/* Note an event; the table says what its values mean. Cost: a walk over the events. */
void recorder_note(struct worker *w, struct conn *c, enum record_event_kind kind, uint64_t first,
                   uint64_t second) ON_WORKER;

/* The kernel takes no more for now; it takes everything again, after c->sendq.blocked_ms. */
void recorder_blocked(struct worker *w, struct conn *c) ON_WORKER;
void recorder_unblocked(struct worker *w, struct conn *c) ON_WORKER;

/* There was no room for some messages, @before of which it is known. */
void recorder_skipped(struct worker *w, struct conn *c, uint32_t before) ON_WORKER;

/* The end is decided, for c->reason: write the record, while the session is there to be named.
 * A code is of the close frame that is sent or, if the reason is CLOSE_PEER, was received. */
void recorder_closing(struct worker *w, struct conn *c, const struct parting *parting) ON_WORKER;

/* The peer's answer to our close frame; the end of the socket; the end of the object. */
void recorder_answered(struct worker *w, struct conn *c, uint16_t code) ON_WORKER;
void recorder_ended(struct worker *w, struct conn *c) ON_WORKER;
void recorder_free(struct worker *w, struct conn *c) ON_WORKER;

/* Bytes of a live connection's record, and the record itself. */
uint32_t recorder_live_size(const struct worker *w, const struct conn *c) ON_WORKER;
void recorder_describe(const struct worker *w, const struct conn *c, struct record *ret) ON_WORKER;

/* Memory of a live connection's recorder; of the ring of one worker. */
uint64_t recorder_live_bytes(const struct conf_recorder *c);
uint64_t recorder_ring_bytes(const struct conf_recorder *c, uint32_t n_workers);
