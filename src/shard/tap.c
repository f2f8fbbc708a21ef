/* Events of a tap: taken in turn, given back in the same order. */
#include "shard/tap.h"

#include <string.h>

static void init_event(struct tap *t, struct tap_event *e)
{
	e->item.kind = ITEM_TAPPED;
	e->tap = t;
	atomic_init(&e->is_away, false);
}

void tap_init(struct tap *t)
{
	t->item.kind = ITEM_TAP;
	for (uint32_t i = 0; i < TAP_EVENTS; i++)
		init_event(t, &t->events[i]);
	init_event(t, &t->last);
}

static struct tap_event *take(struct tap *t, struct tap_event *e)
{
	/* Relaxed: the push that follows orders it. */
	atomic_store_explicit(&e->is_away, true, memory_order_relaxed);
	e->missed = t->missed;
	e->len = e->kept = e->code = e->opcode = e->reason = 0;
	t->missed = 0;
	return e;
}

struct tap_event *tap_take(struct tap *t)
{
	struct tap_event *e = &t->events[t->at];

	/* Acquire: main's last look comes before it is filled anew. */
	if (atomic_load_explicit(&e->is_away, memory_order_acquire)) {
		t->missed++;
		return NULL;
	}
	t->at = (t->at + 1) % TAP_EVENTS;
	return take(t, e);
}

struct tap_event *tap_take_last(struct tap *t)
{
	return take(t, &t->last);
}

void tap_keep(struct tap *t, struct tap_event *e, const void *payload, uint64_t len)
{
	e->len = len;
	if (!t->with_payload || len == 0)
		return;
	e->kept = len < TAP_PAYLOAD ? (uint32_t)len : TAP_PAYLOAD;
	memcpy(e->payload, payload, e->kept);
}

void tap_give_back(struct tap_event *e)
{
	/* Release: to who takes it again. */
	atomic_store_explicit(&e->is_away, false, memory_order_release);
}
