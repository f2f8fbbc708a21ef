/* Groups: a member once, gone when empty, left by whoever closes, bounded, and never in part. */
#include "hub/group.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "heap.h"

static const struct siphash_key key = {1, 2};
static const struct group_limits usual = {.per_connection = 10, .per_hub = 10};

static struct registry r;

static void begin(void)
{
	cr_assert_eq(registry_init(&r, &key, UINT32_MAX), 0);
}

static void end(void)
{
	registry_fini(&r);
	cr_assert_eq(heap_blocks(), 0);
}

static struct session *add(const char *hub, const char *user, uint32_t n)
{
	struct identity id = {.hub = hub,
	                      .user = user,
	                      .hub_len = (uint16_t)strlen(hub),
	                      .user_len = (uint16_t)strlen(user)};
	struct session *s = NULL;

	memcpy(id.id.bytes + 6, &n, sizeof(n));
	cr_assert_eq(registry_add(&r, &id, 1000, &s), 0);
	return s;
}

static enum join_result join(struct session *s, const char *name)
{
	return group_join(&r, s, name, (uint16_t)strlen(name), &usual);
}

static bool leave(struct session *s, const char *name)
{
	return group_leave(&r, s, name, (uint16_t)strlen(name));
}

static struct group *find(const struct session *s, const char *name)
{
	return group_find(&r, s->hub, name, (uint16_t)strlen(name));
}

/* Members of a group by its own list, each of which must know of it. */
static uint32_t members(const struct group *g)
{
	uint32_t n = 0;

	if (g == NULL)
		return 0;
	list_for_each (at, &g->members) {
		const struct membership *m = list_entry(at, struct membership, of_group), *own;

		cr_assert_eq(m->group, g);
		for (own = m->session->groups; own != m; own = own->next)
			cr_assert_not_null(own, "on the group's list, but not on the member's");
		n++;
	}
	cr_assert_eq(n, g->n_members);
	return n;
}

Test(group, exists_from_the_first_member_to_the_last)
{
	struct session *a, *b;

	begin();
	a = add("chat", "alice", 1);
	b = add("chat", "", 2);
	cr_assert_null(find(a, "lobby"));
	cr_assert_eq(join(a, "lobby"), JOIN_DONE);
	cr_assert_eq(join(b, "lobby"), JOIN_DONE);
	cr_assert_eq(members(find(a, "lobby")), 2);
	cr_assert(leave(a, "lobby"));
	cr_assert_eq(members(find(a, "lobby")), 1);
	cr_assert(leave(b, "lobby"));
	cr_assert_null(find(a, "lobby"));
	cr_assert_eq(r.groups.count + r.memberships.in_use + a->hub->n_groups, 0);
	registry_remove(&r, a);
	registry_remove(&r, b);
	end();
}

Test(group, twice_is_once_and_not_in_is_no_error)
{
	struct session *a, *b;

	begin();
	a = add("chat", "alice", 1);
	b = add("chat", "bob", 2);
	cr_assert_eq(join(a, "lobby"), JOIN_DONE);
	cr_assert_eq(join(a, "lobby"), JOIN_ALREADY);
	cr_assert_eq(members(find(a, "lobby")), 1);
	cr_assert_not(leave(b, "lobby"), "not in this one");
	cr_assert_not(leave(a, "none"), "which does not exist");
	cr_assert(leave(a, "lobby"));
	cr_assert_not(leave(a, "lobby"));
	registry_remove(&r, a);
	registry_remove(&r, b);
	end();
}

Test(group, whoever_closes_leaves_all_of_his)
{
	struct session *a, *b;
	char name[8];

	begin();
	a = add("chat", "alice", 1);
	b = add("chat", "bob", 2);
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "g%d", i);
		cr_assert_eq(join(a, name), JOIN_DONE);
		if (i % 2 == 0)
			cr_assert_eq(join(b, name), JOIN_DONE);
	}
	cr_assert_eq(r.groups.count, 10);
	registry_remove(&r, a);
	cr_assert_eq(r.groups.count, 5);
	cr_assert_eq(members(find(b, "g4")), 1);
	cr_assert_eq(group_leave_all(&r, b), 5);
	cr_assert_eq(group_leave_all(&r, b), 0);
	registry_remove(&r, b);
	end();
}

/* The same name in another hub is another group, and so is one that only begins alike. */
Test(group, names_are_those_of_a_hub)
{
	struct session *a, *b;

	begin();
	a = add("chat", "alice", 1);
	b = add("game", "alice", 2);
	cr_assert_eq(join(a, "lobby"), JOIN_DONE);
	cr_assert_null(find(b, "lobby"));
	cr_assert_eq(join(b, "lobby"), JOIN_DONE);
	cr_assert_neq(find(a, "lobby"), find(b, "lobby"));
	cr_assert_null(find(a, "lobb"));
	cr_assert_null(find(a, "lobby2"));
	cr_assert_null(find(a, "Lobby"));
	cr_assert(leave(a, "lobby"));
	cr_assert_eq(members(find(b, "lobby")), 1);
	registry_remove(&r, a);
	registry_remove(&r, b);
	end();
}

Test(group, leaving_one_of_many_keeps_the_others)
{
	static const char *const names[] = {"a", "b", "c", "d"};
	struct session *s;

	begin();
	s = add("chat", "alice", 1);
	for (size_t gone = 0; gone < ARRAY_LEN(names); gone++) {
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			(void)join(s, names[i]);
		cr_assert(leave(s, names[gone]));
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			cr_assert_eq(members(find(s, names[i])), i != gone);
	}
	registry_remove(&r, s);
	end();
}

