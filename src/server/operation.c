/* Asking workers and adding up their answers. */
#include "server/operation.h"

#include <string.h>

#include "base/err.h"
#include "server/render.h"
#include "worker/why.h"

#define PING_WAIT_MS 5000
#define PAGE_ROWS    256
#define NAMES_BYTES  (64 * 1024) /* of groups, in one page */

struct operation *operation_new(struct server *s, struct control *c)
{
	struct operation *op = calloc(1, sizeof(*op));

	if (op == NULL)
		control_fail(s, c, "internal", "out of memory", NULL, NULL);
	else
		*op = (struct operation){.control = slab_handle_of(c), .answer = c->current};
	return op;
}

static void free_pages(struct operation *op)
{
	for (uint32_t i = 0; op->pages != NULL && i < op->n_pages; i++)
		free(op->pages[i]);
	free(op->pages);
}

static void free_whys(struct operation *op)
{
	for (struct why *y = op->whys, *after; y != NULL; y = after) {
		after = y->after;
		free(y);
	}
	if (op->inquiry != NULL)
		op->inquiry_free(op->inquiry);
}

void operation_free(struct operation *op)
{
	free_pages(op);
	free_whys(op);
	json_decref(op->rows);
	free(op->ranking);
	free(op->best);
	target_fini(&op->target);
	free(op);
}

bool operation_incomplete(const struct operation *op)
{
	return op->err == WSMD_EFULL || op->err == WSMD_ENOMEM;
}

int operation_send(struct server *s, struct operation *op, uint32_t worker, struct request *r)
{
	int err;

	/* The order to stop is the last thing that a worker is told: it may be gone after it. */
	if (s->phase > SERVER_STOPPING_ACCEPTOR)
		return WSMD_ECLOSED;
	r->reply_to = &s->inbox;
	r->context = op;
	err = target_copy(&r->target, &op->target);
	if (err < 0)
		return err;
	err = inbox_push(s->worker_inboxes[worker], &r->item);
	if (err == 0)
		op->waiting++;
	else
		stats_add(server_stats(s), STAT_INBOX_FULL, 1);
	return err;
}

/* What the answer is written into. False: out of memory. */
static bool make_room(struct request *r, const struct operation *op)
{
	if (r->kind == REQUEST_SEND && op->room > 0) {
		r->max_each = op->room;
		r->each = calloc(r->max_each, sizeof(*r->each));
		return r->each != NULL;
	}
	if (r->kind == REQUEST_RANK) {
		r->max_rows = op->room;
		r->rows = calloc(r->max_rows, sizeof(*r->rows));
		r->ranking = ranking_new(op->ranking->key, op->ranking->reverse, op->room);
		return r->rows != NULL && r->ranking != NULL;
	}
	if (r->kind != REQUEST_GROUPS)
		return true;
	r->groups = malloc(sizeof(*r->groups) + op->room * sizeof(r->groups->rows[0]));
	if (r->groups == NULL)
		return false;
	*r->groups = (struct group_page){.max = op->room, .after_len = op->after_len};
	memcpy(r->groups->after, op->after, op->after_len);
	return true;
}

static struct request *make_request(const struct server *s, const struct operation *op,
                                    enum request_kind kind, struct msg *msg, const char *text)
	ON_MAIN;
static struct request *make_request(const struct server *s, const struct operation *op,
                                    enum request_kind kind, struct msg *msg, const char *text)
{
	struct request *r = request_new(kind);

	if (r == NULL || !make_room(r, op)) {
		request_free(r);
		return NULL;
	}
	r->msg = msg == NULL ? NULL : msg_get(msg);
	r->until_ms = s->now_ms + PING_WAIT_MS;
	r->heartbeat = op->heartbeat;
	if (text != NULL)
		snprintf(r->text, sizeof(r->text), "%s", text);
	return r;
}

/* Nothing was done: trying again does no harm. */
void operation_give_up(struct server *s, struct control *c, struct operation *op)
{
	switch (op->err) {
	case WSMD_EFULL:
		control_fail(s, c, "busy", "a worker's inbox is full",
		             "try again, or raise limits.inbox_items", NULL);
		break;
	case WSMD_ECLOSED:
		control_fail(s, c, "refused", "the server is stopping", NULL, NULL);
		break;
	default:
		control_fail(s, c, "internal", err_text(op->err), NULL, NULL);
	}
	operation_free(op);
}

