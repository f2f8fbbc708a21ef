/* Commands at a bad moment: a full inbox, no memory. The test plays the workers. */
#include "server/command.h"

#include <criterion/criterion.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "heap.h"
#include "stats/close_reason.h"
#include "worker/why.h"
#include "ws/rule.h"

#define N_WORKERS   3
#define INBOX_ITEMS 4

/* A server without threads, and one session whose other end is @peer. */
static struct server s;
static struct inbox inboxes[N_WORKERS];
static struct inbox *to_workers[N_WORKERS];
static struct stats_block blocks[N_WORKERS + 2];
static struct server_thread threads[N_WORKERS + 1];
static struct control *session;
static int peer;

static void begin(void) ON_MAIN;
static void begin(void)
{
	static const struct conf_args args = {.file = NULL};
	struct conf_faults faults = {0};
	struct conf *conf;
	int fds[2];

	s = (struct server){
		.args = &args,
		.blocks = blocks,
		.n_blocks = N_WORKERS + 2,
		.worker_inboxes = to_workers,
		.n_workers = N_WORKERS,
		.threads = threads,
		.poll = os_poll_new(),
		.cpus = 1,
	};
	cr_assert_eq(conf_load(&args, 1, &conf, &faults), 0);
	conf_cell_publish(&s.conf, conf);
	cr_assert_eq(inbox_init(&s.inbox, INBOX_ITEMS), 0);
	for (unsigned i = 0; i < N_WORKERS; i++) {
		cr_assert_eq(inbox_init(&inboxes[i], INBOX_ITEMS), 0);
		to_workers[i] = threads[1 + i].inbox = &inboxes[i];
	}
	threads[0].inbox = &s.inbox;
	control_init(&s);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	session = slab_new(&s.controls);
	cr_assert_not_null(session);
	session->fd = fds[0];
	session->interest = OS_READ;
	session->current = answers_add(&session->answers, 0);
	cr_assert_not_null(session->current);
	cr_assert_eq(os_poll_add(s.poll, fds[0], OS_READ, slab_handle_of(session)), 0);
	peer = fds[1];
}

static void end(void) ON_MAIN;
static void end(void)
{
	control_fini(&s);
	for (unsigned i = 0; i < N_WORKERS; i++)
		inbox_fini(&inboxes[i]);
	inbox_fini(&s.inbox);
	conf_cell_publish(&s.conf, NULL);
	os_close(s.poll);
	close(peer);
}

static void run(const char *request) ON_MAIN;
static void run(const char *request)
{
	json_t *parsed = json_loads(request, 0, NULL);

	cr_assert_not_null(parsed);
	command_run(&s, session, parsed);
	json_decref(parsed);
}

/* The line that was answered, or NULL: none yet. */
static json_t *answered(void)
{
	char line[4096];
	ssize_t n;

	control_send_ready(session);
	n = read(peer, line, sizeof(line));

	return n > 0 ? json_loadb(line, (size_t)n, 0, NULL) : NULL;
}

static const char *text_at(const json_t *answer, const char *object, const char *member)
{
	const char *text =
		json_string_value(json_object_get(json_object_get(answer, object), member));

	return text != NULL ? text : "";
}

static long long number_at(const json_t *answer, const char *member)
{
	return json_integer_value(json_object_get(json_object_get(answer, "result"), member));
}

/* Worker @i works off its inbox: each request matches @matched connections, @dropped are full. */
static void work(unsigned i, uint32_t matched, uint32_t dropped) ON_MAIN;
static void work(unsigned i, uint32_t matched, uint32_t dropped)
{
	struct inbox_item *item;
	bool again;

	while ((item = inbox_take(&inboxes[i], &again)) != NULL) {
		struct request *r = CONTAINER_OF(item, struct request, item);

		if (r->context == NULL) {
			request_free(r); /* a plug */
			continue;
		}
		r->joins[JOIN_DONE] = r->left = matched;
		if (r->groups != NULL)
			r->groups->n = 0;
		r->outcome = (struct outcome){
			.delivered = matched - dropped,
			.dropped = dropped,
			.dropped_for = {[DROP_QUEUE_FULL] = dropped},
			.matched = matched,
		};
		request_answer(r);
		item = inbox_take(&s.inbox, &again);
		cr_assert_not_null(item);
		control_on_answer(&s, CONTAINER_OF(item, struct request, item));
	}
}

static void plug(unsigned i)
{
	for (struct request *r; (r = request_new(REQUEST_SEND)) != NULL;) {
		if (inbox_push(&inboxes[i], &r->item) < 0) {
			request_free(r);
			return;
		}
	}
}

