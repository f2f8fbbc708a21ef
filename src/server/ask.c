/* Asking from outside, and completing on main. */
#include "server/ask.h"

#include <string.h>

#include "base/err.h"

#define PING_WAIT_MS 5000

static void count(struct server *s, const struct ask *a) ON_MAIN;
static void count(struct server *s, const struct ask *a)
{
	if (a->kind != REQUEST_SEND)
		return;
	stats_add(server_stats(s), STAT_SENDS, 1);
	if (a->target == TARGET_HUB)
		stats_add(server_stats(s), STAT_BROADCASTS, 1);
	if (a->outcome.matched == 0)
		stats_add(server_stats(s), STAT_NO_TARGET, 1);
}

/* Everybody has answered. */
static void complete(struct server *s, struct ask *a) ON_MAIN;
static void complete(struct server *s, struct ask *a)
{
	struct wsmd_outcome *o = &a->outcome;

	o->size = sizeof(*o);
	/* Acquire: the asker's word comes before its share ended. */
	o->error = atomic_load_explicit(&a->err, memory_order_acquire);
	if (o->error == 0 && o->refused > 0)
		o->error = WSMD_EFULL;
	if (o->error == 0 && o->matched == 0 && o->excluded == 0)
		o->error = WSMD_ENOENT;
	count(s, a);
	/* Relaxed: it only bounds. */
	atomic_fetch_sub_explicit(&s->asks, 1, memory_order_relaxed);
	if (a->done != NULL)
		a->done(a->user, o);
	if (a->waiter != NULL) {
		a->waiter->outcome = *o;
		/* Release: with all that is in it. From then on it may be gone. */
		atomic_store_explicit(&a->waiter->is_done, 1, memory_order_release);
		os_word_wake(&a->waiter->is_done);
	}
	free(a);
}

/* True: it was the last one. */
static bool end_share(struct ask *a)
{
	/* Both ways: each share's end comes before the completion. */
	return atomic_fetch_sub_explicit(&a->waiting, 1, memory_order_acq_rel) == 1;
}

static void add_up(struct wsmd_outcome *o, const struct request *r)
{
	const struct outcome *part = &r->outcome;

	o->matched += part->matched;
	o->excluded += part->excluded;
	o->delivered += part->delivered;
	o->queued += part->queued;
	o->dropped += part->dropped;
	o->dropped_queue_full += part->dropped_for[DROP_QUEUE_FULL];
	o->dropped_no_memory += part->dropped_for[DROP_NO_MEMORY];
	o->dropped_closing += part->dropped_for[DROP_CLOSING];
	o->dropped_policy += part->dropped_for[DROP_POLICY];
	o->user_seq += part->user_seq;
	o->changed += r->joins[JOIN_DONE] + r->left;
	o->refused += r->joins[JOIN_REFUSED_CONNECTION] + r->joins[JOIN_REFUSED_HUB] +
	              r->joins[JOIN_NO_MEMORY];
	o->rtt_us = r->rtt_us;
}

void ask_on_answer(struct server *s, struct request *r)
{
	struct ask *a = r->context;

	add_up(&a->outcome, r);
	if (r->err < 0)
		atomic_store_explicit(&a->err, r->err, memory_order_relaxed);
	if (a->waiter != NULL && r->n_rows > 0) {
		a->waiter->row = r->rows[0];
		a->waiter->has_row = true;
		a->outcome.matched = 1;
	}
	request_free(r);
	if (end_share(a))
		complete(s, a);
}

void ask_on_item(struct server *s, struct ask *a)
{
	complete(s, a);
}

/* ---- asking ---- */

static struct request *make_request(struct server *s, struct ask *a, const struct target *t,
                                    const struct ask_what *what)
{
	struct request *r = request_new(what->kind);

	if (r == NULL)
		return NULL;
	if (target_copy(&r->target, t) < 0)
		goto fail;
	r->reply_to = &s->inbox;
	r->context = a;
	r->from_program = true;
	r->msg = what->msg == NULL ? NULL : msg_get(what->msg);
	r->until_ms = os_now_ms() + PING_WAIT_MS;
	if (what->text != NULL)
		snprintf(r->text, sizeof(r->text), "%s", what->text);
	if (what->kind == REQUEST_LIST) {
		r->rows = calloc(1, sizeof(*r->rows));
		r->max_rows = 1;
		if (r->rows == NULL)
			goto fail;
	}
	return r;

fail:
	request_free(r);
	return NULL;
}

/* All or nobody: memory does not run out between two of them. */
static int make_requests(struct server *s, struct ask *a, const struct target *t,
                         const struct ask_what *what, struct request **ret, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		ret[i] = make_request(s, a, t, what);
		if (ret[i] != NULL)
			continue;
		while (i-- > 0)
			request_free(ret[i]);
		return WSMD_ENOMEM;
	}
	return 0;
}

/* How many were asked; the others' requests are freed. */
static uint32_t push_all(struct server *s, struct ask *a, struct request **requests, uint32_t first,
                         uint32_t n)
{
	uint32_t asked = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (inbox_push(s->worker_inboxes[first + i], &requests[i]->item) == 0) {
			asked++;
			continue;
		}
		request_free(requests[i]);
		atomic_store_explicit(&a->err, WSMD_EFULL, memory_order_relaxed);
		(void)end_share(a); /* never the last: ours is */
	}
	return asked;
}

/* Inside of the gate. */
static int ask_inside(struct server *s, const struct ask *model, const struct target *t,
                      const struct ask_what *what)
{
	struct request *requests[STATS_MAX_WORKERS];
	struct ask *a = malloc(sizeof(*a));
	uint32_t first, n;
	int err;

	if (a == NULL)
		return WSMD_ENOMEM;
	*a = *model;
	a->kind = what->kind;
	a->target = t->kind;
	server_workers_of(s, t, &first, &n);
	err = make_requests(s, a, t, what, requests, n);
	if (err < 0) {
		free(a);
		return err;
	}
	atomic_init(&a->waiting, n + 1);
	atomic_init(&a->err, 0);
	if (push_all(s, a, requests, first, n) == 0) {
		free(a);
		return WSMD_EFULL;
	}
	if (end_share(a)) {
		a->item.kind = ITEM_ASKED;
		inbox_push_always(&s->inbox, &a->item);
	}
	return 0;
}

int ask_workers(struct server *s, const struct ask *model, const struct target *t,
                const struct ask_what *what)
{
	int err = WSMD_EFULL;

	if (!gate_enter(&s->gate))
		return WSMD_ECLOSED;
	/* Relaxed: it only bounds. */
	if (atomic_fetch_add_explicit(&s->asks, 1, memory_order_relaxed) < ASKS_MAX)
		err = ask_inside(s, model, t, what);
	if (err < 0)
		atomic_fetch_sub_explicit(&s->asks, 1, memory_order_relaxed);
	gate_leave(&s->gate);
	return err;
}

void ask_wait(struct ask_waiter *w)
{
	while (atomic_load_explicit(&w->is_done, memory_order_acquire) == 0)
		os_word_wait(&w->is_done, 0, UINT32_MAX);
}
