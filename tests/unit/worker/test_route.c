/* Who gets a message, who does not, and what is told about each. */
#include "worker/route.h"

#include <criterion/criterion.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bed.h"
#include "heap.h"
#include "hub/group.h"
#include "worker/output.h"
#include "ws/receiver.h"

static struct bed b;
static char handshake[] = "HTTP/1.1 101 x\r\n\r\n";

static void begin(void) ON_WORKER;
static void begin(void)
{
	bed_begin(&b, 1);
}

static void end(void) ON_WORKER;
static void end(void)
{
	leave_begin(b.w, LEAVE_STOP);
	b.w->now_ms = b.w->leave.until_ms;
	leave_step(b.w);
	output_flush_dirty(b.w);
	conn_reap(b.w);
	cr_assert_eq(stats_get(b.stats, STAT_GROUPS_ACTIVE), 0);
	bed_end(&b);
}

static const struct group_limits no_limits = {UINT32_MAX, UINT32_MAX};

static void join(const struct conn *c, const char *group) ON_WORKER;
static void join(const struct conn *c, const char *group)
{
	cr_assert_eq(
		group_join(&b.w->registry, c->session, group, (uint16_t)strlen(group), &no_limits),
		JOIN_DONE);
}

/* ---- requests ---- */

static struct request *to(enum target_kind kind, const char *hub, const char *name)
{
	struct request *r = request_new(REQUEST_SEND);

	cr_assert_not_null(r);
	r->target.kind = kind;
	strcpy(r->target.hub, hub);
	r->target.hub_len = (uint32_t)strlen(hub);
	if (kind == TARGET_USER) {
		strcpy(r->target.user, name);
		r->target.user_len = (uint32_t)strlen(name);
	} else if (kind == TARGET_GROUP) {
		cr_assert_eq(target_set_group(&r->target, name, (uint32_t)strlen(name)), 0);
	}
	r->msg = msg_new(WS_TEXT, "hello", 5);
	cr_assert_not_null(r->msg);
	return r;
}

static struct request *to_connection(const struct conn *c)
{
	struct request *r = to(TARGET_CONNECTION, "", "");

	r->target.id = c->session->id;
	return r;
}

/* Deliver, in as many turns as it takes; the request is still the test's. */
static void deliver(struct request *r) ON_WORKER;
static void deliver(struct request *r)
{
	bool again;

	r->reply_to = &b.to_main;
	deliver_turn(b.w);
	deliver_begin(b.w, r);
	while (b.w->delivery.resting != NULL)
		deliver_turn(b.w);
	cr_assert_eq(inbox_take(&b.to_main, &again), &r->item);
}

/* Send, and forget the request: what became of it. */
static struct outcome send_it(struct request *r) ON_WORKER;
static struct outcome send_it(struct request *r)
{
	struct outcome o;

	deliver(r);
	o = r->outcome;
	request_free(r);
	output_flush_dirty(b.w);
	return o;
}

/* How many times peer @i got the message, apart from its handshake. */
static unsigned got(uint32_t i)
{
	static char text[1 << 16];
	const ssize_t n = recv(b.peers[i], text, sizeof(text), 0);
	const size_t head = strlen(handshake), each = 2 + 5;
	const size_t from = n >= (ssize_t)head && memcmp(text, handshake, head) == 0 ? head : 0;

	if (n <= 0)
		return 0;
	cr_assert_eq(((size_t)n - from) % each, 0);
	return (unsigned)(((size_t)n - from) / each);
}

/* ---- receivers ---- */

Test(route, a_group_is_its_members_each_once)
{
	struct conn *c[4];
	struct outcome o;

	role_enter(&role_worker);
	begin();
	c[0] = bed_open_as(&b, "chat", "alice");
	c[1] = bed_open_as(&b, "chat", "alice");
	c[2] = bed_open_as(&b, "chat", "");
	c[3] = bed_open_as(&b, "game", "alice");
	join(c[0], "lobby");
	join(c[2], "lobby");
	join(c[1], "lobby2");
	join(c[3], "lobby");
	o = send_it(to(TARGET_GROUP, "chat", "lobby"));
	cr_expect_eq(o.matched, 2);
	cr_expect_eq(o.delivered, 2);
	cr_expect_eq(o.user_seq, 0, "not to one user");
	cr_expect_eq(got(0), 1);
	cr_expect_eq(got(1), 0, "another tab of the same user");
	cr_expect_eq(got(2), 1);
	cr_expect_eq(got(3), 0, "the same name in another hub");
	o = send_it(to(TARGET_GROUP, "chat", "none"));
	cr_expect_eq(o.matched + o.delivered + o.dropped, 0);
	o = send_it(to(TARGET_GROUP, "none", "lobby"));
	cr_expect_eq(o.matched, 0);
	cr_expect_eq(stats_get(b.stats, STAT_DELIVERED), 2);
	end();
}

