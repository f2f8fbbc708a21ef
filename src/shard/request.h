/*
 * Something a worker is asked to do, and what became of it: the same object travels there and
 * back, so answering needs no memory.
 *
 * Thread: the one whose inbox it is in, or was last taken from.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/list.h"
#include "shard/conn_id.h"
#include "shard/handoff.h"
#include "shard/inbox.h"
#include "shard/msg.h"
#include "stats/protocol_type.h"

enum request_kind {
	REQUEST_SEND,  /* msg to the target */
	REQUEST_CLOSE, /* the target's connections, reason CLOSE_KICKED with text */
	REQUEST_PING,  /* one connection; answered at the pong, the deadline or the end */
	REQUEST_LIST,  /* rows of the target, one page */
};

enum target_kind {
	TARGET_USER,
	TARGET_CONNECTION,
	TARGET_HUB,
	TARGET_EVERYONE
};

struct target {
	enum target_kind kind;
	uint32_t hub_len, user_len;
	char hub[HUB_NAME_BYTES];
	char user[USER_NAME_MAX + 1];
	struct conn_id id;
};

/* What became of a send, per target connection. */
struct outcome {
	uint32_t delivered; /* written or queued to a live socket */
	uint32_t dropped;   /* refused by a full queue */
	uint32_t matched;   /* connections the target named */
};

/* One connection as it is shown. */
struct conn_row {
	struct conn_id id;
	char hub[HUB_NAME_BYTES];
	uint32_t user_len;
	char user[USER_NAME_MAX + 1];
	struct net_addr peer;
	enum protocol_type protocol;
	const char *state; /* static text */
	uint32_t worker;
	uint64_t connected_wall_ms, age_ms, idle_ms;
	uint64_t messages_in, messages_out, bytes_in, bytes_out;
	uint64_t queue_bytes, incomplete_bytes;
	uint32_t pings_sent, pongs_received, missed;
	uint32_t rtt_us, rtt_min_us, rtt_max_us; /* 0: none yet */
	bool ping_pending;
};

struct request {
	struct inbox_item item;
	enum request_kind kind;
	struct inbox *reply_to; /* answered there; NULL: freed by the worker */
	void *context;          /* the asker's */
	struct target target;
	struct msg *msg;   /* REQUEST_SEND; one reference */
	char text[124];    /* REQUEST_CLOSE: reason for the peer */
	uint64_t until_ms; /* REQUEST_PING: deadline, monotonic [ms] */

	struct list waiting; /* the worker's, while a ping is on its way to ... */
	uint64_t conn;       /* ... this connection of its slab */

	int err;                /* answer: 0, or a negative error */
	struct outcome outcome; /* REQUEST_SEND; REQUEST_CLOSE and REQUEST_PING use matched */
	uint32_t rtt_us;        /* REQUEST_PING */
	uint32_t cursor; /* REQUEST_LIST: where to begin; answer: where to go on, 0: no more */
	uint32_t n_rows, max_rows;
	struct conn_row *rows; /* REQUEST_LIST: the asker's array */
};

/* Zeroed but for its kinds; NULL: out of memory. */
MUST_CHECK struct request *request_new(enum request_kind kind);
void request_free(struct request *r); /* drops msg and rows; NULL is allowed */

/* Give it back to who asked. */
void request_answer(struct request *r);
