/* Requests about groups: who joins, what is refused, and lists in pages. */
#include "worker/serve.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "bed.h"
#include "heap.h"
#include "worker/output.h"

static struct bed b;

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

static struct request *ask(enum request_kind kind, const char *user, const char *group) ON_WORKER;
static struct request *ask(enum request_kind kind, const char *user, const char *group)
{
	struct request *r = request_new(kind);

	cr_assert_not_null(r);
	r->target.kind = user != NULL ? TARGET_USER : TARGET_HUB;
	strcpy(r->target.hub, "chat");
	r->target.hub_len = 4;
	if (user != NULL) {
		strcpy(r->target.user, user);
		r->target.user_len = (uint32_t)strlen(user);
	}
	if (group != NULL)
		cr_assert_eq(target_set_group(&r->target, group, (uint32_t)strlen(group)), 0);
	return r;
}

/* The same object comes back through the inbox of who asked. */
static struct request *serve(struct request *r) ON_WORKER;
static struct request *serve(struct request *r)
{
	struct inbox_item *item;
	bool again;

	r->reply_to = &b.to_main;
	serve_request(b.w, r);
	item = inbox_take(&b.to_main, &again);
	cr_assert_not_null(item);
	cr_assert_eq(CONTAINER_OF(item, struct request, item), r);
	return r;
}

static void check_join(const char *user, const char *group, enum join_result result,
                       uint32_t matched, uint32_t n) ON_WORKER;
static void check_join(const char *user, const char *group, enum join_result result,
                       uint32_t matched, uint32_t n)
{
	struct request *r = serve(ask(REQUEST_JOIN, user, group));

	cr_expect_eq(r->outcome.matched, matched, "%s %s", user, group);
	cr_expect_eq(r->joins[result], n, "%s %s", user, group);
	request_free(r);
}

static void check_leave(const char *user, const char *group, uint32_t matched, uint32_t n)
	ON_WORKER;
static void check_leave(const char *user, const char *group, uint32_t matched, uint32_t n)
{
	struct request *r = serve(ask(REQUEST_LEAVE, user, group));

	cr_expect_eq(r->outcome.matched, matched, "%s", user);
	cr_expect_eq(r->left, n, "%s", user);
	request_free(r);
}

Test(groups, join_and_leave_with_all_connections)
{
	role_enter(&role_worker);
	bed_begin(&b, 1);
	bed_open_as(&b, "chat", "alice");
	bed_open_as(&b, "chat", "alice");
	bed_open_as(&b, "chat", "bob");
	check_join("alice", "lobby", JOIN_DONE, 2, 2);
	check_join("alice", "lobby", JOIN_ALREADY, 2, 2);
	bed_open_as(&b, "chat", "alice"); /* came later: not in it */
	check_join("alice", "lobby", JOIN_DONE, 3, 1);
	check_join("alice", "other", JOIN_DONE, 3, 3);
	check_join("nobody", "lobby", JOIN_DONE, 0, 0);
	cr_expect_eq(stats_get(b.stats, STAT_JOINS), 6);
	cr_expect_eq(stats_get(b.stats, STAT_GROUPS_ACTIVE), 2);
	check_leave("bob", "lobby", 1, 0);
	check_leave("alice", "lobby", 3, 3);
	cr_expect_eq(stats_get(b.stats, STAT_GROUPS_ACTIVE), 1);
	check_join("bob", "a", JOIN_DONE, 1, 1);
	check_join("bob", "b", JOIN_DONE, 1, 1);
	check_leave("bob", NULL, 1, 2);
	check_leave("bob", NULL, 1, 0);
	cr_expect_eq(stats_get(b.stats, STAT_LEAVES), 5);
	end();
}

Test(groups, limits_are_counted_when_they_are_hit)
{
	role_enter(&role_worker);
	bed_begin(&b, 1);
	b.conf->limits.max_groups_per_connection = 2;
	b.conf->limits.max_groups_per_hub = 3;
	bed_open_as(&b, "chat", "alice");
	bed_open_as(&b, "chat", "bob");
	check_join("alice", "a", JOIN_DONE, 1, 1);
	check_join("alice", "b", JOIN_DONE, 1, 1);
	check_join("alice", "c", JOIN_REFUSED_CONNECTION, 1, 1);
	check_join("bob", "c", JOIN_DONE, 1, 1);
	check_join("bob", "d", JOIN_REFUSED_HUB, 1, 1);
	cr_expect_eq(stats_get(b.stats, STAT_JOINS_REFUSED_CONNECTION), 1);
	cr_expect_eq(stats_get(b.stats, STAT_JOINS_REFUSED_HUB), 1);
	cr_expect_eq(stats_get(b.stats, STAT_GROUPS_ACTIVE), 3);
	end();
}

