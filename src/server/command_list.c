/* ls and show: rows of connections, page by page, worker by worker. */
#include "server/argument.h"
#include "server/command.h"
#include "server/operation.h"

#define MAX_ROWS 1000

static json_t *rows_result(const struct operation *op)
{
	json_t *result = json_pack("{s:O}", "connections", op->rows);

	if (op->truncated)
		json_object_set_new(result, "truncated", json_true());
	return result;
}

static void finish_ls(struct server *s, struct control *c, struct operation *op) ON_MAIN;
static void finish_ls(struct server *s, struct control *c, struct operation *op)
{
	json_t *result;

	if (op->cursor == 0)
		op->worker++; /* this one has no more */
	if (op->target.kind != TARGET_USER && op->room > 0 && op->worker < s->n_workers) {
		operation_ask_page(s, c, op);
		return;
	}
	result = rows_result(op);
	if (op->target.kind != TARGET_USER && op->worker < s->n_workers)
		json_object_set_new(result, "cursor",
		                    json_integer((json_int_t)op->worker << 32 | op->cursor));
	operation_free(op);
	control_reply(s, c, result);
}

static void begin_ls(struct server *s, struct control *c, json_t *args, const struct target *t)
	ON_MAIN;
static void begin_ls(struct server *s, struct control *c, json_t *args, const struct target *t)
{
	json_t *limit = json_object_get(args, "limit"), *cursor = json_object_get(args, "cursor");
	const json_int_t rows = limit == NULL ? MAX_ROWS : json_integer_value(limit);
	const json_int_t from = json_integer_value(cursor);
	struct operation *op;

	if ((cursor != NULL && !json_is_integer(cursor)) || rows < 1 || rows > MAX_ROWS ||
	    from < 0 || from >> 32 >= s->n_workers) {
		control_fail(s, c, "bad_request",
		             "\"limit\" must be 1 to 1000, \"cursor\" what the last page gave",
		             NULL, NULL);
		return;
	}
	op = operation_new(s, c);
	if (op == NULL)
		return;
	op->target = *t;
	op->finish = finish_ls;
	op->rows = json_array();
	op->room = (uint32_t)rows;
	op->cursor = (uint32_t)from;
	op->worker = t->kind == TARGET_USER ? shard_worker(shard_hash(&s->key, t->hub, t->hub_len,
	                                                              t->user, t->user_len),
	                                                   s->n_workers)
	                                    : (uint32_t)(from >> 32);
	operation_ask_page(s, c, op);
}

void command_ls(struct server *s, struct control *c, json_t *args)
{
	struct target t = {.kind = TARGET_EVERYONE};

	if (json_object_get(args, "user") != NULL) {
		if (!argument_user(s, c, args, "user", &t))
			return;
	} else if (json_object_get(args, "hub") != NULL) {
		t.kind = TARGET_HUB;
		if (!argument_hub(s, c, args, &t))
			return;
	}
	if (json_object_get(args, "sort") != NULL)
		command_rank(s, c, args, &t);
	else
		begin_ls(s, c, args, &t);
}

static void ask_rows_of(struct server *s, struct control *c, struct operation *op) ON_MAIN;
static void ask_rows_of(struct server *s, struct control *c, struct operation *op)
{
	const struct target *t = &op->target;
	const uint64_t hash = t->kind == TARGET_CONNECTION ? conn_id_hash48(&t->id)
	                                                   : shard_hash(&s->key, t->hub, t->hub_len,
	                                                                t->user, t->user_len);

	op->worker = shard_worker(hash, s->n_workers);
	op->cursor = 0;
	op->room = MAX_ROWS;
	operation_ask_page(s, c, op);
}

static void finish_show(struct server *s, struct control *c, struct operation *op) ON_MAIN;
static void finish_show(struct server *s, struct control *c, struct operation *op)
{
	if (json_array_size(op->rows) == 0)
		argument_not_found(s, c, &op->target);
	else
		control_reply(s, c, rows_result(op));
	operation_free(op);
}

void command_show(struct server *s, struct control *c, json_t *args)
{
	struct target t = {0};
	struct operation *op;

	if (!argument_either(s, c, args, &t))
		return;
	op = operation_new(s, c);
	if (op == NULL)
		return;
	op->target = t;
	op->finish = finish_show;
	op->rows = json_array();
	op->detailed = true;
	ask_rows_of(s, c, op);
}
