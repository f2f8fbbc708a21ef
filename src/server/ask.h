/*
 * What other threads of the process ask the workers: the embedding program's sends, pings, closes.
 *
 * Whoever asks pushes one request into the inbox of each worker that is concerned; the answers go
 * to main, which adds them up and completes the ask there: calls back, or wakes who waits. The
 * control socket's commands do the same with server/operation.h, from main.
 *
 * Thread: as said at each.
 * Owns:   an ask belongs to ask_workers() from the call on.
 */
#pragma once

#include "server/server.h"
#include "shard/request.h"
#include "wsmd/manager.h"

#define ASKS_MAX 65536 /* under way at once */

/* On the stack of a thread that waits. */
struct ask_waiter {
	_Atomic uint32_t is_done;
	struct wsmd_outcome outcome;
	struct conn_row row;
	bool has_row;
};

struct ask {
	struct inbox_item item; /* ITEM_ASKED: the last share ended outside of main */
	enum request_kind kind;
	enum target_kind target;
	_Atomic uint32_t waiting; /* answers still to come, and one while it is being asked */
	_Atomic int err;          /* of not being able to ask, or a worker's */
	struct wsmd_outcome outcome;
	wsmd_done_fn done; /* or NULL */
	void *user;
	struct ask_waiter *waiter; /* or NULL */
};

/* What a request of this ask has beside its target. */
struct ask_what {
	enum request_kind kind;
	struct msg *msg;  /* one reference is taken for each worker; NULL: none */
	const char *text; /* REQUEST_CLOSE; NULL: none */
};

/**
 * Ask. Thread: any.
 *
 * Returns: 0: it will be completed, once; negative: nobody was asked, and nothing follows:
 *          WSMD_ECLOSED: the gate is closed; WSMD_EFULL; WSMD_ENOMEM
 */
MUST_CHECK int ask_workers(struct server *s, const struct ask *model, const struct target *t,
                           const struct ask_what *what);

/* Sleep until @w is done. Thread: one of the embedding program. */
void ask_wait(struct ask_waiter *w);

/* An answer, or the item of the ask itself. */
void ask_on_answer(struct server *s, struct request *r) ON_MAIN;
void ask_on_item(struct server *s, struct ask *a) ON_MAIN;
