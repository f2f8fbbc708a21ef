/* What each command of the control protocol does. */
#include "server/command.h"

#include <errno.h>
#include <string.h>

#include <mbedtls/base64.h>

#include "base/err.h"
#include "base/text.h"
#include "server/operation.h"
#include "server/render.h"
#include "ws/receiver.h"
#include "wsmd/ctl.h"

#define DEFAULT_HUB "default"
#define MAX_ROWS    1000

/* ---- arguments ---- */

/* Copy a name; false and told, when it is no string or has a wrong length. */
static bool read_name(struct server *s, struct control *c, json_t *args, const char *key,
                      const char *fallback, char *dst, uint32_t cap, uint32_t *ret_len) ON_MAIN;
static bool read_name(struct server *s, struct control *c, json_t *args, const char *key,
                      const char *fallback, char *dst, uint32_t cap, uint32_t *ret_len)
{
	json_t *v = json_object_get(args, key);
	const char *text = v == NULL ? fallback : json_string_value(v);
	const size_t len = v == NULL ? strlen(fallback) : json_string_length(v);
	char message[128];

	if (text != NULL && len > 0 && len < cap && memchr(text, '\0', len) == NULL) {
		memcpy(dst, text, len + 1);
		*ret_len = (uint32_t)len;
		return true;
	}
	snprintf(message, sizeof(message), "\"%s\" must be a string of 1 to %u bytes", key,
	         cap - 1);
	control_fail(s, c, "bad_request", message, NULL, NULL);
	return false;
}

static bool read_hub(struct server *s, struct control *c, json_t *args, struct target *t) ON_MAIN;
static bool read_hub(struct server *s, struct control *c, json_t *args, struct target *t)
{
	return read_name(s, c, args, "hub", DEFAULT_HUB, t->hub, sizeof(t->hub), &t->hub_len);
}

static bool read_user(struct server *s, struct control *c, json_t *args, const char *key,
                      struct target *t) ON_MAIN;
static bool read_user(struct server *s, struct control *c, json_t *args, const char *key,
                      struct target *t)
{
	t->kind = TARGET_USER;
	return read_hub(s, c, args, t) &&
	       read_name(s, c, args, key, "", t->user, sizeof(t->user), &t->user_len);
}

static bool parse_connection(json_t *v, struct target *t)
{
	t->kind = TARGET_CONNECTION;
	return json_is_string(v) &&
	       conn_id_parse(json_string_value(v), json_string_length(v), &t->id);
}

static bool read_connection(struct server *s, struct control *c, json_t *args, struct target *t)
	ON_MAIN;
static bool read_connection(struct server *s, struct control *c, json_t *args, struct target *t)
{
	if (parse_connection(json_object_get(args, "connection"), t))
		return true;
	control_fail(s, c, "bad_request",
	             "\"connection\" must be a connection id: 26 characters a-z and 2-7",
	             "`wsmctl ls` shows them", NULL);
	return false;
}

/* A connection id if it looks like one, a user's name otherwise. */
static bool read_either(struct server *s, struct control *c, json_t *args, struct target *t)
	ON_MAIN;
static bool read_either(struct server *s, struct control *c, json_t *args, struct target *t)
{
	if (parse_connection(json_object_get(args, "target"), t))
		return true;
	return read_user(s, c, args, "target", t);
}

/* ---- stats, config ---- */

static void run_stats(struct server *s, struct control *c, json_t *args) ON_MAIN;
static void run_stats(struct server *s, struct control *c, json_t *args)
{
	struct stats_snapshot *now = malloc(sizeof(*now));

	(void)args;
	server_publish_stats(s);
	if (now == NULL || !stats_cell_read(&s->snapshot, now))
		control_fail(s, c, "internal", "out of memory", NULL, NULL);
	else
		control_reply(s, c, render_stats(s, now));
	free(now);
}

static void run_config(struct server *s, struct control *c, json_t *args) ON_MAIN;
static void run_config(struct server *s, struct control *c, json_t *args)
{
	(void)args;
	control_reply(s, c, render_conf(server_conf(s)));
}

/* ---- ls, show ---- */

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
	result = json_pack("{s:O}", "connections", op->rows);
	if (op->target.kind != TARGET_USER && op->worker < s->n_workers)
		json_object_set_new(result, "cursor",
		                    json_integer((json_int_t)op->worker << 32 | op->cursor));
	operation_free(op);
	control_reply(s, c, result);
}

