/* Sending, joining, leaving, closing, pinging: from a target to what became of it. */
#include <string.h>

#include "base/err.h"
#include "server/ask.h"
#include "server/manager.h"
#include "server/sized.h"
#include "ws/receiver.h"
#include "ws/utf8.h"

#define REASON_MAX 123

static_assert((int)WSMD_TEXT == WS_TEXT && (int)WSMD_BINARY == WS_BINARY, "as in the header");

/* ---- what the caller gave ---- */

static bool is_utf8(const void *text, size_t len)
{
	uint8_t state = WS_UTF8_WHOLE;

	return ws_utf8_check(&state, text, len) == len && state == WS_UTF8_WHOLE;
}

int manager_read_hub(const char *hub, char dst[HUB_NAME_BYTES], uint32_t *ret_len)
{
	const char *name = hub == NULL ? "default" : hub;
	const size_t len = strnlen(name, HUB_NAME_BYTES);

	if (name[0] == '*' || len == HUB_NAME_BYTES || !conf_hub_name_valid(name, len))
		return WSMD_EINVAL;
	memcpy(dst, name, len + 1);
	*ret_len = (uint32_t)len;
	return 0;
}

int manager_read_user(const char *user, char dst[USER_NAME_MAX + 1], uint32_t *ret_len)
{
	const size_t len = strnlen(user, USER_NAME_MAX + 1);

	/* As on a listener: what is not UTF-8 cannot be told in JSON. */
	if (len == 0 || len > USER_NAME_MAX || !is_utf8(user, len))
		return WSMD_EINVAL;
	memcpy(dst, user, len + 1);
	*ret_len = (uint32_t)len;
	return 0;
}

int manager_check_message(const struct server *s, enum wsmd_opcode opcode, const void *data,
                          size_t len)
{
	/* Relaxed: a reload may be seen a message later. */
	if ((opcode != WSMD_TEXT && opcode != WSMD_BINARY) || (data == NULL && len > 0) ||
	    len > atomic_load_explicit(&s->max_message_bytes, memory_order_relaxed))
		return WSMD_EINVAL;
	return opcode == WSMD_TEXT && len > 0 && !is_utf8(data, len) ? WSMD_EINVAL : 0;
}

int manager_check_reason(const char *text)
{
	const size_t len = text == NULL ? 0 : strnlen(text, REASON_MAX + 1);

	return len <= REASON_MAX && (len == 0 || is_utf8(text, len)) ? 0 : WSMD_EINVAL;
}

static int read_id(const char *text, struct conn_id *ret)
{
	return conn_id_parse(text, strnlen(text, CONN_ID_TEXT), ret) ? 0 : WSMD_EINVAL;
}

static int read_group(const char *name, struct target *t)
{
	const size_t len = strnlen(name, GROUP_NAME_MAX + 1);

	if (!group_name_valid(name, len) || !is_utf8(name, len))
		return WSMD_EINVAL;
	return target_set_group(t, name, (uint32_t)len);
}

static int read_except(const struct wsmd_target *to, struct target *t)
{
	const size_t n = to->n_except_users + to->n_except_connections;
	uint32_t names = 0;

	if (n == 0)
		return 0;
	if (to->n_except_users > EXCEPT_MAX || to->n_except_connections > EXCEPT_MAX ||
	    n > EXCEPT_MAX || (to->n_except_users > 0 && to->except_users == NULL) ||
	    (to->n_except_connections > 0 && to->except_connections == NULL))
		return WSMD_EINVAL;
	for (size_t i = 0; i < to->n_except_users; i++) {
		const char *name = to->except_users[i];
		const size_t len = name == NULL ? 0 : strnlen(name, USER_NAME_MAX + 1);

		if (len == 0 || len > USER_NAME_MAX)
			return WSMD_EINVAL;
		names += (uint32_t)len;
	}
	if (target_set_except(t, (uint32_t)n, names) < 0)
		return WSMD_ENOMEM;
	for (size_t i = 0; i < to->n_except_users; i++)
		target_except_user(t, to->except_users[i], (uint16_t)strlen(to->except_users[i]));
	for (size_t i = 0; i < to->n_except_connections; i++) {
		struct conn_id id;

		if (to->except_connections[i] == NULL ||
		    read_id(to->except_connections[i], &id) < 0)
			return WSMD_EINVAL;
		target_except_connection(t, &id);
	}
	return 0;
}

