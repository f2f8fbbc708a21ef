/* Targets: what they own is copied whole or not at all, and names are checked. */
#include "shard/target.h"

#include <criterion/criterion.h>

#include <string.h>

#include "base/err.h"
#include "heap.h"

/* Everything that a target can own. */
static struct target full(void)
{
	struct target t = {.kind = TARGET_GROUP, .hub = "chat", .hub_len = 4};

	cr_assert_eq(target_set_group(&t, "lobby", 5), 0);
	cr_assert_eq(target_set_except(&t, 3, 8), 0);
	target_except_user(&t, "alice", 5);
	target_except_connection(&t, &(struct conn_id){{7}});
	target_except_user(&t, "bob", 3);
	return t;
}

static void check(const struct target *t)
{
	const struct except *e = t->except;

	cr_assert_eq(t->group_len, 5);
	cr_assert_eq(memcmp(t->group, "lobby", 5), 0);
	cr_assert_eq(e->n, 3);
	cr_assert(e->rows[0].is_user && e->rows[0].name_len == 5);
	cr_assert_eq(memcmp(except_name(e, &e->rows[0]), "alice", 5), 0);
	cr_assert(!e->rows[1].is_user && e->rows[1].id.bytes[0] == 7);
	cr_assert(e->rows[2].is_user && e->rows[2].name_len == 3);
	cr_assert_eq(memcmp(except_name(e, &e->rows[2]), "bob", 3), 0);
}

Test(target, a_copy_has_its_own)
{
	struct target t = full(), copy;

	check(&t);
	cr_assert_eq(target_copy(&copy, &t), 0);
	cr_assert_neq(copy.group, t.group);
	cr_assert_neq(copy.except, t.except);
	target_fini(&t);
	target_fini(&t);
	check(&copy);
	target_fini(&copy);
	cr_assert_eq(heap_blocks(), 0);
}

Test(target, setting_again_replaces)
{
	struct target t = full();

	cr_assert_eq(target_set_group(&t, "x", 1), 0);
	cr_assert_eq(target_set_except(&t, 1, 0), 0);
	cr_assert_eq(t.group_len, 1);
	cr_assert_eq(t.except->n, 0);
	target_fini(&t);
	cr_assert_eq(heap_blocks(), 0);
}

Test(target, each_allocation_may_fail)
{
	struct target t = full(), copy;
	const size_t blocks = heap_blocks();
	unsigned failed = 0;

	for (unsigned n = 1; n < 10; n++) {
		heap_fail_at(n);

		const int err = target_copy(&copy, &t);

		heap_fail_at(0);
		if (err == 0)
			break;
		cr_assert_eq(err, WSMD_ENOMEM);
		cr_assert_null(copy.group);
		cr_assert_null(copy.except);
		cr_assert_eq(heap_blocks(), blocks);
		failed++;
	}
	cr_assert_eq(failed, 2);
	target_fini(&copy);
	heap_fail_at(1);
	cr_assert_eq(target_set_group(&t, "x", 1), WSMD_ENOMEM);
	heap_fail_at(1);
	cr_assert_eq(target_set_except(&t, 1, 1), WSMD_ENOMEM);
	check(&t);
	target_fini(&t);
}

Test(target, names_of_groups)
{
	static const struct {
		const char *name;
		size_t len;
		bool valid;
	} cases[] = {
		{"a", 1, true},     {"", 0, false},           {" ", 1, false},
		{"   ", 3, false},  {" a ", 3, true},         {"a b", 3, true},
		{"a\nb", 3, false}, {"a\0b", 3, false},       {"\x7f", 1, false},
		{"\t", 1, false},   {"caf\xc3\xa9", 5, true}, {"{\"a\":1}/%2F", 11, true},
	};
	char longest[GROUP_NAME_MAX + 1];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(group_name_valid(cases[i].name, cases[i].len), cases[i].valid, "%zu",
		             i);
	memset(longest, 'g', sizeof(longest));
	cr_expect(group_name_valid(longest, GROUP_NAME_MAX));
	cr_expect_not(group_name_valid(longest, GROUP_NAME_MAX + 1));
}
