/* The ring against an array that shows the wanted order. */
#include "base/list.h"

#include <criterion/criterion.h>

struct item {
	char name;
	struct list link;
};

static struct item items[5] = {
	{.name = 'a'}, {.name = 'b'}, {.name = 'c'}, {.name = 'd'}, {.name = 'e'}};

static void check(const struct list *head, const char *want)
{
	const struct list *back = head->prev;
	size_t n = 0;

	list_for_each (it, head) {
		cr_assert_eq(list_entry(it, struct item, link)->name, want[n], "in %s", want);
		cr_assert_eq(it->next->prev, it);
		n++;
	}
	cr_assert_eq(want[n], '\0', "%s ends early", want);
	cr_assert_eq(list_empty(head), n == 0);
	for (; back != head; back = back->prev)
		cr_assert_eq(list_entry(back, struct item, link)->name, want[--n],
		             "backwards in %s", want);
}

static void fill(struct list *head, unsigned from, unsigned to)
{
	list_init(head);
	for (unsigned i = from; i < to; i++)
		list_append(head, &items[i].link);
}

Test(list, append_goes_before)
{
	struct list head;

	fill(&head, 0, 0);
	check(&head, "");
	fill(&head, 0, 3);
	check(&head, "abc");
	list_append(head.next, &items[3].link);
	check(&head, "dabc");
	list_append(&items[1].link, &items[4].link); /* in the middle */
	check(&head, "daebc");
}

Test(list, unlinking_twice_is_harmless)
{
	struct list head;

	fill(&head, 0, 3);
	list_unlink(&items[1].link);
	check(&head, "ac");
	cr_assert(list_empty(&items[1].link));
	list_unlink(&items[1].link);
	check(&head, "ac");
	list_unlink(&items[0].link);
	list_unlink(&items[2].link);
	check(&head, "");
}

Test(list, splice_keeps_order_and_empties_the_source)
{
	struct list to, from;

	for (unsigned cut = 0; cut <= 5; cut++) {
		fill(&to, 0, cut);
		fill(&from, cut, 5);
		list_splice(&to, &from);
		check(&to, "abcde");
		check(&from, "");
	}
}

Test(list, the_safe_walk_survives_unlinking)
{
	struct list head;

	fill(&head, 0, 5);
	list_for_each_safe (it, next, &head)
		if (list_entry(it, struct item, link)->name % 2)
			list_unlink(it);
	check(&head, "bd");
}
