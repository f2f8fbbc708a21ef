/* Taps of a worker: whom they follow, and that they end where their events do. */
#include "worker/tapper.h"

#include <criterion/criterion.h>

#include <string.h>

#include "bed.h"
#include "worker/output.h"

static struct bed b;

static struct tap *tap_of(const char *hub, const char *user, const struct conn *c) ON_WORKER;
static struct tap *tap_of(const char *hub, const char *user, const struct conn *c)
{
	struct tap *t = calloc(1, sizeof(*t));

	cr_assert_not_null(t);
	t->with_payload = true;
	t->target.kind = c == NULL ? TARGET_USER : TARGET_CONNECTION;
	if (c != NULL)
		t->target.id = c->session->id;
	t->target.hub_len = (uint32_t)strlen(hub);
	strcpy(t->target.hub, hub);
	t->target.user_len = (uint32_t)strlen(user);
	strcpy(t->target.user, user);
	tap_init(t);
	return t;
}

/* Main's next item; it must be there. */
static struct inbox_item *told(enum item_kind kind)
{
	bool again;
	struct inbox_item *item = inbox_take(&b.to_main, &again);

	cr_assert_not_null(item);
	cr_assert_eq(item->kind, kind);
	return item;
}

static struct tap_event *told_event(enum tap_kind kind)
{
	struct tap_event *e = CONTAINER_OF(told(ITEM_TAPPED), struct tap_event, item);

	cr_assert_eq(e->kind, kind);
	return e;
}

static void begin_tap(struct tap *t, uint32_t connections) ON_WORKER;
static void begin_tap(struct tap *t, uint32_t connections)
{
	tapper_begin(b.w, t);
	cr_assert_eq(told(ITEM_TAP), &t->item);
	cr_assert_eq(t->n_connections, connections);
}

/* Main may look at it now, and nothing follows. */
static void end_tap(struct tap *t) ON_WORKER;
static void end_tap(struct tap *t)
{
	t->item.kind = ITEM_UNTAP;
	tapper_end(b.w, t);
	cr_assert_eq(told(ITEM_UNTAP), &t->item);
	cr_assert_eq(inbox_depth(&b.to_main), 0);
	free(t);
}

static void say(struct conn *c, const char *text) ON_WORKER;
static void say(struct conn *c, const char *text)
{
	cr_assert_eq(output_reply(b.w, c, WS_TEXT, text, (uint32_t)strlen(text)), 0);
}

static void finish(void) ON_WORKER;
static void finish(void)
{
	leave_begin(b.w, LEAVE_STOP);
	b.w->now_ms = b.w->leave.until_ms;
	leave_step(b.w);
	output_flush_dirty(b.w);
	conn_reap(b.w);
	bed_end(&b);
}

Test(tapper, follows_whom_it_names)
{
	struct conn *anna, *other, *late;
	struct tap_event *e;
	struct tap *t;

	role_enter(&role_worker);
	bed_begin(&b, 1);
	anna = bed_open_as(&b, "chat", "anna");
	other = bed_open_as(&b, "game", "anna");
	t = tap_of("chat", "anna", NULL);
	begin_tap(t, 1);
	cr_expect(anna->is_tapped && !other->is_tapped);
	say(other, "no");
	say(anna, "yes");
	e = told_event(TAP_OUT);
	cr_expect_eq(e->opcode, WS_TEXT);
	cr_expect_eq(e->kept, 3);
	cr_expect_arr_eq(e->payload, "yes", 3);
	tap_give_back(e);
	bed_open_as(&b, "chat", "ann");
	late = bed_open_as(&b, "chat", "anna");
	tap_give_back(told_event(TAP_OPENED));
	cr_expect(late->is_tapped);
	end_tap(t);
	cr_expect(!anna->is_tapped && !late->is_tapped);
	say(anna, "unseen");
	cr_expect_eq(inbox_depth(&b.to_main), 0);
	finish();
}

Test(tapper, of_two_one_ends)
{
	struct conn *anna;
	struct tap *one, *two;

	role_enter(&role_worker);
	bed_begin(&b, 1);
	anna = bed_open_as(&b, "chat", "anna");
	one = tap_of("chat", "anna", NULL);
	two = tap_of("", "", anna);
	begin_tap(one, 1);
	begin_tap(two, 1);
	say(anna, "both");
	tap_give_back(told_event(TAP_OUT));
	tap_give_back(told_event(TAP_OUT));
	end_tap(one);
	cr_expect(anna->is_tapped);
	say(anna, "one");
	tap_give_back(told_event(TAP_OUT));
	end_tap(two);
	cr_expect_not(anna->is_tapped);
	finish();
}

/* Main does not look: what has no place is counted, and the end of a connection has one. */
Test(tapper, bounds)
{
	struct conn *anna;
	struct tap_event *first, *e = NULL;
	struct tap *t;

	role_enter(&role_worker);
	bed_begin(&b, 1);
	anna = bed_open_as(&b, "chat", "anna");
	t = tap_of("", "", anna);
	begin_tap(t, 1);
	for (unsigned i = 0; i < TAP_EVENTS + 10; i++)
		say(anna, "x");
	cr_expect_eq(inbox_depth(&b.to_main), TAP_EVENTS);
	first = told_event(TAP_OUT);
	cr_expect_eq(first->missed, 0);
	tap_give_back(first);
	say(anna, "y");
	say(anna, "no room again");
	conn_close(b.w, anna, CLOSE_KICKED);
	for (unsigned i = 1; i < TAP_EVENTS + 1; i++)
		e = told_event(TAP_OUT);
	cr_expect_eq(e, first, "in turn");
	cr_expect_eq(e->missed, 10);
	e = told_event(TAP_CLOSED);
	cr_expect_eq(e, &t->last);
	cr_expect_eq(e->missed, 1);
	cr_expect_eq(e->reason, CLOSE_KICKED);
	end_tap(t);
	finish();
}

Test(tapper, a_long_payload_is_cut)
{
	static uint8_t guarded[TAP_PAYLOAD + 1];
	struct tap *t;
	struct tap_event *e;

	role_enter(&role_worker);
	bed_begin(&b, 1);
	bed_open_as(&b, "chat", "anna");
	t = tap_of("chat", "anna", NULL);
	begin_tap(t, 1);
	for (uint32_t len = TAP_PAYLOAD - 1; len <= sizeof(guarded); len++) {
		cr_assert_eq(output_reply(b.w, bed_first(&b), WS_BINARY, guarded, len), 0);
		e = told_event(TAP_OUT);
		cr_expect_eq(e->len, len);
		cr_expect_eq(e->kept, len < TAP_PAYLOAD ? len : TAP_PAYLOAD);
		tap_give_back(e);
	}
	end_tap(t);
	finish();
}
