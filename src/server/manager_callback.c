/* From a worker's events to the program's callbacks, and what it may do in them. */
#include <string.h>

#include "base/err.h"
#include "server/manager.h"
#include "worker/conn.h"
#include "worker/output.h"
#include "ws/close_code.h"

/* On the worker's stack while a callback runs. Texts are made when they are asked for. */
struct wsmd_connection {
	const struct wsmd_manager *m;
	struct worker *w;
	struct conn *c;
	bool is_over; /* on_close: nothing can be sent any more */
	char id[WSMD_ID_BYTES], peer[WSMD_ADDRESS_BYTES];
	char hub[WSMD_HUB_BYTES], user[WSMD_USER_BYTES];
};

/* ---- asking a connection ---- */

const char *wsmd_connection_id(struct wsmd_connection *c)
{
	if (c == NULL || c->c->session == NULL)
		return "";
	conn_id_format(&c->c->session->id, c->id);
	return c->id;
}

const char *wsmd_connection_hub(struct wsmd_connection *c)
{
	const struct hub *h;

	if (c == NULL || c->c->session == NULL)
		return "";
	h = c->c->session->hub;
	memcpy(c->hub, h->name, h->name_len);
	c->hub[h->name_len] = '\0';
	return c->hub;
}

const char *wsmd_connection_user(struct wsmd_connection *c)
{
	const struct user *u;

	if (c == NULL || c->c->session == NULL || c->c->session->user == NULL)
		return NULL;
	u = c->c->session->user;
	memcpy(c->user, u->name, u->name_len);
	c->user[u->name_len] = '\0';
	return c->user;
}

const char *wsmd_connection_peer(struct wsmd_connection *c)
{
	return c == NULL ? "" : net_addr_format(&c->c->peer, c->peer);
}

/* ---- acting on it ---- */

static int check(const struct wsmd_connection *c)
{
	if (c == NULL)
		return WSMD_EINVAL;
	return c->is_over || c->c->state != CONN_OPEN ? WSMD_ECLOSED : 0;
}

int wsmd_connection_reply(struct wsmd_connection *c, enum wsmd_opcode opcode, const void *data,
                          size_t len)
{
	int err = check(c);

	role_enter(&role_worker); /* the handle exists on its worker only */
	if (err == 0)
		err = manager_check_message(c->m->server, opcode, data, len);
	if (err < 0)
		return err;
	return output_reply(c->w, c->c, (uint8_t)opcode, data, (uint32_t)len);
}

int wsmd_connection_close(struct wsmd_connection *c, uint16_t code, const char *text)
{
	const struct parting parting = {
		.code = code, .text = text == NULL ? "" : text, .evidence.from_program = true};
	int err = check(c);

	role_enter(&role_worker);
	if (err == 0 && code != 0 && !ws_close_may_send(code))
		err = WSMD_EINVAL;
	if (err == 0)
		err = manager_check_reason(text);
	if (err < 0)
		return err;
	conn_close_with(c->w, c->c, CLOSE_KICKED, &parting);
	return 0;
}

/* ---- calling back ---- */

static void begin(struct wsmd_connection *handle, const struct wsmd_manager *m, struct worker *w,
                  struct conn *c, bool is_over)
{
	handle->m = m;
	handle->w = w;
	handle->c = c;
	handle->is_over = is_over;
}

static void on_open(void *arg, struct worker *w, struct conn *c)
{
	const struct wsmd_manager *m = arg;
	struct wsmd_connection handle;

	begin(&handle, m, w, c, false);
	m->options.on_open(m->options.user, &handle);
}

static void on_message(void *arg, struct worker *w, struct conn *c, uint8_t opcode, void *data,
                       size_t len)
{
	const struct wsmd_manager *m = arg;
	struct wsmd_connection handle;

	begin(&handle, m, w, c, false);
	m->options.on_message(m->options.user, &handle, (enum wsmd_opcode)opcode, data, len);
}

static void on_close(void *arg, struct worker *w, struct conn *c, uint16_t code, const char *text)
{
	const struct wsmd_manager *m = arg;
	const struct wsmd_closed why = {
		.size = sizeof(why),
		.code = code,
		.reason = close_reason_label((enum close_reason)c->reason),
		.text = text,
	};
	struct wsmd_connection handle;

	begin(&handle, m, w, c, true);
	m->options.on_close(m->options.user, &handle, &why);
}

struct worker_hooks manager_hooks(struct wsmd_manager *m)
{
	return (struct worker_hooks){
		.arg = m,
		.on_open = m->options.on_open == NULL ? NULL : on_open,
		.on_message = m->options.on_message == NULL ? NULL : on_message,
		.on_close = m->options.on_close == NULL ? NULL : on_close,
	};
}