Test(groups, without_memory_it_is_said)
{
	struct request *r;

	role_enter(&role_worker);
	bed_begin(&b, 1);
	bed_open_as(&b, "chat", "alice");
	r = ask(REQUEST_JOIN, "alice", "lobby");
	heap_fail_always(true);
	serve(r);
	heap_fail_always(false);
	cr_expect_eq(r->joins[JOIN_NO_MEMORY], 1);
	cr_expect_eq(r->outcome.matched, 1);
	request_free(r);
	cr_expect_eq(stats_get(b.stats, STAT_GROUPS_ACTIVE), 0);
	end();
}

/* ---- lists ---- */

static struct request *ask_page(const char *user, const char *group, uint32_t max,
                                const char *after) ON_WORKER;
static struct request *ask_page(const char *user, const char *group, uint32_t max,
                                const char *after)
{
	struct request *r = ask(REQUEST_GROUPS, user, group);

	if (group != NULL)
		r->target.kind = TARGET_GROUP;
	r->groups = calloc(1, sizeof(*r->groups) + max * sizeof(r->groups->rows[0]));
	cr_assert_not_null(r->groups);
	r->groups->max = max;
	r->groups->after_len = (uint32_t)strlen(after);
	memcpy(r->groups->after, after, strlen(after));
	return serve(r);
}

static void check_row(const struct request *r, uint32_t i, const char *name, uint32_t members)
{
	const struct group_row *row = &r->groups->rows[i];

	cr_expect_eq(row->name_len, strlen(name));
	cr_expect_eq(memcmp(row->name, name, row->name_len), 0, "%.*s, not %s", (int)row->name_len,
	             row->name, name);
	cr_expect_eq(row->members, members, "%s", name);
}

Test(groups, a_hub_lists_its_own_by_name)
{
	struct request *r;

	role_enter(&role_worker);
	bed_begin(&b, 1);
	bed_open_as(&b, "chat", "alice");
	bed_open_as(&b, "chat", "alice");
	bed_open_as(&b, "chat", "bob");
	check_join("bob", "b", JOIN_DONE, 1, 1);
	check_join("bob", "ab", JOIN_DONE, 1, 1);
	check_join("alice", "b", JOIN_DONE, 2, 2);
	check_join("alice", "a", JOIN_DONE, 2, 2);
	r = ask_page(NULL, NULL, 10, "");
	cr_assert_eq(r->groups->n, 3);
	check_row(r, 0, "a", 2);
	check_row(r, 1, "ab", 1);
	check_row(r, 2, "b", 3);
	cr_expect_not(r->groups->more);
	request_free(r);

	r = ask_page("alice", NULL, 10, "");
	cr_assert_eq(r->groups->n, 2);
	cr_expect_eq(r->outcome.matched, 2);
	check_row(r, 0, "a", 2);
	check_row(r, 1, "b", 2);
	request_free(r);

	r = ask_page(NULL, "b", 10, "");
	cr_assert_eq(r->groups->n, 1);
	check_row(r, 0, "b", 3);
	request_free(r);
	r = ask_page(NULL, "none", 10, "");
	cr_assert_eq(r->groups->n, 0);
	request_free(r);
	r = ask_page("nobody", NULL, 10, "");
	cr_assert_eq(r->groups->n + r->outcome.matched, 0);
	request_free(r);
	end();
}

/* Whatever the page, each group is on one of them once, with all of its members. */
Test(groups, pages_leave_nothing_out)
{
	enum {
		N = 300
	};

	role_enter(&role_worker);
	bed_begin(&b, 1);
	b.conf->limits.max_groups_per_connection = N;
	bed_open_as(&b, "chat", "alice");
	bed_open_as(&b, "chat", "alice");
	for (uint32_t i = 0; i < N; i++) {
		char name[8];

		snprintf(name, sizeof(name), "%03u", i * 7 % N);
		check_join("alice", name, JOIN_DONE, 2, 2);
	}
	for (uint32_t max = 1; max <= GROUP_PAGE_MAX; max = max * 3 + 1) {
		for (int of_user = 0; of_user < 2; of_user++) {
			char after[8] = "";
			uint32_t seen = 0;
			bool more = true;

			while (more) {
				struct request *r =
					ask_page(of_user ? "alice" : NULL, NULL, max, after);

				for (uint32_t i = 0; i < r->groups->n; i++, seen++) {
					snprintf(after, sizeof(after), "%03u", seen);
					check_row(r, i, after, 2);
				}
				cr_assert(!r->groups->more || r->groups->n == max);
				more = r->groups->more;
				request_free(r);
			}
			cr_expect_eq(seen, N, "pages of %u", max);
		}
	}
	end();
}