/* ---- bounds ---- */

Test(group, the_limit_of_a_connection_is_exact)
{
	const struct group_limits two = {.per_connection = 2, .per_hub = 10};
	struct session *s;

	begin();
	s = add("chat", "alice", 1);
	cr_assert_eq(group_join(&r, s, "a", 1, &two), JOIN_DONE);
	cr_assert_eq(group_join(&r, s, "b", 1, &two), JOIN_DONE);
	cr_assert_eq(group_join(&r, s, "c", 1, &two), JOIN_REFUSED_CONNECTION);
	cr_assert_null(find(s, "c"));
	cr_assert_eq(group_join(&r, s, "a", 1, &two), JOIN_ALREADY, "costs nothing");
	cr_assert(leave(s, "a"));
	cr_assert_eq(group_join(&r, s, "c", 1, &two), JOIN_DONE);
	registry_remove(&r, s);
	end();
}

Test(group, the_limit_of_a_hub_is_exact)
{
	const struct group_limits one = {.per_connection = 10, .per_hub = 1};
	struct session *a, *b, *other;

	begin();
	a = add("chat", "alice", 1);
	b = add("chat", "bob", 2);
	other = add("game", "alice", 3);
	cr_assert_eq(group_join(&r, a, "a", 1, &one), JOIN_DONE);
	cr_assert_eq(group_join(&r, b, "b", 1, &one), JOIN_REFUSED_HUB);
	cr_assert_eq(group_join(&r, b, "a", 1, &one), JOIN_DONE, "it exists");
	cr_assert_eq(group_join(&r, other, "b", 1, &one), JOIN_DONE, "another hub");
	cr_assert(leave(a, "a"));
	cr_assert(leave(b, "a"));
	cr_assert_eq(group_join(&r, b, "b", 1, &one), JOIN_DONE, "one went, one may come");
	registry_remove(&r, a);
	registry_remove(&r, b);
	registry_remove(&r, other);
	end();
}

/* What is refused has cost no memory. */
Test(group, limits_come_before_memory)
{
	const struct group_limits none = {0}, no_groups = {.per_connection = 1};
	struct session *s;
	size_t blocks;

	begin();
	s = add("chat", "alice", 1);
	blocks = heap_blocks();
	heap_fail_always(true);
	cr_assert_eq(group_join(&r, s, "a", 1, &none), JOIN_REFUSED_CONNECTION);
	cr_assert_eq(group_join(&r, s, "a", 1, &no_groups), JOIN_REFUSED_HUB);
	heap_fail_always(false);
	cr_assert_eq(heap_blocks(), blocks);
	registry_remove(&r, s);
	end();
}

Test(group, each_allocation_of_join_may_fail)
{
	unsigned failed = 0;
	enum join_result result = JOIN_NO_MEMORY;

	for (unsigned n = 1; result != JOIN_DONE; n++) {
		struct session *s;

		begin();
		s = add("chat", "alice", 1);
		heap_fail_at(n);
		result = join(s, "lobby");
		heap_fail_at(0);
		if (result != JOIN_DONE) {
			cr_assert_eq(result, JOIN_NO_MEMORY);
			cr_assert_null(s->groups);
			cr_assert_null(find(s, "lobby"));
			cr_assert_eq(r.memberships.in_use + r.groups.count, 0);
			failed++;
		}
		registry_remove(&r, s);
		end();
	}
	cr_assert_geq(failed, 2, "membership, group");
}

/* A long name, and many: the table grows and shrinks. */
Test(group, ten_thousand_groups_come_and_go)
{
	enum {
		N = 10000
	};
	const struct group_limits many = {.per_connection = N, .per_hub = N};
	static char name[GROUP_NAME_MAX];
	struct session *s;

	begin();
	memset(name, 'x', sizeof(name));
	s = add("chat", "alice", 1);
	for (int i = 0; i < N; i++) {
		memcpy(name, &i, sizeof(i));
		cr_assert_eq(group_join(&r, s, name, sizeof(name), &many), JOIN_DONE);
	}
	cr_assert_eq(r.groups.count, N);
	cr_assert_eq(s->hub->n_groups, N);
	cr_assert_eq(group_leave_all(&r, s), N);
	cr_assert_eq(r.groups.count, 0);
	registry_remove(&r, s);
	end();
}

/* Two of very many hubs may have one hash: then only their identity tells their groups apart. */
Test(group, hubs_with_one_hash_do_not_share_a_group)
{
	struct session *a, *b;
	uint32_t hash;

	begin();
	a = add("chat", "alice", 1);
	b = add("news", "bob", 2);
	hash = b->hub->hash;
	b->hub->hash = a->hub->hash;
	cr_assert_eq(join(a, "red"), JOIN_DONE);
	cr_expect_null(find(b, "red"));
	cr_assert_eq(join(b, "red"), JOIN_DONE);
	cr_expect_neq(find(a, "red"), find(b, "red"));
	cr_expect_eq(members(find(a, "red")), 1);
	cr_expect_eq(members(find(b, "red")), 1);
	b->hub->hash = hash; /* under which its own table finds it */
	registry_remove(&r, a);
	registry_remove(&r, b);
	end();
}
