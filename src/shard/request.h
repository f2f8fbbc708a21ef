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
#include "shard/ranking.h"
#include "shard/target.h"
#include "stats/drop_reason.h"
#include "stats/protocol_type.h"

enum request_kind {
	REQUEST_SEND,  /* msg to the target */
	REQUEST_CLOSE, /* the target's connections, reason CLOSE_KICKED with text */
	REQUEST_PING,  /* one connection; answered at the pong, the deadline or the end */
	REQUEST_LIST,  /* rows of the target, one page */
	REQUEST_RANK, /* rows of those of the target that come first; text: part of a user's name */
	REQUEST_JOIN, /* the target's connections join target.group */
	REQUEST_LEAVE,     /* ... leave it; without a name: all groups they are in */
	REQUEST_GROUPS,    /* groups of the target, one page */
	REQUEST_WHY,       /* records of the target's connections, live and ended */
	REQUEST_HEARTBEAT, /* one connection gets times of its own */
};

/* What became of a send: each connection that the target names is in one of the three. */
struct outcome {
	uint32_t delivered; /* written or queued to a live socket */
	uint32_t queued;    /* kept until its session comes back: never, as long as none can */
	uint32_t dropped;
	uint32_t dropped_for[DROP_REASON_COUNT];
	uint32_t matched;  /* connections that the target names */
	uint32_t excluded; /* ... and that were left out: not in matched */
	uint64_t user_seq; /* its place among the sends to that user; 0: not to one user */
};

/* Sum of several workers' shares; at most one of them has a user_seq. */
void outcome_add(struct outcome *sum, const struct outcome *o);

/* The same for one connection. */
struct outcome_row {
	struct conn_id id;
	bool delivered;          /* or dropped for ... */
	enum drop_reason reason; /* ... this */
};

/* What became of one connection that was to join. */
enum join_result {
	JOIN_DONE,
	JOIN_ALREADY,            /* it was in the group */
	JOIN_REFUSED_CONNECTION, /* limits.max_groups_per_connection */
	JOIN_REFUSED_HUB,        /* limits.max_groups_per_hub */
	JOIN_NO_MEMORY,
	JOIN_RESULT_COUNT
};

#define GROUP_PAGE_MAX 256

/* A page of groups by name: those behind @after, and whether there are more. */
struct group_page {
	uint32_t n, max;
	bool more;
	uint32_t after_len; /* 0: from the first */
	char after[GROUP_NAME_MAX];
	struct group_row {
		uint32_t members; /* of the target, on this worker */
		uint32_t name_len;
		char name[GROUP_NAME_MAX];
	} rows[];
};

/* REQUEST_HEARTBEAT. Asked: 0 stays as it is. Answered: what is in force. */
struct heartbeat {
	bool reset; /* back to the configuration */
	uint32_t interval_ms, timeout_ms;
};

/* One connection as it is shown. */
struct conn_row {
	struct conn_id id;
	char hub[HUB_NAME_BYTES];
	uint32_t user_len;
	char user[USER_NAME_MAX + 1];
	struct net_addr peer;
	enum protocol_type protocol;
	const char *state, *transport; /* static text */
	uint32_t worker;
	uint64_t connected_wall_ms, age_ms, idle_ms;
	uint64_t messages_in, messages_out, bytes_in, bytes_out;
	uint64_t queue_bytes, queue_peak_bytes, incomplete_bytes;
	bool healthy, suspect, ping_pending;
	uint32_t score, missed, pings_sent, pongs_received;
	uint32_t rtt_us, srtt_us, rttvar_us, rtt_average_us; /* 0: none yet */
	struct heartbeat heartbeat;                          /* reset: it has none of its own */
	uint32_t skipped_messages;   /* that its send queue had no room for */
	uint64_t weight, rate_milli; /* REQUEST_RANK: see ranking.h; messages a second / 1000 */
	/* its groups, and the names of as many of them as there was room for in request.names */
	uint32_t n_groups, n_names, names_at;
};

struct why;

struct request {
	struct inbox_item item;
	enum request_kind kind;
	struct inbox *reply_to; /* answered there; NULL: freed by the worker */
	void *context;          /* the asker's */
	bool from_program;      /* who asks is the embedding program, not a control session ... */
	uint32_t uid;           /* ... of this user */
	struct target target;
	struct msg *msg;   /* REQUEST_SEND; one reference */
	char text[124];    /* REQUEST_CLOSE: reason for the peer */
	uint64_t until_ms; /* REQUEST_PING: deadline, monotonic [ms] */

	struct list waiting; /* the worker's, while it walks, or a ping is on its way to ... */
	uint64_t conn;       /* ... this connection of its slab */

	int err;                           /* answer: 0, or a negative error */
	struct outcome outcome;            /* REQUEST_SEND; others use matched */
	struct outcome_row *each;          /* REQUEST_SEND: the asker's array, or NULL */
	uint32_t n_each, max_each;         /* n_each counts on past max_each */
	uint32_t joins[JOIN_RESULT_COUNT]; /* REQUEST_JOIN: connections */
	uint32_t left;                     /* REQUEST_LEAVE: memberships that ended */
	struct group_page *groups;         /* REQUEST_GROUPS: the asker's */
	struct why *why;                   /* REQUEST_WHY: the asker's, see worker/why.h */
	uint32_t rtt_us;                   /* REQUEST_PING */
	struct ranking *ranking;           /* REQUEST_RANK: the asker's */
	struct heartbeat heartbeat;        /* REQUEST_HEARTBEAT */
	uint32_t cursor; /* REQUEST_LIST: where to begin; answer: where to go on, 0: no more */
	uint32_t n_rows, max_rows;
	struct conn_row *rows; /* REQUEST_LIST, REQUEST_RANK: the asker's array */
	/* REQUEST_LIST: the asker's room for names of groups, each with its length (a uint16_t) in
	 * front; NULL: they are not asked for */
	char *names;
	uint32_t names_len, names_cap;
};

/* Zeroed but for its kinds; NULL: out of memory. */
MUST_CHECK struct request *request_new(enum request_kind kind);
void request_free(struct request *r); /* with all that hangs on it; NULL is allowed */

/* Give it back to who asked. */
void request_answer(struct request *r);
