/* A message to more than one turn delivers: who gets it, and what waits for its end. */
#include "worker/deliver.h"

#include <criterion/criterion.h>

#include <string.h>
#include <sys/socket.h>

#include "bed.h"
#include "hub/group.h"
#include "worker/output.h"
#include "ws/receiver.h"

#define MANY     600
#define PER_TURN 2000 /* places: some 250 deliveries */

static struct bed b;
static struct conn *crowd[MANY];

static const struct group_limits no_limits = {UINT32_MAX, UINT32_MAX};
static const enum target_kind to_many[] = {TARGET_GROUP, TARGET_HUB, TARGET_EVERYONE};

static struct request *request_to(enum target_kind kind, const char *text) ON_WORKER;
static struct request *request_to(enum target_kind kind, const char *text)
{
	struct request *r = request_new(REQUEST_SEND);

	cr_assert_not_null(r);
	r->target.kind = kind;
	r->target.hub_len = 4;
	memcpy(r->target.hub, "chat", 4);
	if (kind == TARGET_GROUP)
		cr_assert_eq(target_set_group(&r->target, "lobby", 5), 0);
	r->msg = msg_new(WS_TEXT, text, (uint32_t)strlen(text));
	r->reply_to = &b.to_main;
	return r;
}

/* A crowd in one group, and nothing of its handshakes left to read. */
static void begin(void) ON_WORKER;
static void begin(void)
{
	char head[256];

	bed_begin(&b, 1);
	b.w->delivery.per_turn = PER_TURN;
	for (uint32_t i = 0; i < MANY; i++) {
		crowd[i] = bed_open_as(&b, "chat", "");
		cr_assert_eq(group_join(&b.w->registry, crowd[i]->session, "lobby", 5, &no_limits),
		             JOIN_DONE);
		cr_assert_gt(recv(b.peers[i], head, sizeof(head), 0), 0);
	}
}

static void flush_all(void) ON_WORKER;
static void flush_all(void)
{
	do
		output_flush_dirty(b.w);
	while (b.w->crowd.first != NULL);
}

static void end(void) ON_WORKER;
static void end(void)
{
	uint32_t index = 0;

	flush_all();
	for (struct conn *c; (c = slab_next(&b.w->conns, &index)) != NULL;)
		conn_abort(b.w, c, CLOSE_STOP);
	conn_reap(b.w);
	cr_assert_null(b.w->registry.resting);
	bed_end(&b);
}

/* In the middle of telling everybody. */
static struct request *begin_to_tell(enum target_kind kind) ON_WORKER;
static struct request *begin_to_tell(enum target_kind kind)
{
	struct request *r = request_to(kind, "hello");

	deliver_turn(b.w);
	deliver_begin(b.w, r);
	cr_assert_eq(b.w->delivery.resting, r);
	cr_assert(deliver_spent(&b.w->delivery));
	cr_assert(r->outcome.matched > 2 && r->outcome.matched < MANY / 2);
	return r;
}

static void finish(struct request *r, uint32_t delivered) ON_WORKER;
static void finish(struct request *r, uint32_t delivered)
{
	bool again;

	while (b.w->delivery.resting != NULL) {
		cr_assert_null(inbox_take(&b.to_main, &again), "answered before it is done");
		deliver_turn(b.w);
	}
	cr_assert_eq(inbox_take(&b.to_main, &again), &r->item);
	cr_expect_eq(r->outcome.delivered, delivered);
	cr_expect_eq(r->outcome.matched, delivered);
	cr_expect_eq(stats_get(b.stats, STAT_DELIVERED), delivered);
	request_free(r);
	flush_all();
}

static void expect_received(uint32_t peer, const char *text)
{
	char frames[256];
	const ssize_t n = recv(b.peers[peer], frames, sizeof(frames), MSG_DONTWAIT);

	cr_assert_eq(n, (ssize_t)strlen(text), "peer %u: %zd bytes", peer, n);
	cr_assert_arr_eq(frames, text, strlen(text));
}

Test(deliver, everybody_gets_it_once)
{
	role_enter(&role_worker);
	for (size_t k = 0; k < ARRAY_LEN(to_many); k++) {
		begin();
		finish(begin_to_tell(to_many[k]), MANY);
		for (uint32_t i = 0; i < MANY; i++)
			expect_received(i, "\x81\x05hello");
		end();
	}
}