/* @t is to be given to target_fini() whatever is returned. */
static int read_target(const struct wsmd_target *given, struct target *t)
{
	struct wsmd_target to;
	int err;

	*t = (struct target){.kind = TARGET_HUB};
	err = sized_read(&to, sizeof(to), given,
	                 SIZED_LEAST(struct wsmd_target, n_except_connections));
	if (err < 0)
		return err;
	if ((to.user != NULL) + (to.connection != NULL) + (to.group != NULL) + to.all != 1)
		return WSMD_EINVAL;
	err = manager_read_hub(to.hub, t->hub, &t->hub_len);
	if (err == 0 && to.user != NULL) {
		t->kind = TARGET_USER;
		err = manager_read_user(to.user, t->user, &t->user_len);
	} else if (err == 0 && to.connection != NULL) {
		t->kind = TARGET_CONNECTION;
		err = read_id(to.connection, &t->id);
	} else if (err == 0 && to.group != NULL) {
		t->kind = TARGET_GROUP;
		err = read_group(to.group, t);
	}
	return err == 0 ? read_except(&to, t) : err;
}

/* ---- asking ---- */

/* Consumes @t. */
static int ask(struct wsmd_manager *m, struct target *t, const struct ask_what *what,
               wsmd_done_fn done, void *user)
{
	const struct ask model = {.done = done, .user = user};
	const int err = ask_workers(m->server, &model, t, what);

	target_fini(t);
	return err;
}

/* The same and wait. */
static int ask_and_wait(struct wsmd_manager *m, struct target *t, const struct ask_what *what,
                        struct wsmd_outcome *ret)
{
	struct ask_waiter waiter = {0};
	const struct ask model = {.waiter = &waiter};
	const int err = ask_workers(m->server, &model, t, what);

	target_fini(t);
	if (err < 0)
		return err;
	ask_wait(&waiter);
	if (ret != NULL)
		sized_write(ret, &waiter.outcome, sizeof(waiter.outcome));
	return 0;
}

static int check_ret(const struct wsmd_outcome *ret)
{
	return ret == NULL ? 0 : sized_check(ret, SIZED_LEAST(struct wsmd_outcome, user_seq));
}

/* ---- send ---- */

static int read_message(const struct server *s, const struct wsmd_message *given, struct msg **ret)
{
	struct wsmd_message message;
	int err =
		sized_read(&message, sizeof(message), given, SIZED_LEAST(struct wsmd_message, len));

	if (err == 0)
		err = manager_check_message(s, message.opcode, message.data, message.len);
	if (err < 0)
		return err;
	*ret = msg_new((uint8_t)message.opcode, message.data, (uint32_t)message.len);
	return *ret == NULL ? WSMD_ENOMEM : 0;
}

/* Exactly one of @done and @ret counts. */
static int send(struct wsmd_manager *m, const struct wsmd_target *to,
                const struct wsmd_message *message, wsmd_done_fn done, void *user, bool wait,
                struct wsmd_outcome *ret)
{
	struct ask_what what = {.kind = REQUEST_SEND};
	struct target t;
	int err = read_target(to, &t);

	if (err == 0)
		err = read_message(m->server, message, &what.msg);
	if (err < 0) {
		target_fini(&t);
		return err;
	}
	err = wait ? ask_and_wait(m, &t, &what, ret) : ask(m, &t, &what, done, user);
	msg_put(what.msg);
	return err;
}

int wsmd_manager_send(struct wsmd_manager *m, const struct wsmd_target *to,
                      const struct wsmd_message *message, wsmd_done_fn done, void *user)
{
	const int err = manager_ready(m);

	return err < 0 ? err : send(m, to, message, done, user, false, NULL);
}

