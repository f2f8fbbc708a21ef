/* The registry: found by id, user and hub; gone with the last session; bounded per user. */
#include "hub/registry.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "heap.h"

#define MAX_PER_USER 3

static const struct siphash_key key = {1, 2};

static struct identity who(const char *hub, const char *user, uint32_t n)
{
	struct identity id = {
		.hub = hub,
		.user = user,
		.hub_len = (uint16_t)strlen(hub),
		.user_len = (uint16_t)strlen(user),
		.on_message = HUB_ECHO,
	};

	/* Ids of one user differ only here, where the table looks, or only there, where not. */
	memcpy(id.id.bytes + (n % 2 ? 6 : 12), &n, sizeof(n));
	return id;
}

static struct session *add(struct registry *r, const char *hub, const char *user, uint32_t n)
{
	const struct identity id = who(hub, user, n);
	struct session *s = NULL;

	cr_assert_eq(registry_add(r, &id, MAX_PER_USER, &s), 0);
	cr_assert_not_null(s);
	return s;
}

static int try_add(struct registry *r, const char *hub, const char *user, uint32_t n,
                   struct session **ret)
{
	const struct identity id = who(hub, user, n);

	return registry_add(r, &id, MAX_PER_USER, ret);
}

static struct user *find(const struct registry *r, const char *hub, const char *user)
{
	return registry_user(r, hub, (uint16_t)strlen(hub), user, (uint16_t)strlen(user));
}

static struct hub *find_hub(const struct registry *r, const char *hub)
{
	return registry_hub(r, hub, (uint16_t)strlen(hub));
}

static void init(struct registry *r)
{
	cr_assert_eq(registry_init(r, &key, UINT32_MAX), 0);
}

static void fini(struct registry *r)
{
	registry_fini(r);
	cr_assert_eq(heap_blocks(), 0);
}

Test(registry, a_session_is_found_by_its_id)
{
	struct registry r;
	struct session *s;

	init(&r);
	s = add(&r, "chat", "alice", 7);
	cr_assert_eq(registry_session(&r, &s->id), s);
	cr_assert_eq(s->user->name_len, 5);
	cr_assert_eq(memcmp(s->user->name, "alice", 5), 0);
	cr_assert_eq(s->user->hub, s->hub);
	cr_assert_eq(s->hub->name_len, 4);
	cr_assert_eq(memcmp(s->hub->name, "chat", 4), 0);
	cr_assert_eq(s->hub->on_message, HUB_ECHO);
	cr_assert_null(registry_session(&r, &(struct conn_id){{1}}));

	const struct conn_id id = s->id;

	registry_remove(&r, s);
	cr_assert_null(registry_session(&r, &id));
	fini(&r);
}

Test(registry, all_sessions_of_a_user_are_on_his_list)
{
	struct session *s[MAX_PER_USER];
	struct registry r;
	struct user *u;

	init(&r);
	for (uint32_t i = 0; i < MAX_PER_USER; i++)
		s[i] = add(&r, "chat", "alice", i);
	add(&r, "chat", "bob", 100);
	u = find(&r, "chat", "alice");
	for (uint32_t left = MAX_PER_USER; left > 0; left--) {
		uint32_t n = 0;

		cr_assert_eq(find(&r, "chat", "alice"), u);
		for (struct session *at = registry_first_of_user(&r, u); at != NULL;
		     at = registry_next_of_user(&r, at)) {
			cr_assert_eq(at, s[n], "the oldest first");
			cr_assert_eq(at->user, u);
			n++;
		}
		cr_assert_eq(n, left);
		cr_assert_eq(u->n_sessions, left);
		registry_remove(&r, s[left - 1]);
	}
	cr_assert_null(find(&r, "chat", "alice"));
	registry_remove(&r, registry_first_of_user(&r, find(&r, "chat", "bob")));
	fini(&r);
}

/* Whichever leaves, and in whichever order: the others are found, each once. */
Test(registry, a_walk_over_a_user_survives_who_leaves_in_it)
{
	for (unsigned order = 0; order < 1u << MAX_PER_USER; order++) {
		struct session *at, *next;
		unsigned seen = 0, left = 0;
		struct registry r;

		init(&r);
		for (uint32_t i = 0; i < MAX_PER_USER; i++)
			add(&r, "chat", "alice", i);
		for (at = registry_first_of_user(&r, find(&r, "chat", "alice")); at != NULL;
		     at = next) {
			next = registry_next_of_user(&r, at);
			if (order >> seen++ & 1)
				registry_remove(&r, at);
			else
				left++;
		}
		cr_assert_eq(seen, MAX_PER_USER, "order %u", order);
		cr_assert_eq(r.sessions.in_use, left, "order %u", order);
		while (find(&r, "chat", "alice") != NULL)
			registry_remove(&r, registry_first_of_user(&r, find(&r, "chat", "alice")));
		fini(&r);
	}
}

