/* Connecting a user: a socket of the program becomes one of ours. */
#include <string.h>

#include "base/err.h"
#include "server/manager.h"
#include "server/sized.h"

#define REST_MAX (64u << 10)

static void make_id(const struct server *s, struct handoff *h)
{
	uint8_t random[16];
	uint64_t hash;

	os_random(random, sizeof(random));
	hash = shard_hash(&s->key, h->hub, h->hub_len, h->user, h->user_len);
	conn_id_make(&h->id, h->user_len > 0 ? &hash : NULL, random);
}

static int fill(const struct server *s, const struct wsmd_adoption *a, struct handoff *h)
{
	int err;

	*h = (struct handoff){
		.item.kind = ITEM_ADOPT,
		.fd = a->fd,
		.protocol = PROTOCOL_WEBSOCKET,
		.is_upgraded = a->state == WSMD_ADOPT_UPGRADED,
		.rest_len = (uint32_t)a->rest_len,
	};
	if (a->rest_len > 0)
		memcpy(h->rest, a->rest, a->rest_len);
	err = manager_read_hub(a->hub, h->hub, &h->hub_len);
	if (err == 0 && a->user != NULL)
		err = manager_read_user(a->user, h->user, &h->user_len);
	if (err < 0)
		return err;
	make_id(s, h);
	return os_adopt(a->fd, &h->peer);
}

static int push(struct server *s, struct handoff *h)
{
	int err;

	if (!gate_enter(&s->gate))
		return WSMD_ECLOSED;
	err = inbox_push(s->to_acceptor, &h->item);
	gate_leave(&s->gate);
	return err;
}

int wsmd_manager_adopt(struct wsmd_manager *m, const struct wsmd_adoption *adoption,
                       char ret_id[WSMD_ID_BYTES])
{
	struct wsmd_adoption a;
	struct handoff *h;
	char id[CONN_ID_TEXT];
	int err = manager_ready(m);

	if (err == 0)
		err = sized_read(&a, sizeof(a), adoption,
		                 SIZED_LEAST(struct wsmd_adoption, rest_len));
	if (err < 0)
		return err;
	if ((a.state != WSMD_ADOPT_HANDSHAKE && a.state != WSMD_ADOPT_UPGRADED) ||
	    a.rest_len > REST_MAX || (a.rest == NULL && a.rest_len > 0))
		return WSMD_EINVAL;
	h = malloc(sizeof(*h) + a.rest_len);
	if (h == NULL)
		return WSMD_ENOMEM;
	err = fill(m->server, &a, h);
	conn_id_format(&h->id, id);
	if (err == 0)
		err = push(m->server, h);
	if (err < 0)
		free(h);
	else if (ret_id != NULL)
		memcpy(ret_id, id, sizeof(id));
	return err;
}
