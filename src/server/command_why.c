/* why: ask every worker for what it remembers, then tell it in sentences. */
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "server/argument.h"
#include "server/command.h"
#include "server/operation.h"
#include "server/render_record.h"
#include "worker/why.h"

#define MAX_RECORDS 100

/* What is asked, and what the answers have brought so far. */
struct inquiry {
	struct why_context context;
	json_t *live, *ended;
	uint32_t left; /* ended connections still wanted */
	uint64_t held, oldest_wall_ms;
	char id[RECORDER_ID_TEXT]; /* the target as a recorder id; "": it is none */
	bool with_events, summed;
};

static void inquiry_free(struct inquiry *q)
{
	json_decref(q->live);
	json_decref(q->ended);
	free(q);
}

/* ---- asking ---- */

/* Where the target's records are; n_workers: anywhere. */
static uint32_t owner_of(const struct server *s, const struct target *t) ON_MAIN;
static uint32_t owner_of(const struct server *s, const struct target *t)
{
	const uint64_t hash = t->kind == TARGET_CONNECTION ? conn_id_hash48(&t->id)
	                                                   : shard_hash(&s->key, t->hub, t->hub_len,
	                                                                t->user, t->user_len);

	return shard_worker(hash, s->n_workers);
}

static int ask(struct server *s, struct operation *op, uint32_t worker, uint64_t from) ON_MAIN;
static int ask(struct server *s, struct operation *op, uint32_t worker, uint64_t from)
{
	const struct inquiry *q = op->inquiry;
	struct request *r = request_new(REQUEST_WHY);
	int err = WSMD_ENOMEM;

	if (r != NULL)
		r->why = calloc(1, sizeof(*r->why));
	if (r != NULL && r->why != NULL) {
		r->why->worker = worker;
		r->why->any = owner_of(s, &op->target) == worker;
		r->why->search = r->why->any || q->id[0] != '\0';
		r->why->wanted = q->left;
		r->why->from = from;
		memcpy(r->why->id, q->id, sizeof(q->id));
		err = operation_send(s, op, worker, r);
	}
	if (err < 0) {
		request_free(r);
		op->err = err;
	}
	return err;
}

/* ---- answers ---- */

static void take(struct inquiry *q, const struct why *y)
{
	for (uint32_t at = 0; at < y->used;) {
		const struct record *r = (const void *)(y->bytes + at);
		const bool is_live = r->ended_wall_ms == 0;

		at += r->bytes;
		if (!is_live && q->left == 0)
			continue;
		q->left -= !is_live;
		if (!is_live && r->reason == CLOSE_KICKED && !r->from_program)
			os_user_name(r->uid, q->context.uid_name, sizeof(q->context.uid_name));
		json_array_append_new(is_live ? q->live : q->ended,
		                      render_record(r, &q->context, q->with_events));
	}
}

static void sum_up(struct inquiry *q, const struct why *y)
{
	for (int i = 0; i < IDLE_LIMIT_COUNT; i++) {
		q->context.deaths.at[i] += y->deaths.at[i];
		q->context.deaths.near[i] += y->deaths.near[i];
	}
	q->held += y->held;
	if (y->held > 0 && (q->oldest_wall_ms == 0 || y->oldest_wall_ms < q->oldest_wall_ms))
		q->oldest_wall_ms = y->oldest_wall_ms;
}

static void nothing_known(struct server *s, struct control *c, const struct operation *op) ON_MAIN;
static void nothing_known(struct server *s, struct control *c, const struct operation *op)
{
	const struct target *t = &op->target;
	const struct inquiry *q = op->inquiry;
	char message[USER_NAME_MAX * 4 + HUB_NAME_BYTES + 64], user[USER_NAME_MAX * 4 + 8];
	char hint[200], since[TEXT_ISO8601];

	if (t->kind == TARGET_CONNECTION)
		snprintf(message, sizeof(message), "nothing is known of that connection");
	else
		snprintf(message, sizeof(message), "nothing is known of %s in hub %s",
		         text_escape(user, sizeof(user), t->user, t->user_len), t->hub);
	if (q->held > 0)
		snprintf(hint, sizeof(hint),
		         "%llu connections that ended are remembered, the first of them since %s; "
		         "recorder.closed_bytes is the memory for them",
		         (unsigned long long)q->held, text_iso8601(since, q->oldest_wall_ms));
	else if (server_conf(s)->recorder.closed_bytes == 0)
		snprintf(hint, sizeof(hint),
		         "recorder.closed_bytes is 0: no connection that ended is remembered");
	else
		snprintf(hint, sizeof(hint), "no connection has ended since the server started");
	control_fail(s, c, "not_found", message, hint, NULL);
}

