/* A singly linked queue of message references with a write offset. */
#include "worker/sendq.h"

#include "base/err.h"
#include "ws/receiver.h"

int sendq_push(struct sendq *q, struct slab *nodes, struct msg *m)
{
	struct send_node *n = slab_new(nodes);

	if (n == NULL)
		return WSMD_ENOMEM;
	n->msg = m;
	if (q->last != NULL)
		q->last->next = n;
	else
		q->first = n;
	q->last = n;
	q->bytes += m->frame_len;
	if (q->bytes > q->peak_bytes)
		q->peak_bytes = q->bytes;
	q->n++;
	return 0;
}

bool sendq_replace_pong(struct sendq *q, struct msg *m)
{
	if (q->first == NULL)
		return false;
	for (struct send_node *n = q->first->next; n != NULL; n = n->next) {
		if (n->msg->opcode != WS_PONG)
			continue;
		q->bytes += m->frame_len;
		q->bytes -= n->msg->frame_len;
		msg_put(n->msg);
		n->msg = m;
		return true;
	}
	return false;
}

int sendq_describe(const struct sendq *q, struct iovec *iov, int max)
{
	uint32_t offset = q->offset;
	int n = 0;

	for (const struct send_node *at = q->first; at != NULL && n < max; at = at->next) {
		iov[n++] = (struct iovec){
			.iov_base = at->msg->frame + offset,
			.iov_len = at->msg->frame_len - offset,
		};
		offset = 0;
	}
	return n;
}

static void drop_first(struct sendq *q, struct slab *nodes)
{
	struct send_node *n = q->first;

	q->first = n->next;
	if (q->first == NULL)
		q->last = NULL;
	q->offset = 0;
	q->n--;
	msg_put(n->msg);
	slab_free(nodes, n);
}

void sendq_written(struct sendq *q, struct slab *nodes, size_t n)
{
	ASSERT(n <= q->bytes);
	q->bytes -= (uint32_t)n;
	while (n > 0) {
		const uint32_t left = q->first->msg->frame_len - q->offset;

		if (n < left) {
			q->offset += (uint32_t)n;
			return;
		}
		n -= left;
		drop_first(q, nodes);
	}
}

/* Collected replies have no opcode: there may be pongs among them. */
static bool may_be_skipped(const struct msg *m)
{
	return m->opcode != 0 && !m->own;
}

bool sendq_skip_oldest(struct sendq *q, struct slab *nodes)
{
	struct send_node *before = NULL, *n = q->first;

	if (q->offset > 0) {
		before = n;
		n = n->next;
	}
	while (n != NULL && !may_be_skipped(n->msg)) {
		before = n;
		n = n->next;
	}
	if (n == NULL)
		return false;
	if (before != NULL)
		before->next = n->next;
	else
		q->first = n->next;
	if (q->last == n)
		q->last = before;
	q->bytes -= n->msg->frame_len;
	q->n--;
	q->skipped++;
	msg_put(n->msg);
	slab_free(nodes, n);
	return true;
}

uint32_t sendq_drop_unsent(struct sendq *q, struct slab *nodes)
{
	struct sendq keep = {.skipped = q->skipped};
	uint32_t dropped = 0;

	if (q->offset > 0 || (q->first != NULL && q->first->msg->vital)) {
		keep = (struct sendq){.first = q->first,
		                      .last = q->first,
		                      .offset = q->offset,
		                      .bytes = q->first->msg->frame_len - q->offset,
		                      .n = 1,
		                      .skipped = q->skipped};
		q->first = q->first->next;
		keep.last->next = NULL;
		q->offset = 0;
	}
	for (; q->first != NULL; dropped++)
		drop_first(q, nodes);
	*q = keep;
	return dropped;
}

uint32_t sendq_clear(struct sendq *q, struct slab *nodes)
{
	uint32_t dropped = 0;

	for (; q->first != NULL; dropped++)
		drop_first(q, nodes);
	q->bytes = 0;
	return dropped;
}
