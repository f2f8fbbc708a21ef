/* Taps at a bad moment: no memory, no room, a session that is gone. The test plays the worker. */
#include "server/taps.h"

#include <criterion/criterion.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "heap.h"
#include "server/command.h"

#define INBOX_ITEMS 4

static struct server s;
static struct inbox to_worker;
static struct inbox *to_workers[] = {&to_worker};
static struct stats_block blocks[3];
static struct control *session;
static slab_handle handle;
static int peer;

static const char tap_user[] =
	"{\"version\":1,\"command\":\"tap\",\"arguments\":{\"target\":\"anna\"}}";
static const char tap_connection[] = "{\"version\":1,\"command\":\"tap\",\"arguments\":{\"target\":"
				     "\"aaaaaaaaaaaaaaaaaaaaaaaaaa\"}}";

static void begin(void) ON_MAIN;
static void begin(void)
{
	int fds[2];

	s = (struct server){
		.blocks = blocks,
		.n_blocks = 3,
		.worker_inboxes = to_workers,
		.n_workers = 1,
		.poll = os_poll_new(),
	};
	cr_assert_eq(inbox_init(&s.inbox, INBOX_ITEMS), 0);
	cr_assert_eq(inbox_init(&to_worker, INBOX_ITEMS), 0);
	control_init(&s);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	session = slab_new(&s.controls);
	cr_assert_not_null(session);
	handle = slab_handle_of(session);
	session->fd = fds[0];
	session->interest = OS_READ;
	session->current = answers_add(&session->answers, 0);
	cr_assert_not_null(session->current);
	cr_assert_eq(os_poll_add(s.poll, fds[0], OS_READ, handle), 0);
	peer = fds[1];
}

static void end(void) ON_MAIN;
static void end(void)
{
	control_fini(&s);
	for (unsigned i = 0; i < SERVER_TAPS; i++)
		cr_assert_null(s.taps[i], "its place is free");
	inbox_fini(&to_worker);
	inbox_fini(&s.inbox);
	os_close(s.poll);
	close(peer);
}

static void run(const char *request) ON_MAIN;
static void run(const char *request)
{
	json_t *parsed = json_loads(request, 0, NULL);

	cr_assert_not_null(parsed);
	session->busy = true;
	command_run(&s, session, parsed);
	control_send_ready(session);
	json_decref(parsed);
}

static bool hears(const char *words)
{
	char text[4096];
	const ssize_t n = read(peer, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return strstr(text, words) != NULL;
}

/* What the worker was sent last; NULL: nothing. */
static struct tap *sent(enum item_kind kind)
{
	bool again;
	struct inbox_item *item = inbox_take(&to_worker, &again);

	if (item == NULL)
		return NULL;
	cr_assert_eq(item->kind, kind);
	return CONTAINER_OF(item, struct tap, item);
}

static void end_of_session(void) ON_MAIN;
static void end_of_session(void)
{
	const struct os_event gone = {.token = handle, .events = OS_HANGUP};

	control_on_event(&s, &gone);
	cr_assert_null(slab_get(&s.controls, handle));
}

Test(taps, the_session_goes_before_it_has_begun)
{
	struct tap *t;

	role_enter(&role_main);
	begin();
	run(tap_user);
	t = sent(ITEM_TAP);
	cr_assert_not_null(t);
	end_of_session();
	cr_assert_null(sent(ITEM_UNTAP), "it is with the worker");
	taps_on_begun(&s, t);
	cr_assert_eq(sent(ITEM_UNTAP), t);
	taps_on_ended(&s, t);
	end();
}

/* Events that are under way when it goes come home first. */
Test(taps, the_session_goes_behind_it)
{
	struct tap_event *e;
	struct tap *t;

	role_enter(&role_main);
	begin();
	run(tap_user);
	t = sent(ITEM_TAP);
	taps_on_begun(&s, t);
	cr_expect(hears("\"ok\":true"));
	e = tap_take(t);
	end_of_session();
	cr_assert_eq(sent(ITEM_UNTAP), t);
	taps_on_event(&s, e);
	cr_assert_null(sent(ITEM_UNTAP), "once");
	taps_on_ended(&s, t);
	end();
}

Test(taps, no_such_connection)
{
	struct tap *t;

	role_enter(&role_main);
	begin();
	run(tap_connection);
	t = sent(ITEM_TAP);
	taps_on_begun(&s, t);
	cr_expect(hears("no such connection"));
	cr_assert_eq(sent(ITEM_UNTAP), t);
	taps_on_ended(&s, t);
	cr_expect_not(session->busy);
	end();
}

/* Whatever becomes of the item, no order follows the one to stop. */
Test(taps, the_worker_ends)
{
	struct tap *t;

	role_enter(&role_main);
	begin();
	run(tap_user);
	t = sent(ITEM_TAP);
	taps_on_begun(&s, t);
	cr_expect(hears("\"ok\":true"));
	s.phase = SERVER_STOPPING_WORKERS;
	taps_worker_ended(&s, 0);
	cr_expect(hears("the server has stopped"));
	cr_assert_null(sent(ITEM_UNTAP));
	cr_assert_null(slab_get(&s.controls, handle), "and the session with it");
	end();
}

Test(taps, stopping)
{
	role_enter(&role_main);
	begin();
	s.phase = SERVER_STOPPING_WORKERS;
	run(tap_user);
	cr_expect(hears("the server is stopping"));
	cr_assert_null(sent(ITEM_TAP));
	end();
}

Test(taps, a_full_inbox)
{
	static struct inbox_item plugs[INBOX_ITEMS];
	bool again;

	role_enter(&role_main);
	begin();
	for (unsigned i = 0; i < INBOX_ITEMS; i++)
		cr_assert_eq(inbox_push(&to_worker, &plugs[i]), 0);
	run(tap_user);
	cr_expect(hears("a worker's inbox is full"));
	while (inbox_take(&to_worker, &again) != NULL)
		;
	end();
}

/* Refused, or begun and a line that is missing and counted: nothing stays behind. */
Test(taps, memory_ends)
{
	unsigned refused = 0, gaps = 0;

	role_enter(&role_main);
	for (unsigned n = 1; n <= 6; n++) {
		struct tap *t;

		begin();
		heap_fail_at(n);
		run(tap_user);
		t = sent(ITEM_TAP);
		if (t == NULL) {
			heap_fail_at(0);
			cr_expect(hears("out of memory"), "allocation %u", n);
			refused++;
			end();
			continue;
		}
		taps_on_begun(&s, t);
		for (unsigned i = 0; i < 3; i++) {
			struct tap_event *e = tap_take(t);

			cr_assert_not_null(e);
			e->kind = TAP_IN;
			taps_on_event(&s, e);
			cr_expect_not(e->is_away);
		}
		heap_fail_at(0);
		gaps += hears("\"missed\":1");
		end_of_session();
		cr_assert_eq(sent(ITEM_UNTAP), t);
		taps_on_ended(&s, t);
		end();
	}
	cr_expect_gt(refused, 0);
	cr_expect_gt(gaps, 0);
}