static void reply(struct server *s, struct control *c, struct operation *op) ON_MAIN;
static void reply(struct server *s, struct control *c, struct operation *op)
{
	const struct inquiry *q = op->inquiry;

	if (json_array_size(q->live) + json_array_size(q->ended) > 0)
		control_reply(s, c,
		              json_pack("{s:O, s:O, s:I}", "live", q->live, "ended", q->ended,
		                        "held", (json_int_t)q->held));
	else if (op->err < 0)
		control_fail(s, c, operation_incomplete(op) ? "busy" : "internal",
		             "not every worker could be asked", "try again", NULL);
	else
		nothing_known(s, c, op);
}

/* A round of answers is in. The sums first: the sentences need them. */
static void finish(struct server *s, struct control *c, struct operation *op) ON_MAIN;
static void finish(struct server *s, struct control *c, struct operation *op)
{
	struct inquiry *q = op->inquiry;
	struct why *answers = op->whys;

	op->whys = NULL;
	for (const struct why *y = answers; y != NULL && !q->summed; y = y->after)
		sum_up(q, y);
	q->summed = true;
	for (struct why *y = answers, *after; y != NULL; y = after) {
		after = y->after;
		take(q, y);
		if (y->next != RECORD_NOWHERE && q->left > 0)
			(void)ask(s, op, y->worker, y->next); /* op->err says if it failed */
		free(y);
	}
	if (op->waiting > 0)
		return;
	reply(s, c, op);
	operation_free(op);
}

/* ---- the command ---- */

/* Recorder ids look like the connection ids they are a part of. */
static void read_id(json_t *args, char id[RECORDER_ID_TEXT])
{
	json_t *v = json_object_get(args, "target");
	const char *text = json_string_value(v);

	if (text != NULL && json_string_length(v) == RECORDER_ID_TEXT - 1 &&
	    strspn(text, "abcdefghijklmnopqrstuvwxyz234567") == RECORDER_ID_TEXT - 1)
		memcpy(id, text, RECORDER_ID_TEXT);
}

static struct inquiry *inquiry_new(const struct server *s, json_t *args, uint32_t wanted,
                                   bool with_events) ON_MAIN;
static struct inquiry *inquiry_new(const struct server *s, json_t *args, uint32_t wanted,
                                   bool with_events)
{
	struct inquiry *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->context.wall_ms = os_wall_ms();
	q->context.interval_ms = server_conf(s)->heartbeat.interval_ms;
	q->live = json_array();
	q->ended = json_array();
	q->left = wanted;
	q->with_events = with_events;
	read_id(args, q->id);
	return q;
}

void command_why(struct server *s, struct control *c, json_t *args)
{
	json_t *limit = json_object_get(args, "limit");
	const json_int_t wanted = limit == NULL ? 1 : json_integer_value(limit);
	struct target t = {0};
	bool with_events = false;
	struct operation *op;

	if (!argument_either(s, c, args, &t) || !argument_flag(s, c, args, "events", &with_events))
		return;
	if (wanted < 1 || wanted > MAX_RECORDS) {
		control_fail(s, c, "bad_request", "\"limit\" must be 1 to 100", NULL, NULL);
		return;
	}
	op = operation_new(s, c);
	if (op == NULL)
		return;
	op->target = t;
	op->finish = finish;
	op->inquiry = inquiry_new(s, args, (uint32_t)wanted, with_events);
	op->inquiry_free = inquiry_free;
	if (op->inquiry == NULL) {
		control_fail(s, c, "internal", "out of memory", NULL, NULL);
		operation_free(op);
		return;
	}
	for (uint32_t i = 0; i < s->n_workers; i++)
		(void)ask(s, op, i, RECORD_NOWHERE); /* op->err says if it failed */
	if (op->waiting == 0)
		operation_give_up(s, c, op);
}