static const char send_all[] =
	"{\"version\":1,\"command\":\"send\",\"arguments\":{\"all\":true,\"text\":\"hello\"}}";

/* What others got already must not be sent again because of one who could not be asked. */
Test(command, broadcast_past_a_full_inbox)
{
	static const struct {
		unsigned plugged; /* which worker */
		uint32_t matched, dropped;
		const char *code, *reason;
	} cases[] = {
		{0, 2, 0, "", "busy"},
		{1, 2, 0, "", "busy"},
		{2, 2, 0, "", "busy"},
		{2, 2, 2, "", "busy"},
		{1, 0, 0, "busy", ""},
		{N_WORKERS, 2, 0, "", ""},
		{N_WORKERS, 2, 2, "", "queue_full"},
		{N_WORKERS, 0, 0, "", "nobody_connected"},
	};

	role_enter(&role_main);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const unsigned asked = cases[i].plugged < N_WORKERS ? N_WORKERS - 1 : N_WORKERS;
		json_t *answer;

		begin();
		if (cases[i].plugged < N_WORKERS)
			plug(cases[i].plugged);
		run(send_all);
		cr_expect_null(answered(), "case %zu", i);
		for (unsigned k = 0; k < N_WORKERS; k++)
			work(k, cases[i].matched, cases[i].dropped);
		answer = answered();
		cr_assert_not_null(answer, "case %zu", i);
		cr_expect_str_eq(text_at(answer, "error", "code"), cases[i].code, "case %zu", i);
		cr_expect_str_eq(text_at(answer, "result", "reason"), cases[i].reason, "case %zu",
		                 i);
		cr_expect_eq(number_at(answer, "delivered"),
		             asked * (cases[i].matched - cases[i].dropped), "case %zu", i);
		cr_expect_eq(number_at(answer, "dropped"), asked * cases[i].dropped, "case %zu", i);
		json_decref(answer);
		end();
	}
}

Test(command, nobody_could_be_asked)
{
	json_t *answer;

	role_enter(&role_main);
	begin();
	for (unsigned i = 0; i < N_WORKERS; i++)
		plug(i);
	run(send_all);
	answer = answered();
	cr_expect_str_eq(text_at(answer, "error", "code"), "busy");
	cr_expect_eq(stats_get(server_stats(&s), STAT_INBOX_FULL), N_WORKERS);
	json_decref(answer);
	for (unsigned i = 0; i < N_WORKERS; i++)
		work(i, 0, 0);
	end();
}

/* Whichever allocation fails: the cause is memory, not what the operator has written. */
Test(command, memory_ends)
{
	static const char *const requests[] = {
		send_all,
		"{\"version\":1,\"command\":\"send\",\"arguments\":{\"user\":\"a\",\"text\":\"x\"}"
		"}",
		"{\"version\":1,\"command\":\"send\",\"arguments\":{\"user\":\"a\",\"binary\":\"eA="
		"=\"}}",
		"{\"version\":1,\"command\":\"send\",\"arguments\":{\"group\":\"g\",\"text\":\"x\","
		"\"except\":[\"a\",\"b\"],\"each\":true}}",
		"{\"version\":1,\"command\":\"join\",\"arguments\":{\"group\":\"g\",\"target\":"
		"\"a\"}}",
		"{\"version\":1,\"command\":\"leave\",\"arguments\":{\"all\":true,\"target\":\"a\"}"
		"}",
		"{\"version\":1,\"command\":\"groups\",\"arguments\":{\"target\":\"a\"}}",
		"{\"version\":1,\"command\":\"kick\",\"arguments\":{\"target\":\"a\"}}",
		"{\"version\":1,\"command\":\"ls\"}",
		"{\"version\":1,\"command\":\"reload\"}",
	};

	role_enter(&role_main);
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		unsigned failures = 0;
		bool ok = false;

		for (unsigned n = 1; !ok; n++) {
			json_t *answer;

			begin();
			heap_fail_at(n);
			run(requests[i]);
			heap_fail_at(0);
			for (unsigned k = 0; k < N_WORKERS; k++)
				work(k, 1, 0);
			answer = answered();
			cr_assert_not_null(answer, "%s, allocation %u", requests[i], n);
			ok = json_is_true(json_object_get(answer, "ok"));
			if (!ok) {
				failures++;
				cr_expect_str_eq(text_at(answer, "error", "code"), "internal",
				                 "%s, allocation %u: %s", requests[i], n,
				                 text_at(answer, "error", "message"));
				cr_expect_not_null(strstr(text_at(answer, "error", "message"),
				                          "out of memory"));
			}
			json_decref(answer);
			end();
		}
		cr_expect_gt(failures, 0, "%s", requests[i]);
	}
}

