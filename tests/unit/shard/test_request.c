/* A request travels to a worker and back, or ends there when nobody waits for it. */
#include "shard/request.h"

#include <criterion/criterion.h>

#include <string.h>

#include "base/err.h"
#include "heap.h"
#include "ws/receiver.h"

Test(request, begins_zeroed_but_for_its_kinds)
{
	static const enum request_kind kinds[] = {REQUEST_SEND, REQUEST_CLOSE, REQUEST_PING,
	                                          REQUEST_LIST};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct request *r = request_new(kinds[i]);

		cr_assert_not_null(r);
		cr_assert_eq(r->item.kind, ITEM_REQUEST);
		cr_assert_eq(r->kind, kinds[i]);
		cr_assert_null(r->reply_to);
		cr_assert_null(r->msg);
		cr_assert_null(r->rows);
		cr_assert_eq(r->err, 0);
		cr_assert_eq(r->outcome.matched, 0);
		cr_assert_str_empty(r->text);
		request_free(r);
	}
	request_free(NULL);
	cr_assert_eq(heap_blocks(), 0);
}

Test(request, free_drops_message_and_rows)
{
	struct request *r = request_new(REQUEST_SEND);
	struct msg *m = msg_new(WS_TEXT, "x", 1);

	cr_assert(r != NULL && m != NULL);
	r->msg = msg_get(m);
	r->rows = calloc(2, sizeof(*r->rows));
	cr_assert_eq(heap_blocks(), 3);
	request_free(r);
	cr_assert_eq(heap_blocks(), 1, "the message is still ours");
	msg_put(m);
	cr_assert_eq(heap_blocks(), 0);
}

Test(request, without_an_asker_the_answer_frees)
{
	struct request *r = request_new(REQUEST_SEND);

	cr_assert_not_null(r);
	r->msg = msg_new(WS_TEXT, "x", 1);
	request_answer(r);
	cr_assert_eq(heap_blocks(), 0);
}

/* Even to a full inbox: the asker made room when it asked. */
Test(request, answer_comes_back_in_order)
{
	struct request *r[3];
	struct inbox in;
	bool again;

	cr_assert_eq(inbox_init(&in, 1), 0);
	for (size_t i = 0; i < ARRAY_LEN(r); i++) {
		r[i] = request_new(REQUEST_LIST);
		cr_assert_not_null(r[i]);
		r[i]->reply_to = &in;
		request_answer(r[i]);
		cr_assert_eq(inbox_depth(&in), i + 1);
	}
	inbox_woken(&in);
	for (size_t i = 0; i < ARRAY_LEN(r); i++) {
		struct inbox_item *item = inbox_take(&in, &again);

		cr_assert_eq(item, &r[i]->item);
		cr_assert_eq(item->kind, ITEM_ANSWER);
		request_free(r[i]);
	}
	cr_assert_null(inbox_take(&in, &again));
	cr_assert_not(again);
	inbox_fini(&in);
	cr_assert_eq(heap_blocks(), 0);
}

Test(request, no_memory)
{
	heap_fail_at(1);
	cr_assert_null(request_new(REQUEST_PING));
	cr_assert_eq(heap_blocks(), 0);
}
