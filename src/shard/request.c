/* Life of a request. */
#include "shard/request.h"

struct request *request_new(enum request_kind kind)
{
	struct request *r = calloc(1, sizeof(*r));

	if (r != NULL) {
		r->item.kind = ITEM_REQUEST;
		r->kind = kind;
	}
	return r;
}

void request_free(struct request *r)
{
	if (r == NULL)
		return;
	msg_put(r->msg);
	free(r->rows);
	free(r);
}

void request_answer(struct request *r)
{
	if (r->reply_to == NULL) {
		request_free(r);
		return;
	}
	r->item.kind = ITEM_ANSWER;
	inbox_push_always(r->reply_to, &r->item);
}