Test(route, who_is_left_out_gets_nothing)
{
	static const struct {
		enum target_kind kind;
		uint32_t delivered, excluded;
		unsigned got[5];
	} cases[] = {
		{TARGET_HUB, 1, 3, {0, 0, 0, 1, 0}},
		{TARGET_GROUP, 1, 3, {0, 0, 0, 1, 0}},
		{TARGET_USER, 0, 2, {0, 0, 0, 0, 0}},
	};
	struct conn *c[5];

	role_enter(&role_worker);
	begin();
	c[0] = bed_open_as(&b, "chat", "alice");
	c[1] = bed_open_as(&b, "chat", "alice");
	c[2] = bed_open_as(&b, "chat", "bob");
	c[3] = bed_open_as(&b, "chat", "bob");
	c[4] = bed_open_as(&b, "game", "alice");
	for (int i = 0; i < 5; i++) {
		join(c[i], "lobby");
		(void)got((uint32_t)i);
	}
	for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
		struct request *r =
			to(cases[k].kind, "chat", cases[k].kind == TARGET_USER ? "alice" : "lobby");
		struct outcome o;

		cr_assert_eq(target_set_except(&r->target, 4, 20), 0);
		target_except_user(&r->target, "alice", 5);
		target_except_user(&r->target, "nobody", 6);
		target_except_connection(&r->target, &c[2]->session->id);
		target_except_connection(&r->target, &(struct conn_id){{99}});
		o = send_it(r);
		cr_expect_eq(o.delivered, cases[k].delivered, "%zu", k);
		cr_expect_eq(o.matched, cases[k].delivered, "%zu", k);
		cr_expect_eq(o.excluded, cases[k].excluded, "%zu", k);
		cr_expect_eq(o.user_seq, 0, "%zu", k);
		for (uint32_t i = 0; i < 5; i++)
			cr_expect_eq(got(i), cases[k].got[i], "%zu: peer %u", k, i);
	}
	cr_expect_eq(stats_get(b.stats, STAT_EXCLUDED), 8);
	end();
}

/* An index that leads to somebody else is noticed before a byte is queued. */
Test(route, a_connection_of_somebody_else_is_refused_and_counted)
{
	struct conn *mine, *other;
	struct user *bob;
	struct hub *game;

	role_enter(&role_worker);
	begin();
	mine = bed_open_as(&b, "chat", "alice");
	other = bed_open_as(&b, "game", "bob");
	bob = other->session->user;
	game = other->session->hub;
	join(mine, "lobby");
	(void)got(0);

	struct user *const alice = mine->session->user;
	struct hub *const chat = mine->session->hub;

	mine->session->user = bob; /* alice's list now leads to one of bob's */
	bob->oldest = other->session->head.index;
	struct request *r = to(TARGET_USER, "chat", "alice");
	struct route at;

	route_begin(b.w, &r->target, &at);
	at.next = mine->session;
	mine->session->of_user.next = bob->oldest; /* ... and ends there */
	cr_expect_null(route_next(b.w, &at));
	mine->session->of_user.next = mine->session->head.index;
	mine->session->user = alice;
	request_free(r);
	cr_expect_eq(stats_get(b.stats, STAT_ISOLATION), 1);

	mine->session->hub = game; /* a group that has a member of another hub */
	cr_expect_eq(send_it(to(TARGET_GROUP, "chat", "lobby")).matched, 0);
	mine->session->hub = chat;
	cr_expect_eq(stats_get(b.stats, STAT_ISOLATION), 2);
	cr_expect_eq(got(0), 0);
	end();
}

/* ---- order ---- */

