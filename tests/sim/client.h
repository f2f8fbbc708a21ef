/*
 * Clients: each connects once, behaves as its kind does, and checks every byte it gets. Whoever
 * did nothing wrong must never lose his connection without a cause that the model knows.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "http/head.h"
#include "net.h"
#include "ws/receiver.h"

enum client_kind {
	KIND_GOOD,      /* echoes, pings, answers, closes properly */
	KIND_IDLE,      /* says nothing, but answers */
	KIND_CHATTY,    /* talks all the time and never answers a ping */
	KIND_MUTE,      /* says nothing and answers nothing, but reads */
	KIND_SLOW,      /* reads a little now and then */
	KIND_DEAF,      /* talks, and at some time stops reading */
	KIND_DRIBBLER,  /* sends its head and its frames in crumbs */
	KIND_RUDE,      /* breaks the protocol */
	KIND_VANISHING, /* is gone without a word */
	KIND_ABRUPT,    /* ends with FIN or RST at any time */
	KIND_MALFORMED, /* asks for what is refused */
	KIND_PAGE,      /* asks for a page */
	KIND_COUNT
};

enum client_state {
	CLIENT_SHAKING, /* the answer to its request is not here */
	CLIENT_OPEN,
	CLIENT_CLOSING, /* has sent or received a close frame */
	CLIENT_ENDED,
};

/* A message whose echo is awaited. */
struct expected {
	uint64_t hash;
	uint32_t len;
	uint8_t opcode;
};

struct client {
	uint32_t id, slot;
	enum client_kind kind;
	enum client_state state;
	uint32_t hub, user; /* user 0: no name */
	struct link *link;
	uint64_t started_us, open_us, ended_us; /* 0: not yet */
	uint64_t silent_us;                     /* since then it is silent for good; 0: it is not */

	/* what it sends */
	uint8_t *out;
	size_t out_at, out_len, out_cap;
	uint64_t next_message;
	uint64_t pings_sent, pong_seen; /* payloads are counted from 1 */
	bool close_sent, muzzled;       /* muzzled: it sends no more, whatever it owes */
	uint16_t close_code;            /* that it sent */
	uint16_t violation_code;        /* with which its violation must be answered; 0: none */
	uint32_t request;               /* row of the table of requests, for MALFORMED and PAGE */

	/* what it gets */
	bool reads, close_seen;
	struct http_head *head;
	char *answer; /* of the handshake, and what comes behind it as long as it is HTTP */
	size_t answer_len;
	char accept[32];
	struct ws_receiver rx;
	uint8_t tail[WS_MAX_TAIL];
	size_t tail_len;
	struct expected *expected;
	size_t expected_at, expected_len, expected_cap;
	uint64_t expected_bytes;

	/* what the operator sent it, in the order of its arrival */
	uint32_t *got;
	size_t n_got, cap_got;
};

void clients_begin(uint32_t n_users, uint32_t n_hubs);
void clients_end(void);

uint32_t clients_count(void); /* that ever lived */
struct client *clients_at(uint32_t i);
struct client *clients_of_link(uint32_t link); /* NULL: none */

/* Somebody new on @slot, who is followed by others when he has ended, until it is quiet. */
void client_spawn(uint32_t slot);

/* From now on nobody begins anything; those who read slowly read all. */
void clients_quiet(void);

/* Everybody says goodbye, in his own way. */
void clients_leave(void);

/* Nothing may be owed to anybody who is still there. */
void clients_check_settled(void);

const char *client_user(const struct client *c, char buf[32]);
const char *client_hub(uint32_t hub);

/* May the server end it without his fault? Then its end needs a cause in the model. */
bool client_innocent(const struct client *c);

/* ---- between the files of clients ---- */

#define CLIENT_QUIET_HUB 2 /* its messages are dropped */

void client_on_event(struct link *l);
void client_end(struct client *c);
void client_vanish(struct client *c);      /* gone without a word */
void client_expect_gone(struct client *c); /* it will not be heard again: that must be noticed */

void client_push(struct client *c); /* send what there is room for */
void client_put(struct client *c, const void *bytes, size_t len);
void client_put_frame(struct client *c, uint8_t opcode, bool fin, const void *payload, size_t len);
void client_put_close(struct client *c, uint16_t code);
void client_put_ping(struct client *c);
void client_put_message(struct client *c);   /* whole, or in fragments with pings between them */
void client_put_violation(struct client *c); /* and nothing behind it */
