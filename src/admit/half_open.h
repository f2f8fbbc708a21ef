/*
 * A socket whose request is not decided yet, or whose answer is on its way out. From the first
 * byte to "this is user U of hub H" or to the last byte of a refusal.
 *
 *   READING --decided--> (handed off, struct is gone)
 *      `----answer-----> ANSWERING --written--> LINGERING --FIN, deadline--> gone
 *
 * Thread: the one that owns the poll it is in; the acceptor now, a worker for TLS later. It is
 * told the time and the limits, and never looks at configuration itself.
 */
#pragma once

#include <stdint.h>

#include "base/addr.h"
#include "base/list.h"
#include "base/slab.h"
#include "http/head.h"
#include "net/transport.h"
#include "net/wheel.h"

enum half_open_state {
	HALF_OPEN_READING,
	HALF_OPEN_ANSWERING,
	HALF_OPEN_LINGERING
};

struct handoff;

struct half_open {
	struct slab_head head;
	enum half_open_state state;
	struct transport transport;
	struct net_addr peer;
	struct timer timer;
	uint64_t accepted_ms; /* the owner's, monotonic [ms] */
	struct list by_age;   /* the owner's */
	bool watched;         /* by the owner's poll */
	char *in;             /* the request as far as it came, and what came behind it */
	uint32_t in_len, in_cap;
	char *out;
	uint32_t out_len, out_at;
	struct http_head request;
	struct handoff *adopted; /* who it is, of an adopted socket; NULL: the request decides */
};

enum half_open_event {
	HALF_OPEN_WAIT,   /* nothing to do before the next event of the poll */
	HALF_OPEN_DECIDE, /* the head is complete, or has a fault */
	HALF_OPEN_DONE,   /* answered and seen off */
	HALF_OPEN_GONE,   /* the peer left */
	HALF_OPEN_NOMEM,
};

/* Takes over @fd. Cannot fail. */
void half_open_init(struct half_open *h, int fd, const struct net_addr *peer);

/* Gives back buffers, and the socket unless it was handed off (transport.fd < 0). */
void half_open_fini(struct half_open *h);

/* Bytes that were read from it by who had it before. Once, before the first half_open_read(). */
enum half_open_event half_open_given(struct half_open *h, const void *bytes, uint32_t len,
                                     uint32_t max_head_bytes);

/* The socket is readable. */
enum half_open_event half_open_read(struct half_open *h, uint32_t max_head_bytes);

/**
 * Begin to answer; after this, nothing that the peer sends is looked at.
 *
 * Owns: copies both parts. @body may be NULL
 */
enum half_open_event half_open_answer(struct half_open *h, const char *head, size_t head_len,
                                      const char *body, size_t body_len);

/* The socket is writable. */
enum half_open_event half_open_write(struct half_open *h);

/* What the poll should watch for. */
uint32_t half_open_interest(const struct half_open *h);