Test(route, sends_to_a_user_are_numbered_over_all_his_connections)
{
	struct conn *c[3];

	role_enter(&role_worker);
	begin();
	c[0] = bed_open_as(&b, "chat", "alice");
	c[1] = bed_open_as(&b, "chat", "alice");
	c[2] = bed_open_as(&b, "chat", "bob");
	cr_expect_eq(send_it(to(TARGET_USER, "chat", "alice")).user_seq, 1);
	cr_expect_eq(send_it(to_connection(c[1])).user_seq, 2);
	cr_expect_eq(send_it(to_connection(c[0])).user_seq, 3);
	cr_expect_eq(send_it(to(TARGET_USER, "chat", "bob")).user_seq, 1, "his own");
	cr_expect_eq(send_it(to(TARGET_HUB, "chat", "")).user_seq, 0);
	cr_expect_eq(send_it(to(TARGET_USER, "chat", "nobody")).user_seq, 0);
	cr_expect_eq(send_it(to(TARGET_USER, "chat", "alice")).user_seq, 4);
	cr_expect_eq(stats_get(b.stats, STAT_ORDER), 0);
	end();
}

Test(route, an_anonymous_connection_has_a_number_of_its_own)
{
	struct conn *a, *other;

	role_enter(&role_worker);
	begin();
	a = bed_open_as(&b, "chat", "");
	other = bed_open_as(&b, "chat", "");
	for (uint64_t i = 1; i <= 3; i++)
		cr_expect_eq(send_it(to_connection(a)).user_seq, i);
	cr_expect_eq(send_it(to_connection(other)).user_seq, 1);
	cr_expect_eq(stats_get(b.stats, STAT_ORDER), 0);
	end();
}

/* The alarm works: a connection that has seen a later number, or the same. */
Test(route, a_send_out_of_order_is_counted)
{
	struct conn *c;

	role_enter(&role_worker);
	begin();
	c = bed_open_as(&b, "chat", "alice");
	cr_expect_eq(send_it(to(TARGET_USER, "chat", "alice")).user_seq, 1);
	c->session->user->seq = 0;
	cr_expect_eq(send_it(to(TARGET_USER, "chat", "alice")).user_seq, 1);
	cr_expect_eq(stats_get(b.stats, STAT_ORDER), 1, "twice the same");
	c->session->seq = 100;
	(void)send_it(to(TARGET_USER, "chat", "alice"));
	cr_expect_eq(stats_get(b.stats, STAT_ORDER), 2, "a later one came before");
	end();
}

/* ---- what is dropped, and why ---- */

/* Messages that nobody reads until one is dropped; the last outcome. */
static struct outcome send_until_dropped(const char *user) ON_WORKER;
static struct outcome send_until_dropped(const char *user)
{
	static char large[1 << 16];
	struct outcome o;

	do {
		struct request *r = to(TARGET_USER, "chat", user);

		msg_put(r->msg);
		r->msg = msg_new(WS_BINARY, large, sizeof(large));
		cr_assert_not_null(r->msg);
		o = send_it(r);
	} while (o.dropped == 0);
	return o;
}

Test(route, a_full_queue_is_told_apart)
{
	struct outcome o;

	role_enter(&role_worker);
	begin();
	bed_open_as(&b, "chat", "alice");
	o = send_until_dropped("alice");
	cr_expect_eq(o.matched, 1);
	cr_expect_eq(o.dropped_for[DROP_QUEUE_FULL], 1);
	cr_expect_eq(stats_get(b.stats, STAT_DROPPED), 1);
	cr_expect_eq(stats_get(b.stats, STAT_DROPPED_QUEUE_FULL), 1);
	cr_expect_eq(send_it(to(TARGET_USER, "chat", "alice")).matched, 0, "she is being closed");
	end();
}

/* Who goes without a message and stays is told apart from who is closed. */
Test(route, a_message_refused_by_the_policy_is_told_apart)
{
	struct outcome o;

	role_enter(&role_worker);
	begin();
	b.conf->limits.slow_consumer = SLOW_DROP_NEWEST;
	bed_open_as(&b, "chat", "alice");
	o = send_until_dropped("alice");
	cr_expect_eq(o.dropped_for[DROP_POLICY], 1);
	cr_expect_eq(stats_get(b.stats, STAT_DROPPED_POLICY), 1);
	cr_expect_eq(stats_get(b.stats, STAT_DROPPED_QUEUE_FULL), 0);
	cr_expect_eq(send_it(to(TARGET_USER, "chat", "alice")).matched, 1, "she is still there");
	end();
}

