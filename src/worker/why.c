/* A walk over the live ones, then over the ring. */
#include "worker/why.h"

#include <string.h>

#include "worker/conn.h"
#include "worker/route.h"

/* Records that one request looks at: some hundred microseconds. */
#define LOOKS_PER_REQUEST 2048

static struct record *room_for(struct why *y, uint32_t bytes)
{
	struct record *r = (void *)(y->bytes + y->used);

	if (bytes > sizeof(y->bytes) - y->used)
		return NULL;
	y->used += bytes;
	return r;
}

/* Of half of the room; the rest is for those that have ended. */
static void add_live(struct worker *w, struct target *t, struct why *y) ON_WORKER;
static void add_live(struct worker *w, struct target *t, struct why *y)
{
	struct route at;

	route_begin(w, t, &at);
	for (struct conn *c; (c = route_next(w, &at)) != NULL;) {
		if (y->used + recorder_live_size(w, c) > sizeof(y->bytes) / 2)
			return;
		recorder_describe(w, c, room_for(y, recorder_live_size(w, c)));
	}
}

static bool same_name(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && memcmp(a, b, a_len) == 0;
}

static bool is_meant(const struct why *y, const struct target *t, const struct record *r)
{
	char id[RECORDER_ID_TEXT];

	if (y->any && t->kind == TARGET_CONNECTION && conn_id_equal(&t->id, &r->id))
		return true;
	if (y->any && t->kind == TARGET_USER &&
	    same_name(t->user, t->user_len, record_user(r), r->user_len) &&
	    same_name(t->hub, t->hub_len, record_hub(r), r->hub_len))
		return true;
	if (y->id[0] == '\0')
		return false;
	recorder_id(&r->id, id);
	return strcmp(id, y->id) == 0;
}

static void add_ended(const struct record_ring *ring, const struct target *t, struct why *y)
{
	uint64_t place = y->from == RECORD_NOWHERE ? ring->newest : y->from;

	for (int looks = 0; place != RECORD_NOWHERE && y->n_ended < y->wanted; looks++) {
		const struct record *r = record_ring_at(ring, place);
		struct record *copy;

		if (r == NULL)
			return; /* overwritten since it was asked for, and so is all before it */
		y->next = place;
		if (looks == LOOKS_PER_REQUEST)
			return;
		if (is_meant(y, t, r)) {
			copy = room_for(y, r->bytes);
			if (copy == NULL)
				return;
			memcpy(copy, r, r->bytes);
			y->n_ended++;
		}
		place = record_ring_older(ring, place);
		y->next = RECORD_NOWHERE;
	}
}

void why_serve(struct worker *w, struct request *r)
{
	const struct record_ring *ring = &w->recorders.ended;
	const struct record *oldest = record_ring_at(ring, ring->oldest);
	struct why *y = r->why;

	deaths_add_up(&w->recorders.deaths, w->now_ms, &y->deaths);
	y->held = ring->held;
	y->oldest_wall_ms = oldest == NULL ? 0 : oldest->ended_wall_ms;
	if (!y->search)
		return;
	if (y->from == RECORD_NOWHERE && y->any)
		add_live(w, &r->target, y);
	add_ended(ring, &r->target, y);
}
