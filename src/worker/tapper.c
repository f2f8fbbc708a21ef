/* Taps of this worker: who is followed, and what is shown of them. */
#include "worker/tapper.h"

#include <string.h>

#include "worker/conn.h"
#include "worker/route.h"

static bool is_hub(const struct target *t, const struct hub *h)
{
	return h->name_len == t->hub_len && memcmp(h->name, t->hub, t->hub_len) == 0;
}

static bool matches(const struct tap *tap, const struct session *s)
{
	const struct target *t = &tap->target;

	if (t->kind == TARGET_CONNECTION)
		return memcmp(&s->id, &t->id, sizeof(s->id)) == 0;
	return s->user != NULL && s->user->name_len == t->user_len &&
	       memcmp(s->user->name, t->user, t->user_len) == 0 && is_hub(t, s->hub);
}

static bool is_followed(const struct worker *w, const struct session *s) ON_WORKER;
static bool is_followed(const struct worker *w, const struct session *s)
{
	for (const struct tap *t = w->taps; t != NULL; t = t->next)
		if (matches(t, s))
			return true;
	return false;
}

/* Mark those that the target names now; how many they are. */
static uint32_t mark(struct worker *w, struct tap *t) ON_WORKER;
static uint32_t mark(struct worker *w, struct tap *t)
{
	struct route at;
	uint32_t n = 0;

	route_begin(w, &t->target, &at);
	for (struct conn *c; (c = route_next(w, &at)) != NULL; n++)
		c->is_tapped = is_followed(w, c->session);
	return n;
}

static void give_back(struct worker *w, struct tap *t) ON_WORKER;
static void give_back(struct worker *w, struct tap *t)
{
	inbox_push_always(w->is.to_main, &t->item);
}

void tapper_begin(struct worker *w, struct tap *t)
{
	t->next = w->taps;
	w->taps = t;
	t->n_connections = mark(w, t);
	give_back(w, t);
}

void tapper_end(struct worker *w, struct tap *t)
{
	struct tap **at = &w->taps;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	(void)mark(w, t);
	give_back(w, t);
}

/* ---- events ---- */

static void send(struct worker *w, struct tap_event *e, enum tap_kind kind, const struct session *s)
	ON_WORKER;
static void send(struct worker *w, struct tap_event *e, enum tap_kind kind, const struct session *s)
{
	e->kind = kind;
	e->id = s->id;
	e->wall_ms = os_wall_ms();
	inbox_push_always(w->is.to_main, &e->item); /* bounded by the events there are */
}

/* What all events of a frame have. */
struct shown {
	enum tap_kind kind;
	uint8_t opcode;
	uint16_t code;
	const void *payload;
	uint64_t len;
};

static void show(struct worker *w, struct conn *c, const struct shown *what) ON_WORKER;
static void show(struct worker *w, struct conn *c, const struct shown *what)
{
	for (struct tap *t = w->taps; t != NULL; t = t->next) {
		struct tap_event *e = matches(t, c->session) ? tap_take(t) : NULL;

		if (e == NULL)
			continue;
		e->opcode = what->opcode;
		e->code = what->code;
		tap_keep(t, e, what->payload, what->len);
		send(w, e, what->kind, c->session);
	}
}

void tapper_opened(struct worker *w, struct conn *c)
{
	c->is_tapped = is_followed(w, c->session);
	if (c->is_tapped)
		show(w, c, &(struct shown){.kind = TAP_OPENED});
}

void tapper_heard(struct worker *w, struct conn *c, const struct ws_event *ev)
{
	static const uint8_t opcodes[] = {
		[WS_EVENT_PING] = WS_PING,
		[WS_EVENT_PONG] = WS_PONG,
		[WS_EVENT_CLOSE] = WS_CLOSE,
	};

	if (ev->type == WS_EVENT_VIOLATION)
		return; /* it is the end, which tells more */
	show(w, c,
	     &(struct shown){
		     .kind = TAP_IN,
		     .opcode =
			     ev->type == WS_EVENT_MESSAGE ? (uint8_t)ev->opcode : opcodes[ev->type],
		     .code = ev->type == WS_EVENT_CLOSE ? ev->close_code : 0,
		     .payload = ev->data,
		     .len = ev->len,
	     });
}

void tapper_said(struct worker *w, struct conn *c, uint8_t opcode, const void *payload,
                 uint32_t len)
{
	show(w, c,
	     &(struct shown){.kind = TAP_OUT, .opcode = opcode, .payload = payload, .len = len});
}

void tapper_closed(struct worker *w, struct conn *c, uint16_t code, const char *text)
{
	for (struct tap *t = w->taps; t != NULL; t = t->next) {
		struct tap_event *e;

		if (!matches(t, c->session))
			continue;
		e = t->target.kind == TARGET_CONNECTION ? tap_take_last(t) : tap_take(t);
		if (e == NULL)
			continue;
		e->code = code;
		e->reason = c->reason;
		tap_keep(t, e, text, strlen(text));
		send(w, e, TAP_CLOSED, c->session);
	}
	c->is_tapped = false;
}