/* Each send has its answer, or the session ends. Returns how many did not reach all. */
static unsigned check_answers(unsigned n, unsigned failed_allocation)
{
	char lines[4096] = "";
	unsigned errors = 0;
	const char *at = lines;

	control_send_ready(session);
	(void)!read(peer, lines, sizeof(lines) - 1);
	for (unsigned i = 0; i < n; i++) {
		const size_t len = strcspn(at, "\n");
		json_t *answer = json_loadb(at, len, 0, NULL);

		if (answer == NULL) {
			cr_expect(session->ending, "answer %u, allocation %u", i,
			          failed_allocation);
			return errors + 1;
		}
		if (!json_is_true(json_object_get(answer, "ok")) ||
		    strcmp(text_at(answer, "result", "reason"), "busy") == 0)
			errors++;
		else
			cr_expect_eq(number_at(answer, "delivered"), N_WORKERS, "%s", lines);
		json_decref(answer);
		at += len + 1;
	}
	cr_expect_eq(*at, '\0', "allocation %u: %s", failed_allocation, lines);
	return errors;
}

/* Three sends to all under way at once. */
Test(command, memory_that_fails_amid_overlapping_sends)
{
	const unsigned n_sends = 3;
	unsigned errors = 1;

	role_enter(&role_main);
	for (unsigned n = 1; errors > 0; n++) {
		cr_assert_lt(n, 1000);
		begin();
		heap_fail_at(n);
		for (unsigned i = 0; i < n_sends; i++) {
			if (i > 0)
				session->current = answers_add(&session->answers, 0);
			if (session->current == NULL)
				session->ending = true;
			else
				run("{\"version\":1,\"command\":\"send\","
				    "\"arguments\":{\"all\":true,\"text\":\"x\"}}");
		}
		for (unsigned k = 0; k < N_WORKERS; k++)
			work(k, 1, 0);
		heap_fail_at(0);
		errors = check_answers(n_sends, n);
		end();
	}
}

/* Worker @i answers a why: @deaths connections were cut after 60 s of silence, and the user's own
 * was one of them if it is here. */
static void remember(unsigned i, uint32_t deaths) ON_MAIN;
static void remember(unsigned i, uint32_t deaths)
{
	static const struct record_parts parts = {
		.hub = "default", .hub_len = 7, .user = "a", .user_len = 1};
	bool again;
	struct inbox_item *item = inbox_take(&inboxes[i], &again);
	struct request *r;
	struct why *y;

	cr_assert_not_null(item);
	r = CONTAINER_OF(item, struct request, item);
	y = r->why;
	y->next = RECORD_NOWHERE;
	y->held = y->deaths.at[IDLE_60S] = deaths;
	if (y->any) {
		struct record *ended = (void *)y->bytes;

		*ended = (struct record){.reason = CLOSE_FIN,
		                         .rule = WS_RULE_COUNT,
		                         .ended_wall_ms = os_wall_ms(),
		                         .silent_ms = 60049};
		record_write(ended, &parts);
		y->used = ended->bytes;
		y->n_ended = 1;
	}
	request_answer(r);
	item = inbox_take(&s.inbox, &again);
	cr_assert_not_null(item);
	control_on_answer(&s, CONTAINER_OF(item, struct request, item));
}

/* The sentence about a user of whom @each of N_WORKERS workers has so many deaths like his. */
static bool blames_a_proxy(uint32_t each, const char *others) ON_MAIN;
static bool blames_a_proxy(uint32_t each, const char *others)
{
	const char *why;
	json_t *answer;
	bool blamed;

	begin();
	run("{\"version\":1,\"command\":\"why\",\"arguments\":{\"target\":\"a\"}}");
	for (unsigned i = 0; i < N_WORKERS; i++)
		remember(i, each);
	answer = answered();
	why = json_string_value(json_object_get(
		json_array_get(json_object_get(json_object_get(answer, "result"), "ended"), 0),
		"why"));
	cr_assert_not_null(why);
	blamed = strstr(why, "something between has a 60 s idle limit") != NULL;
	cr_expect_eq(blamed, strstr(why, others) != NULL, "%s", why);
	json_decref(answer);
	end();
	return blamed;
}

/* Each worker has too few deaths at one age to say anything; together they are enough. */
Test(command, deaths_of_all_workers_are_added_up)
{
	const struct deaths_sum alone = {.at[IDLE_60S] = 3};

	role_enter(&role_main);
	cr_assert_not(deaths_reveal(&alone, IDLE_60S));
	cr_expect(blames_a_proxy(3, "; 8 others in the last hour too"));
	cr_expect_not(blames_a_proxy(1, "others in the last hour"));
}
