/* The inbox in one thread: bound, order, wake-ups. tests/race has it with many. */
#include "shard/inbox.h"

#include <criterion/criterion.h>

#include "base/err.h"
#include "os/os.h"

static bool awake(const struct inbox *in)
{
	struct os_event ev;
	const int poll = os_poll_new();

	cr_assert_geq(poll, 0);
	cr_assert_eq(os_poll_add(poll, in->wake_fd, OS_READ, 1), 0);
	const int n = os_poll_wait(poll, &ev, 1, 0);

	os_close(poll);
	return n == 1;
}

Test(inbox, keeps_order_and_bound)
{
	enum {
		LIMIT = 5
	};
	struct inbox_item items[LIMIT + 2];
	struct inbox in;
	bool again = true;

	cr_assert_eq(inbox_init(&in, LIMIT), 0);
	cr_assert_null(inbox_take(&in, &again));
	cr_assert_not(again);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < LIMIT; i++)
			cr_assert_eq(inbox_push(&in, &items[i]), 0);
		cr_assert_eq(inbox_push(&in, &items[LIMIT]), WSMD_EFULL);
		cr_assert_eq(inbox_depth(&in), LIMIT, "a refused one does not count");
		inbox_push_always(&in, &items[LIMIT + 1]);
		cr_assert_eq(inbox_depth(&in), LIMIT + 1);
		for (int i = 0; i < LIMIT; i++)
			cr_assert_eq(inbox_take(&in, &again), &items[i]);
		cr_assert_eq(inbox_take(&in, &again), &items[LIMIT + 1]);
		cr_assert_null(inbox_take(&in, &again));
		cr_assert_not(again);
		cr_assert_eq(inbox_depth(&in), 0);
	}
	inbox_fini(&in);
}

Test(inbox, wakes_only_when_it_was_empty)
{
	struct inbox_item items[3];
	struct inbox in;
	bool again;

	cr_assert_eq(inbox_init(&in, 10), 0);
	cr_assert_not(awake(&in));
	cr_assert_eq(inbox_push(&in, &items[0]), 0);
	cr_assert(awake(&in));
	inbox_woken(&in);
	cr_assert_not(awake(&in));
	cr_assert_eq(inbox_push(&in, &items[1]), 0);
	cr_assert_not(awake(&in), "the owner has not emptied it yet");
	while (inbox_take(&in, &again) != NULL)
		;
	inbox_push_always(&in, &items[2]);
	cr_assert(awake(&in));
	inbox_woken(&in);
	cr_assert_eq(inbox_take(&in, &again), &items[2]);
	inbox_fini(&in);
}
