/* A singly linked queue of message references with a write offset. */
#include "worker/sendq.h"

#include "base/err.h"
#include "ws/receiver.h"

/* What comes behind @n, or NULL. */
static struct send_node *behind(const struct sendq *q, const struct send_node *n)
{
	return n == q->last ? NULL : n->next;
}

static struct send_node *first(const struct sendq *q)
{
	return q->last == NULL ? NULL : q->last->next;
}

int sendq_push(struct sendq *q, struct slab *nodes, struct msg *m)
{
	struct send_node *n = slab_new(nodes);

	if (n == NULL)
		return WSMD_ENOMEM;
	n->msg = m;
	if (q->last != NULL) {
		n->next = q->last->next;
		q->last->next = n;
	} else {
		n->next = n;
	}
	q->last = n;
	q->bytes += m->frame_len;
	if (q->bytes > q->peak_bytes)
		q->peak_bytes = q->bytes;
	q->n++;
	return 0;
}

bool sendq_replace_pong(struct sendq *q, struct msg *m)
{
	if (sendq_empty(q))
		return false;
	for (struct send_node *n = behind(q, first(q)); n != NULL; n = behind(q, n)) {
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

	for (const struct send_node *at = first(q); at != NULL && n < max; at = behind(q, at)) {
		iov[n++] = (struct iovec){
			.iov_base = (uint8_t *)msg_frame(at->msg) + offset,
			.iov_len = at->msg->frame_len - offset,
		};
		offset = 0;
	}
	return n;
}

/* @before: the one in front of @n; in front of the first is the last. */
static void drop(struct sendq *q, struct slab *nodes, struct send_node *before, struct send_node *n)
{
	if (before == n)
		q->last = NULL;
	else if (q->last == n)
		q->last = before;
	before->next = n->next;
	q->n--;
	msg_put(n->msg);
	slab_free(nodes, n);
}

static void drop_first(struct sendq *q, struct slab *nodes)
{
	q->offset = 0;
	drop(q, nodes, q->last, q->last->next);
}

void sendq_written(struct sendq *q, struct slab *nodes, size_t n)
{
	ASSERT(n <= q->bytes);
	q->bytes -= (uint32_t)n;
	while (n > 0) {
		const uint32_t left = q->last->next->msg->frame_len - q->offset;

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
	struct send_node *before = q->last, *n = first(q);

	if (q->offset > 0) {
		before = n;
		n = behind(q, n);
	}
	while (n != NULL && !may_be_skipped(n->msg)) {
		before = n;
		n = behind(q, n);
	}
	if (n == NULL)
		return false;
	q->bytes -= n->msg->frame_len;
	q->skipped++;
	drop(q, nodes, before, n);
	return true;
}

uint32_t sendq_drop_unsent(struct sendq *q, struct slab *nodes)
{
	struct send_node *const kept = first(q);
	uint32_t dropped = 0;

	if (q->offset == 0 && (kept == NULL || !kept->msg->vital))
		return sendq_clear(q, nodes);
	for (; q->last != kept; dropped++) {
		q->bytes -= kept->next->msg->frame_len;
		drop(q, nodes, kept, kept->next);
	}
	return dropped;
}

uint32_t sendq_clear(struct sendq *q, struct slab *nodes)
{
	uint32_t dropped = 0;

	for (; !sendq_empty(q); dropped++)
		drop_first(q, nodes);
	q->bytes = 0;
	return dropped;
}
