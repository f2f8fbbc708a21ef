/* Noting events, and making a record of them. */
#include "worker/recorder.h"

#include <string.h>

#include "base/clock.h"
#include "os/os.h"
#include "worker/conn.h"

/* Less than this waits now and then for everybody. */
#define MIN_QUEUE_HIGH 4096
#define MIN_BLOCKED_MS 100

/* ---- memory ---- */

static size_t bytes_for(uint32_t events)
{
	return offsetof(struct recorder, events) + events * sizeof(struct record_event);
}

static uint32_t few_of(uint32_t n_events)
{
	return n_events < RECORDER_FEW ? n_events : RECORDER_FEW;
}

uint64_t recorder_live_bytes(const struct conf_recorder *c)
{
	return c->events == 0 ? 0 : bytes_for(c->events);
}

uint64_t recorder_ring_bytes(const struct conf_recorder *c, uint32_t n_workers)
{
	const uint64_t share = c->closed_bytes / n_workers;

	if (c->closed_bytes == 0)
		return 0;
	return share < RECORD_RING_MIN ? RECORD_RING_MIN : share;
}

int recorders_init(struct recorders *r, const struct conf_recorder *c, uint32_t n_workers)
{
	*r = (struct recorders){.n_events = c->events};
	slab_init(&r->few, bytes_for(few_of(c->events)), UINT32_MAX);
	slab_init(&r->live, bytes_for(c->events), UINT32_MAX);
	return record_ring_init(&r->ended, recorder_ring_bytes(c, n_workers));
}

void recorders_fini(struct recorders *r)
{
	ASSERT(r->few.in_use == 0 && r->live.in_use == 0);
	slab_fini(&r->few);
	slab_fini(&r->live);
	record_ring_fini(&r->ended);
}

void recorders_trim(struct recorders *r)
{
	slab_trim(&r->few);
	slab_trim(&r->live);
}

static struct slab *slab_of(struct recorders *all, const struct recorder *r)
{
	return r != NULL && r->room > few_of(all->n_events) ? &all->live : &all->few;
}

static struct recorder *make(struct recorders *all)
{
	struct recorder *r = slab_new(&all->few);

	if (r != NULL)
		r->room = (uint16_t)few_of(all->n_events);
	return r;
}

/* Room for more, if there is memory. */
static void grow(struct recorders *all, struct conn *c)
{
	struct recorder *few = c->recorder, *r;

	if (few->room >= all->n_events)
		return;
	r = slab_new(&all->live);
	if (r == NULL)
		return;
	memcpy(&r->head + 1, &few->head + 1, bytes_for(few->n) - sizeof(r->head));
	r->room = (uint16_t)all->n_events;
	c->recorder = r;
	slab_free(&all->few, few);
}

void recorder_open(struct worker *w, struct conn *c, const struct handoff *h)
{
	if (w->recorders.n_events == 0)
		return;
	c->recorder = make(&w->recorders);
	recorder_note(w, c, EVENT_HANDSHAKE, h->handshake_ms, 0);
	recorder_note(w, c, EVENT_AUTH, h->user_len > 0, 0);
}

void recorder_free(struct worker *w, struct conn *c)
{
	slab_free(slab_of(&w->recorders, c->recorder), c->recorder);
	c->recorder = NULL;
}

/* ---- events ---- */

