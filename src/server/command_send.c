/* send: who is meant, what is sent, and what became of it. */
#include <string.h>

#include <mbedtls/base64.h>

#include "base/err.h"
#include "server/argument.h"
#include "server/command.h"
#include "server/operation.h"
#include "server/render.h"
#include "ws/receiver.h"

#define MAX_ROWS 1000 /* of connections, with "each" */

/* Why nobody got it. */
static const char *reason_of(const struct operation *op)
{
	const struct outcome *o = &op->sum;

	if (o->matched == 0)
		return o->excluded > 0 ? "all_excluded" : op->not_found;
	for (unsigned i = 0; i < DROP_REASON_COUNT; i++)
		if (o->dropped_for[i] > 0)
			return drop_reason_label((enum drop_reason)i);
	return NULL;
}

static const char *hint_of(const struct operation *op)
{
	if (op->sum.excluded > 0)
		return "everybody it was meant for is in the list of exceptions";
	if (op->target.kind == TARGET_GROUP)
		return "`wsmctl groups` lists the groups of a hub; a group exists while somebody "
		       "is in it; --hub names another hub";
	return "`wsmctl ls` shows who is connected, and in which hub; --hub names another one";
}

static void add_rows(json_t *result, const struct operation *op)
{
	if (op->rows == NULL)
		return;
	json_object_set(result, "each", op->rows);
	if (op->n_each > json_array_size(op->rows))
		json_object_set_new(result, "truncated", json_true());
}

static void finish_send(struct server *s, struct control *c, struct operation *op) ON_MAIN;
static void finish_send(struct server *s, struct control *c, struct operation *op)
{
	json_t *result = render_outcome(&op->sum);
	const char *reason = operation_incomplete(op) ? "busy"
	                     : op->sum.delivered == 0 ? reason_of(op)
	                                              : NULL;

	if (op->target.except != NULL)
		json_object_set_new(result, "excluded", json_integer(op->sum.excluded));
	if (op->target.kind != TARGET_CONNECTION)
		json_object_set_new(result, "hub", json_string(op->target.hub));
	add_rows(result, op);
	if (op->sum.matched == 0 && op->sum.excluded == 0)
		stats_add(server_stats(s), STAT_NO_TARGET, 1);
	if (reason != NULL)
		json_object_set_new(result, "reason", json_string(reason));
	if (op->sum.matched == 0)
		json_object_set_new(result, "hint", json_string(hint_of(op)));
	operation_free(op);
	control_reply(s, c, result);
}

/* Who is meant: exactly one of user, connection, group, all. */
static bool read_named(struct server *s, struct control *c, json_t *args, struct target *t,
                       const char **ret_not_found) ON_MAIN;
static bool read_named(struct server *s, struct control *c, json_t *args, struct target *t,
                       const char **ret_not_found)
{
	const bool user = json_object_get(args, "user") != NULL;
	const bool connection = json_object_get(args, "connection") != NULL;
	const bool group = json_object_get(args, "group") != NULL;
	bool all;

	if (!argument_flag(s, c, args, "all", &all))
		return false;
	if (user + connection + group + all != 1) {
		control_fail(s, c, "bad_request",
		             "send needs exactly one of \"user\", \"connection\", \"group\" and "
		             "\"all\": true",
		             NULL, NULL);
		return false;
	}
	*ret_not_found = user         ? "no_such_user"
	                 : connection ? "no_such_connection"
	                 : group      ? "no_such_group"
	                              : "nobody_connected";
	if (user)
		return argument_user(s, c, args, "user", t);
	if (connection)
		return argument_connection(s, c, args, t);
	t->kind = group ? TARGET_GROUP : TARGET_HUB;
	return argument_hub(s, c, args, t) && (!group || argument_group(s, c, args, t));
}

/* The target, who is left out of it, and whether each of it is told. */
static bool read_send_target(struct server *s, struct control *c, json_t *args,
                             struct operation *op) ON_MAIN;
static bool read_send_target(struct server *s, struct control *c, json_t *args,
                             struct operation *op)
{
	struct target *t = &op->target;
	const char *fault = NULL;
	bool each;