/* Who had it, who is next, and who is last. */
Test(deliver, some_close_meanwhile)
{
	role_enter(&role_worker);
	for (size_t k = 0; k < ARRAY_LEN(to_many); k++) {
		begin();

		struct request *r = begin_to_tell(to_many[k]);
		const uint32_t had = r->outcome.matched;
		const uint32_t gone[] = {0, had - 1, had, had + 1, MANY - 1};

		output_flush_dirty(b.w);
		for (size_t i = 0; i < ARRAY_LEN(gone); i++)
			conn_abort(b.w, crowd[gone[i]], CLOSE_RESET);
		conn_reap(b.w);
		finish(r, MANY - 3);
		expect_received(had + 2, "\x81\x05hello");
		end();
	}
}

Test(deliver, everybody_closes_meanwhile)
{
	role_enter(&role_worker);
	for (size_t k = 0; k < ARRAY_LEN(to_many); k++) {
		begin();

		struct request *r = begin_to_tell(to_many[k]);

		output_flush_dirty(b.w);
		for (uint32_t i = 0; i < MANY; i++)
			conn_abort(b.w, crowd[i], CLOSE_RESET);
		conn_reap(b.w);
		cr_expect_null(b.w->registry.resting, "a group that is gone");
		finish(r, r->outcome.matched);
		end();
	}
}

Test(deliver, the_next_leave_the_group_meanwhile)
{
	struct request *r;
	uint32_t had;

	role_enter(&role_worker);
	begin();
	r = begin_to_tell(TARGET_GROUP);
	had = r->outcome.matched;
	for (uint32_t i = had; i < had + 10; i++)
		cr_assert(group_leave(&b.w->registry, crowd[i]->session, "lobby", 5));
	finish(r, MANY - 10);
	expect_received(had + 10, "\x81\x05hello");
	end();
}

/* One of those who are left out closes; the other is met in a later turn. */
Test(deliver, who_is_left_out_stays_so)
{
	struct request *r;
	bool again;

	role_enter(&role_worker);
	begin();
	r = request_to(TARGET_HUB, "hello");
	cr_assert_eq(target_set_except(&r->target, 2, 0), 0);
	target_except_connection(&r->target, &crowd[1]->session->id);
	target_except_connection(&r->target, &crowd[MANY - 1]->session->id);
	deliver_turn(b.w);
	deliver_begin(b.w, r);
	output_flush_dirty(b.w);
	conn_abort(b.w, crowd[1], CLOSE_RESET);
	conn_reap(b.w);
	while (b.w->delivery.resting != NULL)
		deliver_turn(b.w);
	cr_assert_eq(inbox_take(&b.to_main, &again), &r->item);
	cr_expect_eq(r->outcome.excluded, 2);
	cr_expect_eq(r->outcome.delivered, MANY - 2);
	request_free(r);
	end();
}

/* Two to everybody and, behind them, one to the last: he gets all in the order of the requests. */
Test(deliver, nothing_overtakes)
{
	struct request *all[3];
	bool again;

	role_enter(&role_worker);
	begin();
	all[0] = request_to(TARGET_HUB, "first");
	all[1] = request_to(TARGET_GROUP, "then");
	all[2] = request_to(TARGET_CONNECTION, "last");
	all[2]->target.id = crowd[MANY - 1]->session->id;
	for (int i = 0; i < 3; i++)
		inbox_push_always(&b.w->inbox, &all[i]->item);
	for (int i = 0; i < 3; i++) {
		const struct inbox_item *item;

		while ((item = inbox_take(&b.to_main, &again)) == NULL)
			cr_assert(worker_turn(b.w));
		cr_assert_eq(item, &all[i]->item, "answer %d", i);
		request_free(all[i]);
	}
	flush_all();
	expect_received(MANY - 1, "\x81\x05"
	                          "first"
	                          "\x81\x04"
	                          "then"
	                          "\x81\x04"
	                          "last");
	end();
}

/* What is for many is written to a share of them in a turn, and to each at once what has come
 * meanwhile; who gets something of his own does not wait for it. */
