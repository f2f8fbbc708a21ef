/* A small block, longer while it holds the beginning of a frame. */
#include "worker/aside.h"

#include <string.h>

#include "base/err.h"

/* Make it, with or without room for a tail. */
static struct aside *resize(struct conn *c, size_t room)
{
	struct aside *a = realloc(c->aside, sizeof(*a) + room);

	if (a == NULL)
		return NULL;
	if (c->aside == NULL)
		*a = (struct aside){0};
	return c->aside = a;
}

struct aside *aside_make(struct conn *c)
{
	return c->aside != NULL ? c->aside : resize(c, 0);
}

void aside_free(struct conn *c)
{
	free(c->aside);
	c->aside = NULL;
	c->has_tail = false;
}

static void drop_tail(struct conn *c)
{
	struct aside *a = c->aside;

	if (a == NULL)
		return;
	if (a->messages.full_ns == 0 && a->interval_ms == 0) {
		aside_free(c);
		return;
	}
	a->tail_len = 0;
	c->has_tail = false;
	(void)!resize(c, 0); /* failing, it stays longer than it need be */
}

int aside_keep_tail(struct conn *c, const uint8_t *data, uint8_t len)
{
	if (len == 0) {
		drop_tail(c);
		return 0;
	}
	if (!c->has_tail && resize(c, WS_MAX_TAIL) == NULL)
		return WSMD_ENOMEM;
	memcpy(c->aside->tail, data, len);
	c->aside->tail_len = len;
	c->has_tail = true;
	return 0;
}

uint8_t aside_tail(const struct conn *c, uint8_t *to)
{
	memcpy(to, c->aside->tail, c->aside->tail_len);
	return c->aside->tail_len;
}

uint8_t aside_tail_len(const struct conn *c)
{
	return c->has_tail ? c->aside->tail_len : 0;
}
