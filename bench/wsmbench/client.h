/*
 * One client connection, from connect() to the end of the stream.
 *
 *   CLOSED → CONNECTING → ASKING → OPEN → CLOSING → CLOSED, and to CLOSED from everywhere
 *
 * A connection ends in one of two ways: client_leave() says goodbye and waits for the server to
 * close, client_fail() notes why and drops it. Either way the socket is closed with RST, after
 * the server's FIN if it was a goodbye: so neither end keeps a TIME_WAIT entry, and a client
 * does not run out of ports.
 *
 * Thread: the loop that owns it.
 */
#pragma once

#include "failure.h"
#include "loop.h"
#include "ws/receiver.h"

enum client_state {
	CLIENT_CLOSED,
	CLIENT_CONNECTING,
	CLIENT_ASKING,
	CLIENT_OPEN,
	CLIENT_CLOSING,
	CLIENT_STATE_COUNT
};

/* Why a connection ends although nobody here wanted it. */
struct client_end {
	enum failure cause;
	uint16_t number;   /* HTTP status or close code; 0: none */
	uint32_t retry_ms; /* when the server wants the client back; 0: it has not said so */
};

struct client {
	struct loop *loop;
	struct list link; /* in loop's ready or pending; open: the mode's own */
	struct ws_receiver receiver;
	struct handshake *handshake; /* connecting and asking only */
	uint8_t *tail;               /* WS_MAX_TAIL bytes, while a frame header is cut */
	uint8_t *out;                /* what the kernel did not take */
	size_t out_len;
	uint64_t since_ns; /* connecting, asking: when connect() was called; closing: goodbye */
	uint64_t sent, answered, due; /* echo: messages; fanout: received */
	uint32_t number;              /* in the run */
	uint32_t generation;          /* of the socket: makes late events harmless */
	int fd;
	uint8_t tail_len;
	uint8_t state; /* enum client_state; only client.c writes it */
	bool goodbye;  /* the server's close frame has come */
};

void client_init(struct client *c, struct loop *l, uint32_t number);

/* Connects. On failure the client is CLOSED again and the failure is noted. */
void client_open(struct client *c);

/* Readiness of its socket. */
void client_event(struct client *c, uint32_t events);

/**
 * Write bytes that are whole frames; what the kernel does not take is kept and written later.
 *
 * Returns: true; false when the connection has failed (and is CLOSED)
 */
bool client_write(struct client *c, const uint8_t *data, size_t len);

/* Is there output waiting? Then send nothing more until mode->on_writable. */
static inline bool client_blocked(const struct client *c)
{
	return c->out_len > 0;
}

/* Never read again; not even an end of the connection is noticed. Only when OPEN. */
void client_stall(struct client *c);

/* Close frame 1000, then wait for the server to close. Only when OPEN. */
void client_leave(struct client *c);

/* Unless the mode expects it (on_end), this is noted as an error. */
void client_fail(struct client *c, enum failure cause, const char *fmt, ...) PRINTF(3, 4);

/* Without a word: used at the end of the run. */
void client_drop(struct client *c);