void operation_ask(struct server *s, struct control *c, struct operation *op,
                   enum request_kind kind, struct msg *msg, const char *text)
{
	uint32_t first, n;

	server_workers_of(s, &op->target, &first, &n);
	for (uint32_t i = first; i < first + n; i++) {
		struct request *r = make_request(s, op, kind, msg, text);
		int err = WSMD_ENOMEM;

		if (r != NULL) {
			r->uid = c->uid;
			err = operation_send(s, op, i, r);
		}
		if (err < 0) {
			request_free(r);
			op->err = err; /* no reason to leave out the others */
		}
	}
	if (op->waiting == 0)
		operation_give_up(s, c, op);
}

void operation_ask_page(struct server *s, struct control *c, struct operation *op)
{
	struct request *r = make_request(s, op, REQUEST_LIST, NULL, NULL);
	uint32_t rows = op->room;
	int err = WSMD_ENOMEM;

	/* A user's connections come in one page: a walk of his list has no place to go on from.
	 * One more than wanted tells whether it is cut. */
	if (op->target.kind == TARGET_USER)
		rows++;
	else if (rows > PAGE_ROWS)
		rows = PAGE_ROWS;
	if (r != NULL) {
		r->cursor = op->cursor;
		r->max_rows = rows;
		r->rows = calloc(rows, sizeof(*r->rows));
		if (op->detailed) {
			r->names_cap = NAMES_BYTES;
			r->names = malloc(r->names_cap);
		}
		if (r->rows != NULL && (r->names != NULL || !op->detailed))
			err = operation_send(s, op, op->worker, r);
	}
	if (err < 0) {
		request_free(r);
		op->err = err;
		operation_give_up(s, c, op);
	}
}

static int compare_weights(const void *a, const void *b)
{
	const struct conn_row *x = a, *y = b;

	return x->weight == y->weight ? 0 : x->weight > y->weight ? -1 : 1;
}

/* Both are in order, and so is the result: as many as there is room for. */
static void merge(struct operation *op, const struct request *r)
{
	const size_t n = op->n_best + r->n_rows;
	struct conn_row *best;

	if (r->n_rows == 0)
		return;
	best = realloc(op->best, n * sizeof(*best));
	if (best == NULL) {
		op->err = WSMD_ENOMEM;
		return;
	}
	memcpy(best + op->n_best, r->rows, r->n_rows * sizeof(*best));
	qsort(best, n, sizeof(*best), compare_weights);
	op->best = best;
	op->n_best = n < op->room ? (uint32_t)n : op->room;
}

static void add_up(struct operation *op, struct request *r)
{
	if (op->ranking != NULL) {
		merge(op, r);
		op->sum.matched += r->outcome.matched;
		return;
	}
	outcome_add(&op->sum, &r->outcome);
	for (unsigned i = 0; i < JOIN_RESULT_COUNT; i++)
		op->joins[i] += r->joins[i];
	op->left += r->left;
	op->rtt_us = r->rtt_us;
	op->heartbeat = r->heartbeat;
	op->cursor = r->cursor;
	if (r->err < 0)
		op->err = r->err;
	op->truncated = r->n_rows > op->room;
	for (uint32_t i = 0; i < r->n_rows && op->room > 0; i++, op->room--)
		json_array_append_new(op->rows, render_row(&r->rows[i], r->names));
	op->n_each += r->n_each;
	for (uint32_t i = 0; i < r->n_each && i < r->max_each && op->room > 0; i++, op->room--)
		json_array_append_new(op->rows, render_outcome_row(&r->each[i]));
	if (r->why != NULL) {
		r->why->after = op->whys;
		op->whys = r->why;
		r->why = NULL;
	}
	if (op->pages != NULL) {
		op->pages[op->n_pages++] = r->groups;
		r->groups = NULL;
	}
}

struct control *operation_on_answer(struct server *s, struct request *r)
{
	struct operation *op = r->context;
	struct control *c = slab_get(&s->controls, op->control);

	add_up(op, r);
	request_free(r);
	if (--op->waiting > 0)
		return NULL;
	if (c != NULL)
		c->current = op->answer;
	if (c == NULL)
		operation_free(op);
	else if (operation_incomplete(op) && op->sum.matched == 0 && op->whys == NULL)
		operation_give_up(s, c, op);
	else
		op->finish(s, c, op);
	return c;
}