static uint32_t clipped(uint64_t n)
{
	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static void remove_event(struct recorder *r, uint32_t i)
{
	r->n--;
	memmove(&r->events[i], &r->events[i + 1], (r->n - i) * sizeof(r->events[0]));
}

/* Make room for one more of its kind, and for one more at all. How many it stands for then. */
static uint16_t make_room(struct recorders *all, struct conn *c, enum record_event_kind kind)
{
	struct recorder *r = c->recorder;
	uint32_t of_kind = 0, oldest = 0, next = 0;
	uint16_t times = 1;

	for (uint32_t i = r->n; i-- > 0;) {
		if (r->events[i].kind != kind)
			continue;
		of_kind++;
		next = oldest;
		oldest = i;
	}
	if (of_kind > 0 && of_kind == record_event_kept(kind)) {
		const uint16_t forgotten = r->events[oldest].times;
		uint16_t *heir = of_kind == 1 ? &times : &r->events[next].times;

		*heir = (uint16_t)(*heir + forgotten > UINT16_MAX ? UINT16_MAX : *heir + forgotten);
		remove_event(r, oldest);
		return times;
	}
	if (r->n == r->room)
		grow(all, c);
	r = c->recorder;
	if (r->n == r->room) {
		remove_event(r, 0);
		r->lost++;
	}
	return times;
}

void recorder_note(struct worker *w, struct conn *c, enum record_event_kind kind, uint64_t first,
                   uint64_t second)
{
	struct recorder *r;
	uint16_t times;

	if (c->recorder == NULL || w->recorders.n_events == 0)
		return;
	times = make_room(&w->recorders, c, kind);
	r = c->recorder;
	r->events[r->n++] = (struct record_event){
		.at_ms = clipped(w->now_ms - c->opened_ms),
		.times = times,
		.kind = (uint8_t)kind,
		.values = {clipped(first), clipped(second)},
	};
}

/* A power of two is passed. */
static bool doubles(uint32_t before, uint32_t now)
{
	return now >= MIN_QUEUE_HIGH &&
	       (before == 0 || __builtin_clz(now) < __builtin_clz(before) ||
	        before < MIN_QUEUE_HIGH);
}

void recorder_blocked(struct worker *w, struct conn *c)
{
	struct recorder *r = c->recorder;
	uint32_t before;

	if (r == NULL || c->sendq.bytes <= r->queue_high_bytes)
		return;
	before = r->queue_high_bytes;
	r->queue_high_bytes = c->sendq.bytes;
	if (doubles(before, c->sendq.bytes))
		recorder_note(w, c, EVENT_QUEUE_HIGH, c->sendq.bytes, c->sendq.n);
}

void recorder_unblocked(struct worker *w, struct conn *c)
{
	const uint64_t lasted_ms = w->now_ms - worker_whole_ms(w, c->sendq.blocked_ms);

	if (lasted_ms >= MIN_BLOCKED_MS)
		recorder_note(w, c, EVENT_WRITES_BLOCKED, lasted_ms, 0);
}

void recorder_skipped(struct worker *w, struct conn *c, uint32_t before)
{
	const uint32_t now = c->sendq.skipped;

	/* The first one, and whenever it doubles: who is slow skips many. */
	if (now > before && (before == 0 || __builtin_clz(now) < __builtin_clz(before)))
		recorder_note(w, c, EVENT_SKIPPED, now, 0);
}

/* ---- records ---- */

/* The limit that an end for this reason has passed. */
static uint64_t limit_of(const struct worker *w, enum close_reason reason) ON_WORKER;
static uint64_t limit_of(const struct worker *w, enum close_reason reason)
{
	const struct conf_heartbeat *h = &w->view.heartbeat;
	const struct conf_limits *l = &w->view.limits;

	switch (reason) {
	case CLOSE_HEARTBEAT:
		return (uint64_t)((double)h->timeout_ms * h->grace_factor);
	case CLOSE_WRITE_TIMEOUT:
		return l->write_timeout_ms;
	case CLOSE_QUEUE_FULL:
		return l->send_queue_bytes;
	case CLOSE_MESSAGE_TIMEOUT:
		return l->message_timeout_ms;
	case CLOSE_TOO_BIG:
		return l->max_message_bytes;
	case CLOSE_FRAGMENTS:
		return l->max_fragments;
	case CLOSE_RATE:
		return l->control_frames_per_s;
	case CLOSE_MESSAGE_RATE:
		return l->messages_per_s;
	case CLOSE_REPLACED:
	case CLOSE_EVICTED:
		return l->max_connections_per_user;
	case CLOSE_SHED:
		return l->buffered_bytes;
	default:
		return 0;
	}
}

static struct record_parts parts_of(const struct conn *c, const char *text)
{
	const struct session *s = c->session;
	const size_t text_len = strnlen(text, RECORD_MAX_TEXT);

	return (struct record_parts){
		.events = c->recorder == NULL ? NULL : c->recorder->events,
		.n_events = c->recorder == NULL ? 0 : (uint8_t)c->recorder->n,
		.hub = s->hub->name,
		.hub_len = (uint8_t)s->hub->name_len,
		.user = s->user == NULL ? NULL : s->user->name,
		.user_len = s->user == NULL ? 0 : (uint8_t)s->user->name_len,
		.text = text,
		.text_len = (uint8_t)text_len,
	};
}

/* What a record of a live connection and of one that ends have in common. */
static void describe(const struct worker *w, const struct conn *c, struct record *r) ON_WORKER;
static void describe(const struct worker *w, const struct conn *c, struct record *r)
{
	r->id = c->session->id;
	r->peer = c->peer;
	r->age_ms = w->now_ms - c->opened_ms;
	r->silent_ms = w->now_ms - conn_heard_ms(w, c);
	r->opened_wall_ms = os_wall_ms() - r->age_ms;
	r->messages_in = c->messages_in;
	r->messages_out = c->messages_out;
	r->bytes_in = c->bytes_in;
	r->bytes_out = c->bytes_out;
	r->queue_bytes = c->sendq.bytes;
	r->queue_messages = c->sendq.n;
	r->skipped = c->sendq.skipped;
	r->queue_high_bytes = c->sendq.bytes;
	if (c->recorder != NULL && c->recorder->queue_high_bytes > c->sendq.bytes)
		r->queue_high_bytes = c->recorder->queue_high_bytes;
	r->lost = c->recorder == NULL ? 0 : c->recorder->lost;
	if (c->sendq.blocked_ms != 0)
		r->blocked_ms = clipped(w->now_ms - worker_whole_ms(w, c->sendq.blocked_ms));
	r->pings_sent = c->pings_sent;
	r->pongs_received = c->pongs_received;
	r->rtt_us = c->rtt.last_us;
	r->state = c->state;
	r->rule = WS_RULE_COUNT;
	r->protocol = c->protocol;
	r->missed = c->missed;
	r->score = c->score;
	if (os_tcp_info(c->transport.fd, &r->tcp) < 0)
		r->tcp = (struct os_tcp_info){0};
}

uint32_t recorder_live_size(const struct worker *w, const struct conn *c)
{
	const struct record_parts parts = parts_of(c, "");

	(void)w;
	return record_size(&parts);
}

void recorder_describe(const struct worker *w, const struct conn *c, struct record *ret)
{
	const struct record_parts parts = parts_of(c, "");

	*ret = (struct record){0};
	describe(w, c, ret);
	record_write(ret, &parts);
}

/* Gone without a word: was nothing said in either direction for a time that tells something? */
static void note_death(struct worker *w, const struct record *r) ON_WORKER;
static void note_death(struct worker *w, const struct record *r)
{
	/* The age of the silence when we give up is our own doing, and says nothing of others. */
	if (r->reason == CLOSE_FIN || r->reason == CLOSE_RESET || r->reason == CLOSE_IO_ERROR)
		deaths_note(&w->recorders.deaths, w->now_ms, record_idle_ms(r));
}

void recorder_closing(struct worker *w, struct conn *c, const struct parting *parting)
{
	const enum close_reason reason = (enum close_reason)c->reason;
	const struct record_parts parts = parts_of(c, parting->text == NULL ? "" : parting->text);
	const struct evidence *e = &parting->evidence;
	struct record *r;
	uint64_t place;

	r = record_ring_add(&w->recorders.ended, record_size(&parts), &place);
	if (r == NULL)
		return;
	describe(w, c, r);
	r->reason = c->reason;
	r->ended_wall_ms = r->opened_wall_ms + r->age_ms;
	r->limit = limit_of(w, reason);
	r->err = e->err;
	r->from_program = e->from_program;
	r->uid = e->uid;
	r->held_bytes = e->held_bytes;
	if (e->violation) {
		r->rule = (uint8_t)e->rule;
		r->at_byte = e->at_byte;
		r->size = e->size;
	}
	if (reason == CLOSE_PEER)
		r->code_received = parting->code;
	r->code_sent = parting->code;
	record_write(r, &parts);
	note_death(w, r);
	if (c->recorder == NULL)
		c->recorder = make(&w->recorders);
	if (c->recorder != NULL)
		c->recorder->place = place;
}

/* Its record, if that is not overwritten yet. */
static struct record *record_of(const struct worker *w, const struct conn *c) ON_WORKER;
static struct record *record_of(const struct worker *w, const struct conn *c)
{
	if (c->recorder == NULL)
		return NULL;
	return record_ring_at(&w->recorders.ended, c->recorder->place);
}

void recorder_answered(struct worker *w, struct conn *c, uint16_t code)
{
	struct record *r = record_of(w, c);

	if (r != NULL)
		r->code_received = code;
}

void recorder_ended(struct worker *w, struct conn *c)
{
	struct record *r = record_of(w, c);

	if (r == NULL)
		return;
	r->closing_ms = clipped(w->now_ms - worker_whole_ms(w, c->ending_ms));
	r->state = CONN_CLOSED;
}