static void run_ls(struct server *s, struct control *c, json_t *args) ON_MAIN;
static void run_ls(struct server *s, struct control *c, json_t *args)
{
	json_t *limit = json_object_get(args, "limit"), *cursor = json_object_get(args, "cursor");
	const json_int_t rows = limit == NULL ? MAX_ROWS : json_integer_value(limit);
	const json_int_t from = json_integer_value(cursor);
	struct operation *op;
	struct target t = {.kind = TARGET_EVERYONE};

	if (rows < 1 || rows > MAX_ROWS || from < 0 || from >> 32 >= s->n_workers) {
		control_fail(s, c, "bad_request",
		             "\"limit\" must be 1 to 1000, \"cursor\" what the last page gave",
		             NULL, NULL);
		return;
	}
	if (json_object_get(args, "user") != NULL) {
		if (!read_user(s, c, args, "user", &t))
			return;
	} else if (json_object_get(args, "hub") != NULL) {
		t.kind = TARGET_HUB;
		if (!read_hub(s, c, args, &t))
			return;
	}
	op = operation_new(s, c);
	if (op == NULL)
		return;
	op->target = t;
	op->finish = finish_ls;
	op->rows = json_array();
	op->room = (uint32_t)rows;
	op->cursor = (uint32_t)from;
	op->worker =
		t.kind == TARGET_USER
			? shard_worker(shard_hash(&s->key, t.hub, t.hub_len, t.user, t.user_len),
	                               s->n_workers)
			: (uint32_t)(from >> 32);
	operation_ask_page(s, c, op);
}

static void not_found(struct server *s, struct control *c, const struct target *t) ON_MAIN;
static void not_found(struct server *s, struct control *c, const struct target *t)
{
	char message[USER_NAME_MAX * 4 + HUB_NAME_BYTES + 64], user[USER_NAME_MAX * 4 + 8];

	if (t->kind == TARGET_CONNECTION)
		snprintf(message, sizeof(message), "no such connection");
	else
		snprintf(message, sizeof(message), "no such user: %s in hub %s",
		         text_escape(user, sizeof(user), t->user, t->user_len), t->hub);
	control_fail(s, c, "not_found", message, "`wsmctl ls` shows who is connected", NULL);
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
		not_found(s, c, &op->target);
	else
		control_reply(s, c, json_pack("{s:O}", "connections", op->rows));
	operation_free(op);
}