/* A name of any length has an object that it fits into, and as many bytes more as it has not. */
Test(registry, names_of_all_lengths)
{
	char name[USER_NAME_MAX + 1];
	struct registry r;

	init(&r);
	for (uint32_t len = 1; len <= USER_NAME_MAX; len++) {
		memset(name, 'x', len);
		name[len] = '\0';

		const struct session *s = add(&r, "chat", name, len);
		const struct slab *like = &r.users_by_size[len / USER_STEP];

		cr_assert_eq(like->in_use, len % USER_STEP + (len < USER_STEP ? 0 : 1));
		cr_assert_leq(offsetof(struct user, name) + len, like->object_bytes);
		cr_assert_lt(like->object_bytes, offsetof(struct user, name) + len + USER_STEP);
		cr_assert_eq(find(&r, "chat", name), s->user);
		cr_assert_eq(s->user->name_len, len);
	}
	for (uint32_t len = 1; len <= USER_NAME_MAX; len++) {
		memset(name, 'x', len);
		name[len] = '\0';
		registry_remove(&r, registry_first_of_user(&r, find(&r, "chat", name)));
	}
	fini(&r);
}

Test(registry, the_limit_of_a_user_is_exact)
{
	const struct identity refused = who("chat", "alice", 99);
	struct session *s[MAX_PER_USER], *extra = NULL;
	struct registry r;

	init(&r);
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < MAX_PER_USER; i++)
			s[i] = add(&r, "chat", "alice", i);
		cr_assert_eq(try_add(&r, "chat", "alice", 99, &extra), WSMD_EFULL);
		cr_assert_null(extra);
		cr_assert_null(registry_session(&r, &refused.id));
		cr_assert_eq(r.sessions.in_use, MAX_PER_USER);
		registry_remove(&r, s[0]); /* one leaves, one may come */
		s[0] = add(&r, "chat", "alice", 99);
		cr_assert_eq(try_add(&r, "chat", "alice", 98, &extra), WSMD_EFULL);
		for (uint32_t i = 0; i < MAX_PER_USER; i++)
			registry_remove(&r, s[i]);
	}
	fini(&r);
}

/* The hub that a refused session would have opened is not left behind. */
Test(registry, a_limit_of_none_leaves_nothing)
{
	const struct identity id = who("chat", "alice", 1);
	struct session *s = NULL;
	struct registry r;

	init(&r);
	cr_assert_eq(registry_add(&r, &id, 0, &s), WSMD_EFULL);
	cr_assert_null(find_hub(&r, "chat"));
	cr_assert_eq(r.users.count, 0);
	cr_assert_eq(r.hubs.count, 0);
	fini(&r);
}

Test(registry, anonymous_sessions_have_no_user_and_no_limit)
{
	struct session *s[3 * MAX_PER_USER];
	struct registry r;

	init(&r);
	for (uint32_t i = 0; i < ARRAY_LEN(s); i++) {
		s[i] = add(&r, "chat", "", i);
		cr_assert_null(s[i]->user);
	}
	cr_assert_eq(r.users.count, 0);
	cr_assert_null(find(&r, "chat", ""));
	cr_assert_eq(find_hub(&r, "chat")->n_sessions, ARRAY_LEN(s));
	for (uint32_t i = 0; i < ARRAY_LEN(s); i++)
		registry_remove(&r, s[i]);
	fini(&r);
}

Test(registry, a_user_is_somebody_else_in_another_hub)
{
	struct session *a, *b;
	struct registry r;

	init(&r);
	a = add(&r, "chat", "alice", 1);
	b = add(&r, "game", "alice", 2);
	cr_assert_neq(a->user, b->user);
	cr_assert_eq(find(&r, "chat", "alice"), a->user);
	cr_assert_eq(find(&r, "game", "alice"), b->user);
	cr_assert_null(find(&r, "none", "alice"));
	cr_assert_null(find(&r, "chat", "alic"));
	cr_assert_null(find(&r, "chat", "alicee"));
	cr_assert_null(find(&r, "cha", "alice"));
	cr_assert_eq(r.users.count, 2);
	registry_remove(&r, a);
	cr_assert_null(find(&r, "chat", "alice"));
	cr_assert_null(find_hub(&r, "chat"));
	cr_assert_eq(find(&r, "game", "alice"), b->user);
	registry_remove(&r, b);
	fini(&r);
}

/* Names that read the same when put together are still two. */
Test(registry, hub_and_user_do_not_run_into_each_other)
{
	struct session *a, *b;
	struct registry r;

	init(&r);
	a = add(&r, "ab", "c", 1);
	b = add(&r, "a", "bc", 2);
	cr_assert_eq(find(&r, "ab", "c"), a->user);
	cr_assert_eq(find(&r, "a", "bc"), b->user);
	registry_remove(&r, b);
	registry_remove(&r, a);
	fini(&r);
}

Test(registry, a_hub_lives_as_long_as_its_last_session)
{
	struct session *named, *anonymous;
	struct registry r;

	init(&r);
	named = add(&r, "chat", "alice", 1);
	anonymous = add(&r, "chat", "", 2);
	cr_assert_eq(find_hub(&r, "chat")->n_sessions, 2);
	registry_remove(&r, named);
	cr_assert_eq(find_hub(&r, "chat")->n_sessions, 1);
	cr_assert_eq(r.users.count, 0);
	registry_remove(&r, anonymous);
	cr_assert_null(find_hub(&r, "chat"));
	fini(&r);
}

