/*
 * A connection: socket, framer, send queue, timers. What the API knows of it is its session.
 *
 *            conn_open            conn_close: frame sent        peer's close frame
 *   handoff ----------> OPEN ---------------------> CLOSING -----------------> ANSWERING
 *                        |  \                          | deadline             ^     |
 *                        |   +--- peer's close frame --+----------------------'     | ours is
 *                        |   `--- frame sent, nothing more to say ---> LINGERING    | written
 *                        | peer is gone                |                  | FIN,    |
 *                        v                             v                  v deadline v
 *                      CLOSED <-------------------------------------------------------
 *
 * There is one door out, conn_close(). A closed conn is given back at the end of the turn, so
 * that a later event of the same turn never meets a recycled one.
 *
 * Thread: the worker that owns it, whole struct and all calls.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/slab.h"
#include "net/transport.h"
#include "net/wheel.h"
#include "shard/handoff.h"
#include "stats/close_reason.h"
#include "worker/rtt.h"
#include "worker/sendq.h"
#include "worker/worker.h"
#include "ws/receiver.h"

enum conn_state {
	CONN_OPEN,
	CONN_CLOSING,   /* our close frame is on its way, the peer's is awaited */
	CONN_ANSWERING, /* both are known: when ours is written, it ends (RFC 6455 7.1.1) */
	CONN_LINGERING, /* nothing more is sent or listened to; the peer's FIN is awaited */
	CONN_CLOSED,    /* on the worker's closed list */
};

/*
 * Fields at a handover to a new process. Carried: the descriptor, rx, state, score, missed, paused,
 * write_shut, sendq, aside with has_tail, recorder, the counters, rtt, peer, reason, protocol, and
 * all times, as ages. Rebuilt: head, session, interest, is_dirty, timer, next. Dropped: is_tapped,
 * whose tap ends with its control session, and ping_pending: the nonce is of a handle, so the peer
 * is asked anew.
 */
struct conn {
	/* What an echoed message reads and writes. */
	struct slab_head head;
	struct transport transport;
	struct session *session; /* NULL once not open */
	struct ws_receiver rx;
	uint8_t state;        /* enum conn_state, moved by conn.c alone */
	uint8_t score;        /* see health.h, which alone changes it and ... */
	uint8_t missed;       /* ... this: pongs in a row, nothing else heard between */
	uint8_t interest : 3; /* events the poll watches */
	bool paused : 1;      /* not read from: its own replies fill the queue */
	bool write_shut : 1;  /* our FIN is sent */
	bool is_dirty : 1;    /* in worker.dirty or worker.crowd */
	bool is_tapped : 1;   /* somebody follows its frames: see tapper.h */
	bool has_tail : 1;    /* of a frame header or control frame the beginning is here */
	/* Stamps, see worker.h. */
	uint32_t heard_ms; /* last sign of life */
	union {
		uint32_t message_ms; /* open: an incomplete message began; 0: none */
		uint32_t ending_ms;  /* not open: it was left then */
	};
	/* A pong is awaited: when the first ping of those that are not answered was sent. None is:
	 * when the last pong came. */
	uint32_t asked_ms;
	struct sendq sendq;
	uint64_t messages_in, messages_out, bytes_in, bytes_out;

	/* The rest of its life. */
	struct timer timer;
	struct conn *next;         /* in worker.dirty, .crowd or .closed */
	struct aside *aside;       /* what few have; NULL: nothing of it */
	struct recorder *recorder; /* NULL: none */
	uint64_t opened_ms;        /* monotonic [ms] */
	uint64_t ping_us;          /* last ping sent, monotonic [us]; 0: none yet */
	uint32_t pings_sent, pongs_received;
	struct rtt rtt;
	struct net_addr peer;
	uint8_t reason;    /* enum close_reason, once not open */
	uint8_t protocol;  /* enum protocol_type */
	bool ping_pending; /* a pong is awaited */
};

/* The promise of the idle connection: see docs/performance.md before this grows. */
static_assert(sizeof(struct conn) <= 240, "an idle connection must stay small");
static_assert(offsetof(struct conn, sendq) == CACHE_LINE, "what is hot comes first ...");
static_assert(offsetof(struct conn, timer) == 2 * CACHE_LINE, "... and is 128 bytes");

static inline uint64_t conn_heard_ms(const struct worker *w, const struct conn *c) ON_WORKER;
static inline uint64_t conn_heard_ms(const struct worker *w, const struct conn *c)
{
	return worker_whole_ms(w, c->heard_ms);
}

/* Take a connection over. Frees @h; refuses with an HTTP answer what cannot be taken. */
void conn_open(struct worker *w, struct handoff *h) ON_WORKER;

/* What a close frame says beyond its reason's own. */
struct parting {
	uint16_t code;            /* 0: the reason's own */
	const char *text;         /* the sentence; NULL: the reason's own */
	uint32_t retry_ms;        /* when the peer should come back; 0: no hint */
	struct evidence evidence; /* for the record and the log only */
};

/* End a connection, from any state, as often as one likes: the first reason counts. */
void conn_close_with(struct worker *w, struct conn *c, enum close_reason reason,
                     const struct parting *parting) ON_WORKER;
void conn_close(struct worker *w, struct conn *c, enum close_reason reason) ON_WORKER;

/* The same without a word to the peer: he is gone, or the stream to him is cut. */
void conn_abort(struct worker *w, struct conn *c, enum close_reason reason) ON_WORKER;

/* The same, because a call for its socket failed with @err, a negative errno. */
void conn_fail(struct worker *w, struct conn *c, int err) ON_WORKER;

/* The peer's close frame: answer it, or take it as the answer to ours. */
void conn_on_peer_close(struct worker *w, struct conn *c, const struct ws_event *ev) ON_WORKER;

/* No longer open, and everything queued has been written: a lingering connection sends its FIN, one
 * that answers has ended. */
void conn_on_flushed(struct worker *w, struct conn *c) ON_WORKER;

/* Watch for what its state needs. Inline, because nearly always that is so already. */
void conn_watch_for(struct worker *w, struct conn *c, uint32_t want) ON_WORKER;
static inline void conn_watch(struct worker *w, struct conn *c) ON_WORKER;
static inline void conn_watch(struct worker *w, struct conn *c)
{
	const uint32_t want = (c->paused ? 0 : OS_READ) | (sendq_empty(&c->sendq) ? 0 : OS_WRITE);

	if (UNLIKELY(c->interest != want))
		conn_watch_for(w, c, want);
}

/* It is closed and no longer dirty: its memory is for reuse after the turn. */
void conn_reap_later(struct worker *w, struct conn *c) ON_WORKER;

/* End of the turn: close the sockets and reuse the memory of what was closed in it. */
void conn_reap(struct worker *w) ON_WORKER;

const char *conn_state_text(enum conn_state state);
