/* Walks over the slab, the oldest request first. */
#include "worker/rank.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "worker/conn.h"
#include "worker/route.h"
#include "worker/serve.h"

#define PLACES_A_TURN 1024
#define FORGET_MS     30000
#define MIN_LOOK_MS   500 /* between two looks a rate is made of */

/* ---- how busy ---- */

/* Without memory, everybody's whole life has to do. */
static void make_room(struct worker *w) ON_WORKER;
static void make_room(struct worker *w)
{
	struct rank_memory *m = &w->rank_memory;
	const uint32_t n = slab_end(&w->conns);
	struct rank_seen *seen;

	m->used_ms = w->now_ms;
	if (n <= m->n)
		return;
	seen = realloc(m->seen, n * sizeof(*seen));
	if (seen == NULL)
		return;
	memset(seen + m->n, 0, (n - m->n) * sizeof(*seen));
	m->seen = seen;
	m->n = n;
}

static uint32_t rate_milli(uint64_t messages, uint64_t ms)
{
	const uint64_t rate = messages * 1000 * MS_PER_S / (ms > 0 ? ms : 1);

	return rate < UINT32_MAX ? (uint32_t)rate : UINT32_MAX;
}

static uint32_t rate_of(struct worker *w, const struct conn *c) ON_WORKER;
static uint32_t rate_of(struct worker *w, const struct conn *c)
{
	struct rank_memory *m = &w->rank_memory;
	const uint64_t messages = c->messages_in + c->messages_out;
	const uint32_t now_ms = (uint32_t)w->now_ms;
	struct rank_seen *s;
	uint32_t rate;

	if (c->head.index >= m->n)
		return rate_milli(messages, w->now_ms - c->opened_ms);
	s = &m->seen[c->head.index];
	if (s->generation != c->head.generation)
		rate = rate_milli(messages, w->now_ms - c->opened_ms);
	else if (now_ms - s->at_ms < MIN_LOOK_MS)
		return s->rate_milli;
	else
		rate = rate_milli((uint32_t)messages - s->messages, now_ms - s->at_ms);
	*s = (struct rank_seen){c->head.generation, (uint32_t)messages, now_ms, rate};
	return rate;
}

void rank_fini(struct rank_memory *m)
{
	free(m->seen);
	*m = (struct rank_memory){0};
}

/* ---- the walk ---- */

static uint64_t value_of(const struct worker *w, const struct conn *c, enum ranking_key key,
                         uint32_t rate) ON_WORKER;
static uint64_t value_of(const struct worker *w, const struct conn *c, enum ranking_key key,
                         uint32_t rate)
{
	switch (key) {
	case RANK_BY_RATE:
		return rate;
	case RANK_BY_RTT:
		return c->rtt.smoothed_us;
	case RANK_BY_SCORE:
		return UINT8_MAX - c->score;
	case RANK_BY_QUEUE:
		return c->sendq.bytes;
	case RANK_BY_IDLE:
		return w->now_ms - conn_heard_ms(w, c);
	case RANKING_KEY_COUNT:
		break;
	}
	UNREACHABLE();
}

static void offer(struct worker *w, struct request *r, const struct conn *c) ON_WORKER;
static void offer(struct worker *w, struct request *r, const struct conn *c)
{
	const struct user *u = c->session->user;
	const size_t len = strlen(r->text);

	if (len > 0 && (u == NULL || memmem(u->name, u->name_len, r->text, len) == NULL))
		return;
	r->outcome.matched++;
	ranking_offer(r->ranking, value_of(w, c, r->ranking->key, rate_of(w, c)),
	              slab_handle_of(c));
}

/* Whoever has left since is left out. */
static void finish(struct worker *w, struct request *r) ON_WORKER;
static void finish(struct worker *w, struct request *r)
{
	ranking_sort(r->ranking);
	for (uint32_t i = 0; i < r->ranking->n && r->n_rows < r->max_rows; i++) {
		const struct ranked *at = &r->ranking->entries[i];
		const struct conn *c = slab_get(&w->conns, at->conn);
		struct conn_row *row = &r->rows[r->n_rows];

		if (c == NULL || c->state != CONN_OPEN)
			continue;
		serve_row(w, c, row);
		row->weight = at->weight;
		row->rate_milli = rate_of(w, c);
		r->n_rows++;
	}
	list_unlink(&r->waiting);
	request_answer(r);
}

void rank_begin(struct worker *w, struct request *r)
{
	struct route at;

	make_room(w);
	list_append(&w->ranks_asked, &r->waiting);
	if (r->target.kind != TARGET_USER)
		return; /* the walk begins in this turn */
	route_begin(w, &r->target, &at);
	for (struct conn *c; (c = route_next(w, &at)) != NULL;)
		offer(w, r, c);
	finish(w, r);
}

void rank_step(struct worker *w)
{
	struct rank_memory *m = &w->rank_memory;
	uint32_t budget = PLACES_A_TURN;

	while (budget > 0 && !list_empty(&w->ranks_asked)) {
		struct request *r = list_entry(w->ranks_asked.next, struct request, waiting);
		const bool hub = r->target.kind == TARGET_HUB;
		const struct hub *wanted =
			hub ? registry_hub(&w->registry, r->target.hub, (uint16_t)r->target.hub_len)
			    : NULL;

		for (; budget > 0 && r->cursor < slab_end(&w->conns); budget--) {
			const struct conn *c = slab_step(&w->conns, &r->cursor);

			if (c != NULL && c->state == CONN_OPEN &&
			    (!hub || c->session->hub == wanted))
				offer(w, r, c);
		}
		if (r->cursor >= slab_end(&w->conns))
			finish(w, r);
	}
	if (!list_empty(&w->ranks_asked))
		w->again = true;
	else if (UNLIKELY(m->seen != NULL) && w->now_ms - m->used_ms > FORGET_MS)
		rank_fini(m);
}
