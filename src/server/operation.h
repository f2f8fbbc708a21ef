/*
 * A command that needs workers: how many answers it waits for, and what they add up to.
 *
 * Thread: main.
 */
#pragma once

#include "server/control.h"

struct inquiry;
struct why;

struct operation {
	slab_handle control;   /* who asked; may be gone by the end, and with it ... */
	struct answer *answer; /* ... what is answered */
	uint32_t waiting;
	/* Called when the last answer is in; @c is not NULL. Replies, or asks on. */
	void (*finish)(struct server *s, struct control *c, struct operation *op);
	const char *not_found; /* reason when nobody matched */
	struct target target;
	int err; /* the last one of a worker, or of asking it */
	struct outcome sum;
	uint32_t rtt_us;
	struct heartbeat heartbeat; /* what is asked, then what was answered */
	uint64_t n_each;            /* connections that a send went to, with or without a row */
	/* groups */
	uint32_t joins[JOIN_RESULT_COUNT], left;
	uint32_t after_len; /* the name behind which a page begins */
	char after[GROUP_NAME_MAX];
	struct group_page **pages; /* the answers, with room for one of each worker */
	uint32_t n_pages;
	/* why */
	struct inquiry *inquiry; /* command_why.c's ... */
	void (*inquiry_free)(struct inquiry *q);
	struct why *whys; /* ... and the answers of a round */
	/* lists */
	json_t *rows;                  /* ... and those of a send */
	uint32_t worker, cursor, room; /* where the next page begins; rows still wanted */
	struct ranking *ranking; /* ... in an order: which; each worker's first ones are merged */
	struct conn_row *best;   /* as many as there is room for, in that order */
	uint32_t n_best;
	bool detailed, truncated; /* truncated: there were more, but no way to ask for them */
};

/* NULL: out of memory, and @c has been told. */
struct operation *operation_new(struct server *s, struct control *c) ON_MAIN;
void operation_free(struct operation *op); /* with its target */

/* For finish(): a worker could not be asked, although others were and did their part. */
bool operation_incomplete(const struct operation *op);

/**
 * Ask the workers that own the operation's target.
 *
 * @msg  one reference is taken for each worker that is asked; NULL: none
 * @text reason for the peer, or NULL
 *
 * If none can be asked, the session is answered and the operation freed.
 */
void operation_ask(struct server *s, struct control *c, struct operation *op,
                   enum request_kind kind, struct msg *msg, const char *text) ON_MAIN;

/* Ask worker op->worker for its next page of rows; of a user, for all that there is room for. */
void operation_ask_page(struct server *s, struct control *c, struct operation *op) ON_MAIN;

/* Ask one worker about the operation's target. 0, or a negative error: @r is still the caller's. */
MUST_CHECK int operation_send(struct server *s, struct operation *op, uint32_t worker,
                              struct request *r) ON_MAIN;

/* Nobody could be asked, for op->err: tell the session; frees @op. */
void operation_give_up(struct server *s, struct control *c, struct operation *op) ON_MAIN;

/* An answer; consumes @r. Returns the session if the command was answered, else NULL. */
struct control *operation_on_answer(struct server *s, struct request *r) ON_MAIN;
