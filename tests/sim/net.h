/*
 * Links: one connection each, between a peer that the simulator plays and a descriptor of the
 * server. Bytes take time, buffers are finite, and a link can end in every way that TCP knows.
 *
 * The peer's side is here; the server's side is os_sim.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/* What a way through the Internet does to each segment. */
struct net_profile {
	const char *name;
	uint32_t latency_us, jitter_us; /* one way, and so much more or less */
	uint32_t loss;                  /* per mille; TCP sends it again, later and later */
};

/* One direction. What was written is held until the reader takes it, as a socket's buffers do. */
struct pipe {
	uint8_t *ring;
	uint32_t cap, at, held;
	uint32_t arrived; /* of the held bytes: the reader may take them */
	bool fin, fin_arrived;
	uint64_t last_us; /* nothing arrives before what was sent before it */
};

struct link {
	uint32_t id;
	struct pipe up, down; /* to the server, to the peer */
	uint32_t latency_us;
	const struct net_profile *profile; /* in place of it; NULL: none */
	struct net_addr peer;
	int fd; /* the server's; -1: not accepted yet, or closed */

	/* how it ended */
	bool vanished;      /* nothing arrives any more, in either direction */
	bool peer_closed;   /* the peer reads no more: what still comes is answered with RST */
	bool server_closed; /* the same at the other end */
	bool reset_at_peer; /* RST arrived here */
	bool reset_at_server, reset_told; /* RST arrived there; a call has said so */
	bool hurt; /* a fault struck that may end it without a cause that is in the model */

	uint64_t up_us;                  /* the peer's last byte arrived */
	uint64_t down_us;                /* the server's last byte went out */
	uint64_t blocked_us;             /* a write of the server last found too little room */
	uint64_t accepted_us, closed_us; /* by the server; 0: not yet */
	uint64_t faked_us;               /* a write last found too little room that was there */
	bool written;                    /* a fresh socket takes a small answer whole */

	/* of the peer: called when something arrived, or room appeared */
	void (*on_event)(struct link *l);
	void *owner;
	bool told; /* that call is planned */
};

struct net_options {
	const struct net_profile *profile; /* NULL: latency alone */
	uint32_t latency_us;
	uint32_t up_bytes, down_bytes; /* buffers */
};

/* Connect to the listener of @port, or to the control socket if it is 0. */
struct link *net_connect(uint16_t port, const struct net_options *o,
                         void (*on_event)(struct link *), void *owner);

size_t net_send(struct link *l, const void *bytes, size_t len); /* bytes taken, may be 0 */
size_t net_recv(struct link *l, void *buf, size_t cap);         /* bytes that had arrived */
bool net_ended(const struct link *l); /* the server's FIN is read, or its RST came */

void net_fin(struct link *l); /* no more from this side */
void net_close(struct link *l);
void net_reset(struct link *l);
void net_vanish(struct link *l);

void net_free_all(void);

/* ---- for os_sim.c ---- */

uint32_t pipe_write(struct pipe *p, const void *bytes, size_t len);
uint32_t pipe_read(struct pipe *p, void *buf, size_t len);
/* Its end is reached: on the way, it may have overtaken the last bytes. */
static inline bool pipe_ended(const struct pipe *p)
{
	return p->held == 0 && p->fin_arrived;
}

static inline uint32_t pipe_room(const struct pipe *p)
{
	return p->cap - p->held;
}

/* The last @n bytes written to @l's down pipe are on their way; with @fin, nothing follows. */
void net_down(struct link *l, uint32_t n, bool fin);

/* The server read: the peer may find room. */
void net_up_drained(struct link *l);

/* The server has closed; @rst: by RST, which takes what has not arrived with it. */
void net_server_closed(struct link *l, bool rst);

/* An answer to bytes that nobody reads. */
void net_rst_to_server(struct link *l);

/* What os_sim.c does when something arrives at the server. */
void os_sim_arrived(struct link *l);
void os_sim_connect(struct link *l, uint16_t port);
