/* kick and ping: things done to connections. */
#include <errno.h>

#include "base/err.h"
#include "server/argument.h"
#include "server/command.h"
#include "server/operation.h"

static void finish_kick(struct server *s, struct control *c, struct operation *op) ON_MAIN;
static void finish_kick(struct server *s, struct control *c, struct operation *op)
{
	if (op->sum.matched == 0)
		argument_not_found(s, c, &op->target);
	else
		control_reply(s, c, json_pack("{s:i}", "closed", (int)op->sum.matched));
	operation_free(op);
}

void command_kick(struct server *s, struct control *c, json_t *args)
{
	char reason[124] = "";
	uint32_t reason_len;
	struct target t = {0};
	struct operation *op;

	if (!argument_either(s, c, args, &t) ||
	    !argument_name(s, c, args, "reason", close_reason_text(CLOSE_KICKED), reason,
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
		argument_not_found(s, c, &op->target);
	}
	operation_free(op);
}

void command_ping(struct server *s, struct control *c, json_t *args)
{
	struct target t = {0};
	struct operation *op;

	if (!argument_connection(s, c, args, &t))
		return;
	op = operation_new(s, c);
	if (op == NULL)
		return;
	op->target = t;
	op->finish = finish_ping;
	operation_ask(s, c, op, REQUEST_PING, NULL, NULL);
}