	if (!read_named(s, c, args, t, &op->not_found) || !argument_except(s, c, args, t) ||
	    !argument_flag(s, c, args, "each", &each))
		return false;
	if (t->kind == TARGET_CONNECTION && t->except != NULL)
		fault = "\"except\" leaves somebody out of \"user\", \"group\" or \"all\", not of "
			"\"connection\"";
	else if (t->kind == TARGET_HUB && each)
		fault = "\"each\" is for \"user\", \"group\" and \"connection\": with \"all\" it "
			"could be everybody";
	if (fault != NULL) {
		control_fail(s, c, "bad_request", fault, NULL, NULL);
		return false;
	}
	if (!each)
		return true;
	op->room = MAX_ROWS;
	op->rows = json_array();
	if (op->rows == NULL)
		control_fail(s, c, "internal", err_text(WSMD_ENOMEM), NULL, NULL);
	return op->rows != NULL;
}

static int make_msg(uint8_t opcode, const void *bytes, size_t len, struct msg **ret)
{
	struct msg *m = msg_new(opcode, bytes, (uint32_t)len);

	if (m == NULL)
		return WSMD_ENOMEM;
	*ret = m;
	return 0;
}

static int decode_binary(const char *text, size_t len, struct msg **ret)
{
	size_t n = 0, cap = len / 4 * 3 + 3;
	unsigned char *bytes = malloc(cap);
	int err = WSMD_EINVAL;

	/* mbedTLS would also take a text whose padding is incomplete. */
	if (bytes == NULL)
		err = WSMD_ENOMEM;
	else if (len % 4 == 0 &&
	         mbedtls_base64_decode(bytes, cap, &n, (const unsigned char *)text, len) == 0)
		err = make_msg(WS_BINARY, bytes, n, ret);
	free(bytes);
	return err;
}

/* NULL, and the session is told why. */
static struct msg *read_payload(struct server *s, struct control *c, json_t *args) ON_MAIN;
static struct msg *read_payload(struct server *s, struct control *c, json_t *args)
{
	json_t *text = json_object_get(args, "text"), *binary = json_object_get(args, "binary");
	json_t *given = text != NULL ? text : binary;
	struct msg *m = NULL;
	int err;

	if ((text != NULL) == (binary != NULL) || !json_is_string(given)) {
		control_fail(s, c, "bad_request",
		             "send needs exactly one of \"text\" and \"binary\" (base64), a string",
		             NULL, NULL);
		return NULL;
	}
	/* jansson has checked that a string is UTF-8. */
	if (text != NULL)
		err = make_msg(WS_TEXT, json_string_value(text), json_string_length(text), &m);
	else
		err = decode_binary(json_string_value(binary), json_string_length(binary), &m);
	if (err == WSMD_EINVAL)
		control_fail(s, c, "bad_request", "\"binary\" is not valid base64", NULL, NULL);
	else if (err < 0)
		control_fail(s, c, "internal", err_text(err), NULL, NULL);
	return m;
}

/* NULL, and the session is told why: the message is as long as a peer may send one. */
static struct msg *read_message(struct server *s, struct control *c, json_t *args) ON_MAIN;
static struct msg *read_message(struct server *s, struct control *c, json_t *args)
{
	struct msg *m = read_payload(s, c, args);

	if (m == NULL || m->payload_len <= server_conf(s)->limits.max_message_bytes)
		return m;
	control_fail(s, c, "too_large", "the message is larger than limits.max_message_bytes", NULL,
	             NULL);
	msg_put(m);
	return NULL;
}

void command_send(struct server *s, struct control *c, json_t *args)
{
	struct operation *op = operation_new(s, c);
	struct msg *m;

	if (op == NULL)
		return;
	if (!read_send_target(s, c, args, op) || (m = read_message(s, c, args)) == NULL) {
		operation_free(op);
		return;
	}
	op->finish = finish_send;
	stats_add(server_stats(s), STAT_SENDS, 1);
	if (op->target.kind == TARGET_HUB)
		stats_add(server_stats(s), STAT_BROADCASTS, 1);
	operation_ask(s, c, op, REQUEST_SEND, m, NULL);
	msg_put(m);
}