Test(deliver, messages_to_a_crowd_leave_together)
{
	struct request *one;
	uint64_t writes;
	struct conn *c;
	uint32_t turns = 0;
	bool again;

	role_enter(&role_worker);
	begin();
	b.w->delivery.per_turn = 20 * MANY * 8;
	c = bed_open_as(&b, "other", "");
	one = request_to(TARGET_CONNECTION, "own");
	one->target.id = c->session->id;
	inbox_push_always(&b.w->inbox, &one->item);
	for (int i = 0; i < 5; i++)
		inbox_push_always(&b.w->inbox, &request_to(TARGET_GROUP, "x")->item);
	writes = stats_get(b.stats, STAT_WRITES);
	cr_assert(worker_turn(b.w));
	cr_assert_eq(stats_get(b.stats, STAT_DELIVERED), 5 * MANY + 1);
	cr_assert_leq(stats_get(b.stats, STAT_WRITES) - writes, 257);
	cr_assert_eq(b.w->conns.in_use, MANY + 1);
	cr_assert_eq(c->sendq.n, 0, "it waits for others");
	cr_assert(b.w->again, "nobody wakes it up for the others");
	cr_assert_not(b.w->delivery.to_many);
	while (b.w->crowd.first != NULL && turns++ < 10)
		cr_assert(worker_turn(b.w));
	cr_assert_leq(turns, MANY / 256 + 1);
	cr_assert_eq(stats_get(b.stats, STAT_WRITES) - writes, MANY + 1);
	expect_received(MANY - 1, "\x81\x01x\x81\x01x\x81\x01x\x81\x01x\x81\x01x");
	for (int i = 0; i < 6; i++)
		request_free(CONTAINER_OF(inbox_take(&b.to_main, &again), struct request, item));
	end();
}

/* The deadline of a stop is in the turn in which it rests. */
Test(deliver, a_worker_that_stops_answers_first)
{
	struct request *r;
	bool again;

	role_enter(&role_worker);
	begin();
	r = request_to(TARGET_EVERYONE, "x");
	inbox_push_always(&b.w->inbox, &r->item);
	leave_begin(b.w, LEAVE_STOP);
	leave_now(b.w);
	cr_assert(worker_turn(b.w));
	cr_assert_eq(b.w->conns.in_use, 0);
	cr_assert_null(inbox_take(&b.to_main, &again));
	cr_assert_not(worker_turn(b.w));
	cr_assert_eq(inbox_take(&b.to_main, &again), &r->item);
	request_free(r);
	end();
}

/* Places where nobody has been left cost a look for each chunk of them. */
Test(deliver, a_peak_that_is_over_costs_little)
{
	uint32_t places;
	bool again;

	role_enter(&role_worker);
	bed_begin(&b, 1);
	for (int i = 0; i < 2 * MANY; i++)
		bed_open_as(&b, "chat", "");
	for (struct conn *c; b.w->conns.in_use > 1; conn_reap(b.w)) {
		uint32_t last = slab_end(&b.w->conns);

		while ((c = slab_at(&b.w->conns, --last)) == NULL)
			;
		conn_abort(b.w, c, CLOSE_RESET);
	}
	deliver_turn(b.w);
	places = b.w->delivery.places;
	deliver_begin(b.w, request_to(TARGET_HUB, "x"));
	cr_expect_lt(places - b.w->delivery.places, 2 * MANY);
	request_free(CONTAINER_OF(inbox_take(&b.to_main, &again), struct request, item));
	end();
}

/* A turn that many messages share delivers no more than one message would get. */
Test(deliver, a_turn_is_one_share)
{
	uint64_t before, most = 0;
	bool again;

	role_enter(&role_worker);
	begin();
	for (int i = 0; i < 20; i++)
		inbox_push_always(&b.w->inbox, &request_to(TARGET_HUB, "x")->item);
	for (int answers = 0; answers < 20;) {
		struct inbox_item *item;

		before = stats_get(b.stats, STAT_MESSAGES_OUT);
		cr_assert(worker_turn(b.w));
		if (stats_get(b.stats, STAT_MESSAGES_OUT) - before > most)
			most = stats_get(b.stats, STAT_MESSAGES_OUT) - before;
		for (; (item = inbox_take(&b.to_main, &again)) != NULL; answers++)
			request_free(CONTAINER_OF(item, struct request, item));
	}
	cr_expect(most > 2 && most < MANY / 2, "%llu in a turn", (unsigned long long)most);
	cr_expect_eq(stats_get(b.stats, STAT_DELIVERED), 20 * MANY);
	end();
}