/* The peer is gone, and that is noticed in the attempt to make room for the message. */
Test(route, a_connection_that_ends_in_the_attempt_is_told_apart)
{
	static char large[1 << 19];
	struct outcome o = {0};

	role_enter(&role_worker);
	begin();
	bed_open_as(&b, "chat", "alice");
	while (b.w->conns.in_use > 0 && o.dropped == 0) {
		struct request *r = to(TARGET_USER, "chat", "alice");

		msg_put(r->msg);
		r->msg = msg_new(WS_BINARY, large, sizeof(large));
		cr_assert_not_null(r->msg);
		deliver(r);
		o = r->outcome;
		request_free(r);
		if (stats_get(b.stats, STAT_DELIVERED) == 1) {
			output_flush_dirty(b.w);
			close(b.peers[0]);
			b.peers[0] = -1;
		}
	}
	cr_expect_eq(o.dropped_for[DROP_CLOSING], 1);
	cr_expect_eq(stats_get(b.stats, STAT_DROPPED_CLOSING), 1);
	end();
}

Test(route, no_memory_is_told_apart)
{
	struct outcome o;
	struct request *r;

	role_enter(&role_worker);
	begin();
	bed_open_as(&b, "chat", "alice");
	r = to(TARGET_USER, "chat", "alice");
	heap_fail_always(true); /* no node for the queue */
	deliver(r);
	heap_fail_always(false);
	o = r->outcome;
	request_free(r);
	cr_expect_eq(o.matched, 1);
	cr_expect_eq(o.delivered, 0);
	cr_expect_eq(o.dropped_for[DROP_NO_MEMORY], 1);
	cr_expect_eq(stats_get(b.stats, STAT_DROPPED_NO_MEMORY), 1);
	end();
}

/* Whoever is closed for being slow, the others of the group get it: first, last or all of them. */
Test(route, slow_members_close_in_the_middle_of_a_walk)
{
	static char large[1 << 16];

	for (unsigned slow = 1; slow < 8; slow++) {
		struct conn *c[3];
		struct outcome o;
		struct request *r;

		role_enter(&role_worker);
		begin();
		b.conf->limits.send_queue_bytes = 1024;
		for (int i = 0; i < 3; i++) {
			c[i] = bed_open_as(&b, "chat", "alice");
			join(c[i], "lobby");
		}
		for (unsigned i = 0; i < 3; i++)
			while ((slow >> i & 1) && sendq_empty(&c[i]->sendq)) {
				r = to_connection(c[i]);
				msg_put(r->msg);
				r->msg = msg_new(WS_BINARY, large, sizeof(large));
				cr_assert_eq(send_it(r).delivered, 1);
			}
		r = to(slow % 2 ? TARGET_GROUP : TARGET_USER, "chat", slow % 2 ? "lobby" : "alice");
		o = send_it(r);
		cr_expect_eq(o.matched, 3, "slow %u", slow);
		cr_expect_eq(o.dropped_for[DROP_QUEUE_FULL], (unsigned)__builtin_popcount(slow),
		             "slow %u", slow);
		cr_expect_eq(o.delivered + o.dropped, 3, "slow %u", slow);
		end();
	}
}

/* ---- row by row ---- */

Test(route, each_target_has_a_row_as_far_as_there_is_room)
{
	struct conn *c[3];

	role_enter(&role_worker);
	begin();
	for (int i = 0; i < 3; i++)
		c[i] = bed_open_as(&b, "chat", "alice");
	for (uint32_t room = 0; room <= 3; room++) {
		struct request *r = to(TARGET_USER, "chat", "alice");

		r->each = calloc(3, sizeof(*r->each));
		r->max_each = room;
		deliver(r);
		cr_expect_eq(r->n_each, 3, "it counts on");
		for (uint32_t i = 0; i < room; i++) {
			cr_expect(conn_id_equal(&r->each[i].id, &c[i]->session->id));
			cr_expect(r->each[i].delivered);
		}
		if (room < 3)
			cr_expect_not(r->each[room].delivered, "nothing is written behind it");
		request_free(r);
	}
	end();
}
