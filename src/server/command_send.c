/* send: who is meant, what is sent, and what became of it. */
#include <string.h>

#include <mbedtls/base64.h>

#include "base/err.h"
#include "server/argument.h"
#include "server/command.h"
#include "server/operation.h"
#include "ws/receiver.h"

static void finish_send(struct server *s, struct control *c, struct operation *op) ON_MAIN;
static void finish_send(struct server *s, struct control *c, struct operation *op)
{
	json_t *result = json_pack("{s:i, s:i}", "delivered", (int)op->sum.delivered, "dropped",
	                           (int)op->sum.dropped);
	const char *reason = op->sum.matched == 0 ? op->not_found : "queue_full";

	if (operation_incomplete(op))
		reason = "busy";
	if (op->target.kind != TARGET_CONNECTION)
		json_object_set_new(result, "hub", json_string(op->target.hub));
	if (op->sum.matched == 0)
		stats_add(server_stats(s), STAT_NO_TARGET, 1);
	if (op->sum.delivered == 0 || operation_incomplete(op)) {
		json_object_set_new(result, "reason", json_string(reason));
		if (op->sum.matched == 0)
			json_object_set_new(result, "hint",
			                    json_string("`wsmctl ls` shows who is connected, and "
			                                "in which hub; --hub names another one"));
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
		return argument_user(s, c, args, "user", t);
	if (connection)
		return argument_connection(s, c, args, t);
	t->kind = TARGET_HUB;
	return argument_hub(s, c, args, t);
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

void command_send(struct server *s, struct control *c, json_t *args)
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
		stats_add(server_stats(s), STAT_SENDS, 1);
		if (t.kind == TARGET_HUB)
			stats_add(server_stats(s), STAT_BROADCASTS, 1);
		operation_ask(s, c, op, REQUEST_SEND, m, NULL);
	}
	msg_put(m);
}