static void run_show(struct server *s, struct control *c, json_t *args) ON_MAIN;
static void run_show(struct server *s, struct control *c, json_t *args)
{
	struct target t = {0};
	struct operation *op;

	if (!read_either(s, c, args, &t))
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

/* ---- send ---- */

static void finish_send(struct server *s, struct control *c, struct operation *op) ON_MAIN;
static void finish_send(struct server *s, struct control *c, struct operation *op)
{
	json_t *result = json_pack("{s:i, s:i}", "delivered", (int)op->sum.delivered, "dropped",
	                           (int)op->sum.dropped);
	const char *reason = op->sum.matched == 0 ? op->not_found : "queue_full";

	if (op->sum.matched == 0)
		stats_add(&s->blocks[s->n_blocks - 1], STAT_NO_TARGET, 1);
	if (op->sum.delivered == 0) {
		json_object_set_new(result, "reason", json_string(reason));
		if (op->sum.matched == 0)
			json_object_set_new(result, "hint",
			                    json_string("`wsmctl ls` shows who is connected"));
	}
	operation_free(op);
	control_reply(s, c, result);
}

/* Who is meant: exactly one of user, connection, all. */
static bool read_send_target(struct server *s, struct control *c, json_t *args, struct target *t,
                             const char **ret_not_found) ON_MAIN;
static bool read_send_target(struct server *s, struct control *c, json_t *args, struct target *t,
                             const char **ret_not_found)
{
	const bool user = json_object_get(args, "user") != NULL;
	const bool connection = json_object_get(args, "connection") != NULL;
	const bool all = json_is_true(json_object_get(args, "all"));

	if (user + connection + all != 1) {
		control_fail(s, c, "bad_request",
		             "send needs exactly one of \"user\", \"connection\" and \"all\": true",
		             NULL, NULL);
		return false;
	}
	*ret_not_found = user         ? "no_such_user"
	                 : connection ? "no_such_connection"
	                              : "nobody_connected";
	if (user)
		return read_user(s, c, args, "user", t);
	if (connection)
		return read_connection(s, c, args, t);
	t->kind = TARGET_HUB;
	return read_hub(s, c, args, t);
}

static struct msg *decode_binary(const char *text, size_t len)
{
	size_t n = 0, cap = len / 4 * 3 + 3;
	unsigned char *bytes = malloc(cap);
	struct msg *m = NULL;

	if (bytes != NULL &&
	    mbedtls_base64_decode(bytes, cap, &n, (const unsigned char *)text, len) == 0)
		m = msg_new(WS_BINARY, bytes, (uint32_t)n);
	free(bytes);
	return m;
}

/* NULL, and the session is told why. */
static struct msg *read_payload(struct server *s, struct control *c, json_t *args) ON_MAIN;
static struct msg *read_payload(struct server *s, struct control *c, json_t *args)
{
	json_t *text = json_object_get(args, "text"), *binary = json_object_get(args, "binary");
	json_t *given = text != NULL ? text : binary;
	struct msg *m;

	if ((text != NULL) == (binary != NULL) || !json_is_string(given)) {
		control_fail(s, c, "bad_request",
		             "send needs exactly one of \"text\" and \"binary\" (base64), a string",
		             NULL, NULL);
		return NULL;
	}
	/* jansson has checked that a string is UTF-8. */
	m = text != NULL
	            ? msg_new(WS_TEXT, json_string_value(text), (uint32_t)json_string_length(text))
	            : decode_binary(json_string_value(binary), json_string_length(binary));
	if (m == NULL)
		control_fail(s, c, "bad_request", "\"binary\" is not valid base64", NULL, NULL);
	return m;
}

static void run_send(struct server *s, struct control *c, json_t *args) ON_MAIN;
static void run_send(struct server *s, struct control *c, json_t *args)
{
	struct target t = {0};
	const char *reason;
	struct operation *op;
	struct msg *m;

	if (!read_send_target(s, c, args, &t, &reason))
		return;
	m = read_payload(s, c, args);
	if (m == NULL)
		return;
	if (m->payload_len > server_conf(s)->limits.max_message_bytes) {
		control_fail(s, c, "too_large",
		             "the message is larger than limits.max_message_bytes", NULL, NULL);
		msg_put(m);
		return;
	}
	op = operation_new(s, c);
	if (op != NULL) {
		op->target = t;
		op->not_found = reason;
		op->finish = finish_send;
		stats_add(&s->blocks[s->n_blocks - 1], STAT_SENDS, 1);
		if (t.kind == TARGET_HUB)
			stats_add(&s->blocks[s->n_blocks - 1], STAT_BROADCASTS, 1);
		operation_ask(s, c, op, REQUEST_SEND, m, NULL);
	}
	msg_put(m);
}

/* ---- kick, ping ---- */

static void finish_kick(struct server *s, struct control *c, struct operation *op) ON_MAIN;
static void finish_kick(struct server *s, struct control *c, struct operation *op)
{
	if (op->sum.matched == 0)
		not_found(s, c, &op->target);
	else
		control_reply(s, c, json_pack("{s:i}", "closed", (int)op->sum.matched));
	operation_free(op);
}

static void run_kick(struct server *s, struct control *c, json_t *args) ON_MAIN;
static void run_kick(struct server *s, struct control *c, json_t *args)
{
	char reason[124] = "";
	uint32_t reason_len;
	struct target t = {0};
	struct operation *op;

	if (!read_either(s, c, args, &t) ||
	    !read_name(s, c, args, "reason", close_reason_text(CLOSE_KICKED), reason,
	               sizeof(reason), &reason_len))
		return;
	op = operation_new(s, c);
	if (op == NULL)
		return;
	op->target = t;
	op->finish = finish_kick;
	operation_ask(s, c, op, REQUEST_CLOSE, NULL, reason);
}

static void finish_ping(struct server *s, struct control *c, struct operation *op) ON_MAIN;
static void finish_ping(struct server *s, struct control *c, struct operation *op)
{
	switch (op->err) {
	case 0:
		control_reply(s, c, json_pack("{s:i}", "rtt_us", (int)op->rtt_us));
		break;
	case -ETIMEDOUT:
		control_fail(s, c, "timeout", "no pong came within 5 s", NULL, NULL);
		break;
	case WSMD_ECLOSED:
		control_fail(s, c, "not_found", "the connection ended before its pong came", NULL,
		             NULL);
		break;
	default:
		not_found(s, c, &op->target);
	}
	operation_free(op);
}

static void run_ping(struct server *s, struct control *c, json_t *args) ON_MAIN;
static void run_ping(struct server *s, struct control *c, json_t *args)
{
	struct target t = {0};
	struct operation *op;

	if (!read_connection(s, c, args, &t))
		return;
	op = operation_new(s, c);
	if (op == NULL)
		return;
	op->target = t;
	op->finish = finish_ping;
	operation_ask(s, c, op, REQUEST_PING, NULL, NULL);
}

/* ---- reload, drain ---- */

static void add_change(void *arg, const char *key, enum conf_change change, const char *was,
                       const char *is)
{
	json_array_append_new(arg, json_pack("{s:s, s:s, s:s, s:s}", "key", key, "outcome",
	                                     change == CONF_APPLIED ? "applied" : "needs_restart",
	                                     "was", was, "is", is));
}

static void run_reload(struct server *s, struct control *c, json_t *args) ON_MAIN;
static void run_reload(struct server *s, struct control *c, json_t *args)
{
	struct conf_faults faults = {0};
	json_t *changes = json_array(), *lines = json_array();
	const int err = server_reload(s, &faults, add_change, changes);

	(void)args;
	for (size_t i = 0; i < faults.n; i++)
		json_array_append_new(lines, json_string(faults.lines[i]));
	if (err == 0)
		control_reply(s, c, json_pack("{s:O}", "changes", changes));
	else
		control_fail(s, c, "refused",
		             "the new configuration is not valid; nothing was changed", NULL,
		             json_pack("{s:O}", "faults", lines));
	json_decref(changes);
	json_decref(lines);
	conf_faults_fini(&faults);
}

static void run_drain(struct server *s, struct control *c, json_t *args) ON_MAIN;
static void run_drain(struct server *s, struct control *c, json_t *args)
{
	uint64_t open = 0;

	(void)args;
	server_drain(s);
	for (uint32_t i = 0; i < s->n_blocks; i++)
		open += stats_get(&s->blocks[i], STAT_CONNECTIONS_ACTIVE);
	control_reply(s, c, json_pack("{s:I}", "connections", (json_int_t)open));
}

/* ---- the table ---- */

static const struct command {
	const char *name;
	void (*run)(struct server *s, struct control *c, json_t *args);
} commands[] = {
	{"stats", run_stats},   {"ls", run_ls},       {"show", run_show},
	{"send", run_send},     {"kick", run_kick},   {"ping", run_ping},
	{"reload", run_reload}, {"drain", run_drain}, {"config", run_config},
};

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void unknown(struct server *s, struct control *c, const char *name) ON_MAIN;
static void unknown(struct server *s, struct control *c, const char *name)
{
	const char *names[ARRAY_LEN(commands)], *nearest;
	char message[200], safe[100];

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		names[i] = commands[i].name;
	nearest = text_nearest(name, names, ARRAY_LEN(names));
	snprintf(message, sizeof(message), "unknown command \"%s\"%s%s",
	         text_escape(safe, sizeof(safe), name, strlen(name)),
	         nearest != NULL ? "; did you mean " : "", nearest != NULL ? nearest : "");
	control_fail(s, c, "unknown_command", message, NULL, NULL);
}

void command_run(struct server *s, struct control *c, json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "command"));
	json_t *args = json_object_get(request, "arguments");
	const struct command *command;

	if (json_integer_value(json_object_get(request, "version")) != WSMD_CTL_VERSION) {
		control_fail(s, c, "bad_request",
		             "this wsmd speaks version 1 of the control protocol", NULL, NULL);
	} else if (name == NULL || (args != NULL && !json_is_object(args))) {
		control_fail(s, c, "bad_request",
		             "a request is {\"version\":1,\"command\":NAME,\"arguments\":{...}}",
		             NULL, NULL);
	} else if ((command = find(name)) == NULL) {
		unknown(s, c, name);
	} else {
		command->run(s, c, args);
	}
}

struct control *command_on_answer(struct server *s, struct request *r)
{
	return operation_on_answer(s, r);
}
