/* heartbeat: an interval and a timeout for one connection. */
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "conf/value.h"
#include "server/argument.h"
#include "server/command.h"
#include "server/operation.h"
#include "server/render.h"

/* As the key of the configuration allows it; absent: 0, which is not allowed. */
static bool read_seconds(struct server *s, struct control *c, json_t *args, const char *name,
                         uint32_t *ret_ms) ON_MAIN;
static bool read_seconds(struct server *s, struct control *c, json_t *args, const char *name,
                         uint32_t *ret_ms)
{
	json_t *v = json_object_get(args, name);
	const double seconds = json_number_value(v);
	char key[KEY_TEXT_MAX], expect[VALUE_EXPECT_MAX], message[VALUE_EXPECT_MAX + 64];
	const struct conf_key *k;

	if (v == NULL)
		return true;
	snprintf(key, sizeof(key), "heartbeat.%s", name);
	k = schema_find(key);
	if (json_is_number(v) && seconds >= k->min && seconds <= k->max) {
		*ret_ms = (uint32_t)(seconds * MS_PER_S + 0.5);
		return true;
	}
	snprintf(message, sizeof(message), "\"%s\" must be %s", name, value_expect(k, expect));
	control_fail(s, c, "bad_request", message, NULL, NULL);
	return false;
}

static void refuse(struct server *s, struct control *c, const struct heartbeat *h) ON_MAIN;
static void refuse(struct server *s, struct control *c, const struct heartbeat *h)
{
	char message[160];

	snprintf(message, sizeof(message),
	         "the timeout must be greater than the interval: %g s is not more than %g s, and a "
	         "healthy connection would be closed",
	         (double)h->timeout_ms / MS_PER_S, (double)h->interval_ms / MS_PER_S);
	control_fail(s, c, "bad_request", message, "set both at once", NULL);
}

static void finish_heartbeat(struct server *s, struct control *c, struct operation *op) ON_MAIN;
static void finish_heartbeat(struct server *s, struct control *c, struct operation *op)
{
	if (op->sum.matched == 0)
		argument_not_found(s, c, &op->target);
	else if (op->err == WSMD_EINVAL)
		refuse(s, c, &op->heartbeat);
	else if (op->err < 0)
		control_fail(s, c, "internal", "out of memory; nothing was changed", NULL, NULL);
	else
		control_reply(s, c, render_heartbeat(&op->heartbeat));
	operation_free(op);
}

void command_heartbeat(struct server *s, struct control *c, json_t *args)
{
	struct target t = {0};
	struct heartbeat h = {0};
	struct operation *op;

	if (!argument_connection(s, c, args, &t) || !argument_flag(s, c, args, "reset", &h.reset) ||
	    !read_seconds(s, c, args, "interval_s", &h.interval_ms) ||
	    !read_seconds(s, c, args, "timeout_s", &h.timeout_ms))
		return;
	if (h.reset && (h.interval_ms != 0 || h.timeout_ms != 0)) {
		control_fail(s, c, "bad_request",
		             "\"reset\" goes without \"interval_s\" and \"timeout_s\"", NULL, NULL);
		return;
	}
	op = operation_new(s, c);
	if (op == NULL)
		return;
	op->target = t;
	op->heartbeat = h;
	op->finish = finish_heartbeat;
	operation_ask(s, c, op, REQUEST_HEARTBEAT, NULL, NULL);
}
