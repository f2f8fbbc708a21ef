/* The memory of a message that comes in pieces. */
#include "ws/begun.h"

#include "base/err.h"

/*
 * Room for four times the @received bytes: so a message costs linear time in whatever pieces it
 * comes, and a third of it is moved at most. Its known end is the only announced length that
 * counts, and only downwards.
 */
static int grow(struct ws_receiver *r, const struct ws_limits *l, uint64_t received)
{
	struct ws_begun *m = r->begun;
	const uint64_t most = m->fin ? (uint64_t)m->len + m->frame_left : l->max_message_bytes;
	const uint64_t cap = 4 * received < most ? 4 * received : most;

	m = realloc(m, sizeof(*m) + cap);
	if (m == NULL)
		return WSMD_ENOMEM;
	m->cap = (uint32_t)cap;
	r->begun = m;
	return 0;
}

int ws_begun_reserve(struct ws_receiver *r, const struct ws_limits *l, size_t n)
{
	const uint64_t need = (uint64_t)r->begun->len + n;

	return need <= r->begun->cap ? 0 : grow(r, l, need);
}

uint8_t *ws_receiver_room(struct ws_receiver *r, const struct ws_limits *l, size_t least,
                          size_t *ret_room)
{
	const struct ws_begun *m = r->begun;

	if (m == NULL || m->frame_left < least || m->len < least)
		return NULL;
	if (m->cap - m->len < least && grow(r, l, m->len) != 0)
		return NULL;
	m = r->begun;
	*ret_room = m->cap - m->len < m->frame_left ? m->cap - m->len : m->frame_left;
	return r->begun->bytes + m->len;
}

void *ws_receiver_detach(struct ws_receiver *r)
{
	struct ws_begun *const m = r->begun;
	void *block;

	if (m == NULL || m->opcode != 0)
		return NULL;
	/* It may live for long. */
	block = m->cap > m->len ? realloc(m, sizeof(*m) + m->len) : m;
	r->begun = NULL;
	return block != NULL ? block : m;
}