int wsmd_manager_send_wait(struct wsmd_manager *m, const struct wsmd_target *to,
                           const struct wsmd_message *message, struct wsmd_outcome *ret)
{
	int err = manager_may_wait(m);

	if (err == 0)
		err = check_ret(ret);
	return err < 0 ? err : send(m, to, message, NULL, NULL, true, ret);
}

/* ---- the others: of a user or a connection ---- */

static int read_who(const struct wsmd_target *who, struct target *t)
{
	const int err = read_target(who, t);

	if (err == 0 &&
	    ((t->kind != TARGET_USER && t->kind != TARGET_CONNECTION) || t->except != NULL))
		return WSMD_EINVAL;
	return err;
}

static int act(struct wsmd_manager *m, const struct wsmd_target *who, const struct ask_what *what,
               const char *group, wsmd_done_fn done, void *user)
{
	struct target t;
	int err = manager_ready(m);

	if (err < 0)
		return err;
	err = read_who(who, &t);
	if (err == 0 && group != NULL)
		err = read_group(group, &t);
	if (err == 0)
		return ask(m, &t, what, done, user);
	target_fini(&t);
	return err;
}

static int act_wait(struct wsmd_manager *m, const struct wsmd_target *who,
                    const struct ask_what *what, const char *group, struct wsmd_outcome *ret)
{
	struct target t;
	int err = manager_may_wait(m);

	if (err == 0)
		err = check_ret(ret);
	if (err < 0)
		return err;
	err = read_who(who, &t);
	if (err == 0 && group != NULL)
		err = read_group(group, &t);
	if (err == 0)
		return ask_and_wait(m, &t, what, ret);
	target_fini(&t);
	return err;
}

int wsmd_manager_join(struct wsmd_manager *m, const struct wsmd_target *who, const char *group,
                      wsmd_done_fn done, void *user)
{
	const struct ask_what what = {.kind = REQUEST_JOIN};

	return group == NULL ? WSMD_EINVAL : act(m, who, &what, group, done, user);
}

int wsmd_manager_join_wait(struct wsmd_manager *m, const struct wsmd_target *who, const char *group,
                           struct wsmd_outcome *ret)
{
	const struct ask_what what = {.kind = REQUEST_JOIN};

	return group == NULL ? WSMD_EINVAL : act_wait(m, who, &what, group, ret);
}

int wsmd_manager_leave(struct wsmd_manager *m, const struct wsmd_target *who, const char *group,
                       wsmd_done_fn done, void *user)
{
	const struct ask_what what = {.kind = REQUEST_LEAVE};

	return act(m, who, &what, group, done, user);
}

int wsmd_manager_leave_wait(struct wsmd_manager *m, const struct wsmd_target *who,
                            const char *group, struct wsmd_outcome *ret)
{
	const struct ask_what what = {.kind = REQUEST_LEAVE};

	return act_wait(m, who, &what, group, ret);
}

int wsmd_manager_disconnect(struct wsmd_manager *m, const struct wsmd_target *who, const char *text,
                            wsmd_done_fn done, void *user)
{
	const struct ask_what what = {.kind = REQUEST_CLOSE, .text = text};
	const int err = manager_check_reason(text);

	return err < 0 ? err : act(m, who, &what, NULL, done, user);
}

int wsmd_manager_disconnect_wait(struct wsmd_manager *m, const struct wsmd_target *who,
                                 const char *text, struct wsmd_outcome *ret)
{
	const struct ask_what what = {.kind = REQUEST_CLOSE, .text = text};
	const int err = manager_check_reason(text);

	return err < 0 ? err : act_wait(m, who, &what, NULL, ret);
}

int wsmd_manager_ping(struct wsmd_manager *m, const char *connection, wsmd_done_fn done, void *user)
{
	const struct ask_what what = {.kind = REQUEST_PING};
	const struct wsmd_target who = {.size = sizeof(who), .connection = connection};

	return act(m, &who, &what, NULL, done, user);
}

int wsmd_manager_ping_wait(struct wsmd_manager *m, const char *connection, struct wsmd_outcome *ret)
{
	const struct ask_what what = {.kind = REQUEST_PING};
	const struct wsmd_target who = {.size = sizeof(who), .connection = connection};

	return act_wait(m, &who, &what, NULL, ret);
}