/* Enough for the tables to grow and shrink. */
Test(registry, ten_thousand_come_and_go)
{
	enum {
		N = 10000
	};
	static struct session *s[N];
	struct registry r;

	init(&r);
	for (uint32_t i = 0; i < N; i++) {
		char hub[16], user[16];

		snprintf(hub, sizeof(hub), "h%u", i % 10);
		snprintf(user, sizeof(user), "u%u", i % 5000);
		s[i] = add(&r, hub, user, i);
	}
	cr_assert_eq(r.users.count, 5000);
	cr_assert_eq(r.hubs.count, 10);
	for (uint32_t i = 0; i < N; i++) {
		cr_assert_eq(registry_session(&r, &s[i]->id), s[i]);
		cr_assert_eq(s[i]->user->n_sessions, 2);
	}
	for (uint32_t i = 0; i < N; i++)
		registry_remove(&r, s[i * 7 % N]);
	cr_assert_eq(r.users.count, 0);
	cr_assert_eq(r.hubs.count, 0);
	cr_assert_eq(r.sessions.in_use, 0);
	fini(&r);
}

/* ---- memory ---- */

Test(registry, each_allocation_of_init_may_fail)
{
	struct registry r;
	unsigned n;

	for (n = 1;; n++) {
		heap_fail_at(n);
		if (registry_init(&r, &key, 10) == 0)
			break;
		cr_assert_eq(heap_blocks(), 0, "allocation %u", n);
	}
	heap_fail_at(0);
	cr_assert_gt(n, 3);
	fini(&r);
}

Test(registry, each_allocation_of_add_may_fail)
{
	unsigned failed = 0;

	for (unsigned n = 1; n <= 8; n++) {
		struct session *s = NULL;
		struct registry r;

		init(&r);
		heap_fail_at(n);

		const int err = try_add(&r, "chat", "alice", 1, &s);

		heap_fail_at(0);
		if (err == 0) {
			registry_remove(&r, s);
		} else {
			cr_assert_eq(err, WSMD_ENOMEM);
			cr_assert_null(s);
			failed++;
		}
		cr_assert_null(find_hub(&r, "chat"));
		cr_assert_eq(r.users.count + r.hubs.count + r.by_id.count, 0);
		cr_assert_eq(r.sessions.in_use, 0);
		fini(&r);
	}
	cr_assert_geq(failed, 3, "hub, user, session");
}

/* A second device of a user who is here: his first stays as it was. */
Test(registry, failing_to_add_another_keeps_the_first)
{
	struct session *first, *s = NULL;
	struct registry r;

	cr_assert_eq(registry_init(&r, &key, 1), 0); /* the slab refuses the second */
	first = add(&r, "chat", "alice", 1);
	cr_assert_eq(try_add(&r, "chat", "alice", 2, &s), WSMD_ENOMEM);
	cr_assert_eq(try_add(&r, "chat", "bob", 2, &s), WSMD_ENOMEM);
	cr_assert_eq(try_add(&r, "game", "bob", 2, &s), WSMD_ENOMEM);
	cr_assert_null(s);
	cr_assert_eq(find(&r, "chat", "alice")->n_sessions, 1);
	cr_assert_eq(first->hub->n_sessions, 1);
	cr_assert_null(find(&r, "chat", "bob"));
	cr_assert_null(find_hub(&r, "game"));
	registry_remove(&r, first);
	fini(&r);
}

/* ---- configuration ---- */

Test(registry, configure_gives_each_hub_its_row)
{
	struct session *s[3];
	struct registry r;
	struct conf *c = calloc(1, sizeof(*c) + 2 * sizeof(struct conf_hub));

	cr_assert_not_null(c);
	c->n_hubs = 2;
	c->hubs[0] = (struct conf_hub){"*", HUB_DROP};
	c->hubs[1] = (struct conf_hub){"chat", HUB_ECHO};
	init(&r);
	s[0] = add(&r, "chat", "", 1);
	s[1] = add(&r, "game", "", 2);
	s[2] = add(&r, "news", "", 3);
	registry_configure(&r, c);
	cr_assert_eq(s[0]->hub->on_message, HUB_ECHO);
	cr_assert_eq(s[1]->hub->on_message, HUB_DROP);
	cr_assert_eq(s[2]->hub->on_message, HUB_DROP);
	c->hubs[0].on_message = HUB_ECHO;
	c->hubs[1].on_message = HUB_DROP;
	registry_configure(&r, c);
	cr_assert_eq(s[0]->hub->on_message, HUB_DROP);
	cr_assert_eq(s[1]->hub->on_message, HUB_ECHO);
	for (size_t i = 0; i < ARRAY_LEN(s); i++)
		registry_remove(&r, s[i]);
	free(c);
	fini(&r);
}
