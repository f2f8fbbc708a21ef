/* From a command to lines, and back to nothing. */
#include "server/taps.h"

#include "base/err.h"
#include "server/argument.h"
#include "server/render_tap.h"
#include "wsmd/ctl.h"

struct server_tap {
	struct tap tap;
	slab_handle control; /* whose it is; 0: nobody's any more */
	uint32_t worker, uid;
	bool has_begun; /* so `tap.item` is here, until ... */
	bool is_ending; /* ... it was sent to end it */
	bool is_logged;
	uint64_t shown, missed;
	uint64_t untold; /* of those missed, not yet told with a line */
};

static struct server_tap *of(struct tap *t)
{
	return CONTAINER_OF(t, struct server_tap, tap);
}

/* ---- the log ---- */

static void log_tap(const struct server_tap *st, const char *event) ON_MAIN;
static void log_tap(const struct server_tap *st, const char *event)
{
	const struct target *t = &st->tap.target;
	char id[CONN_ID_TEXT];
	struct log_line l;

	if (!log_begin(&l, LOG_INFO, event))
		return;
	log_u64(&l, "uid", st->uid);
	if (t->kind == TARGET_CONNECTION) {
		conn_id_format(&t->id, id);
		log_str(&l, "conn", id);
	} else {
		log_strn(&l, "hub", t->hub, t->hub_len);
		log_strn(&l, "user", t->user, t->user_len);
	}
	log_str(&l, "payload", st->tap.with_payload ? "shown" : "hidden");
	if (st->is_ending) {
		log_u64(&l, "shown", st->shown);
		log_u64(&l, "missed", st->missed);
	}
	log_end(&l);
}

/* ---- the end ---- */

/* Send it home; the last act of main when nobody wants it any more. */
static void untap(struct server *s, struct server_tap *st) ON_MAIN;
static void untap(struct server *s, struct server_tap *st)
{
	st->control = 0;
	if (!st->has_begun || st->is_ending)
		return;
	st->is_ending = true;
	/* The order to stop is the last thing that a worker is told: then its end is awaited. */
	if (s->phase > SERVER_STOPPING_ACCEPTOR)
		return;
	st->tap.item.kind = ITEM_UNTAP;
	inbox_push_always(s->worker_inboxes[st->worker], &st->tap.item);
}

/* It is all here. */
static void forget(struct server *s, struct server_tap *st) ON_MAIN;
static void forget(struct server *s, struct server_tap *st)
{
	st->missed += st->tap.missed;
	if (st->is_logged)
		log_tap(st, "tap_ended");
	for (uint32_t i = 0; i < SERVER_TAPS; i++)
		if (s->taps[i] == st)
			s->taps[i] = NULL;
	free(st);
}

/* The session is told, if it is there, and then closed. */
static void finish(struct server *s, struct server_tap *st, const char *reason) ON_MAIN;
static void finish(struct server *s, struct server_tap *st, const char *reason)
{
	struct control *c = slab_get(&s->controls, st->control);

	untap(s, st);
	if (c == NULL)
		return;
	control_finish(s, c, render_tap_end(reason, st->untold));
	control_settle(s, c);
}

void taps_session_ends(struct server *s, struct control *c)
{
	const slab_handle handle = slab_handle_of(c);

	for (uint32_t i = 0; i < SERVER_TAPS; i++)
		if (s->taps[i] != NULL && s->taps[i]->control == handle)
			untap(s, s->taps[i]);
}

void taps_worker_ended(struct server *s, uint32_t worker)
{
	for (uint32_t i = 0; i < SERVER_TAPS; i++) {
		struct server_tap *st = s->taps[i];

		if (st == NULL || st->worker != worker)
			continue;
		st->untold += st->tap.missed;
		finish(s, st, "the server has stopped");
		forget(s, st);
	}
}

void taps_on_ended(struct server *s, struct tap *t)
{
	forget(s, of(t));
}

/* ---- the beginning ---- */

static struct server_tap **free_place(struct server *s) ON_MAIN;
static struct server_tap **free_place(struct server *s)
{
	for (uint32_t i = 0; i < SERVER_TAPS; i++)
		if (s->taps[i] == NULL)
			return &s->taps[i];
	return NULL;
}

void taps_begin(struct server *s, struct control *c, const struct target *t, bool with_payload)
{
	struct server_tap **place = free_place(s), *st;
	uint32_t n;

	if (s->phase > SERVER_STOPPING_ACCEPTOR) {
		control_fail(s, c, "refused", "the server is stopping", NULL, NULL);
		return;
	}
	if (place == NULL) {
		control_fail(s, c, "busy", "4 taps are open, there cannot be more at once",
		             "end one of them; the log says whose they are", NULL);
		return;
	}
	st = calloc(1, sizeof(*st));
	if (st == NULL) {
		control_fail(s, c, "internal", err_text(WSMD_ENOMEM), NULL, NULL);
		return;
	}
	st->tap.target = *t;
	st->tap.with_payload = with_payload;
	st->control = slab_handle_of(c);
	st->uid = c->uid;
	tap_init(&st->tap);
	server_workers_of(s, t, &st->worker, &n);
	if (inbox_push(s->worker_inboxes[st->worker], &st->tap.item) < 0) {
		stats_add(server_stats(s), STAT_INBOX_FULL, 1);
		control_fail(s, c, "busy", "a worker's inbox is full",
		             "try again, or raise limits.inbox_items", NULL);
		free(st);
		return;
	}
	*place = st;
}

void taps_on_begun(struct server *s, struct tap *t)
{
	struct server_tap *st = of(t);
	struct control *c = slab_get(&s->controls, st->control);

	st->has_begun = true;
	if (c == NULL) {
		untap(s, st);
		return;
	}
	if (t->target.kind == TARGET_CONNECTION && t->n_connections == 0) {
		untap(s, st);
		argument_not_found(s, c, &t->target);
	} else {
		st->is_logged = true;
		log_tap(st, "tap");
		control_reply(s, c,
		              json_pack("{s:I, s:b}", "connections", (json_int_t)t->n_connections,
		                        "payload", t->with_payload));
		c->busy = true; /* the session is the tap's until it ends */
	}
	control_settle(s, c);
}

/* ---- between them ---- */

static void tell(struct server *s, struct server_tap *st, const struct tap_event *e) ON_MAIN;
static void tell(struct server *s, struct server_tap *st, const struct tap_event *e)
{
	struct control *c = slab_get(&s->controls, st->control);

	st->missed += e->missed;
	st->untold += e->missed;
	if (c == NULL)
		return;
	if (control_stream(s, c, render_tap_event(e, st->untold))) {
		st->shown++;
		st->untold = 0;
	} else {
		st->missed++;
		st->untold++;
	}
	control_settle(s, c);
}

void taps_on_event(struct server *s, struct tap_event *e)
{
	struct server_tap *st = of(e->tap);

	tell(s, st, e);
	if (e == &st->tap.last)
		finish(s, st, "the connection has ended");
	tap_give_back(e);
}
