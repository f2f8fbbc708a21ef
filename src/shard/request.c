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
	target_fini(&r->target);
	free(r->rows);
	free(r->ranking);
	free(r->names);
	free(r->each);
	free(r->groups);
	free(r->why);
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

void outcome_add(struct outcome *sum, const struct outcome *o)
{
	sum->delivered += o->delivered;
	sum->queued += o->queued;
	sum->dropped += o->dropped;
	for (unsigned i = 0; i < DROP_REASON_COUNT; i++)
		sum->dropped_for[i] += o->dropped_for[i];
	sum->matched += o->matched;
	sum->excluded += o->excluded;
	sum->user_seq += o->user_seq;
}
