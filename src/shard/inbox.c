/* liburcu's wait-free queue with a bound, a wake-up and notes for ThreadSanitizer. */
#include "shard/inbox.h"

#include "base/err.h"
#include "base/rcu.h"
#include "os/os.h"

int inbox_init(struct inbox *in, uint32_t limit)
{
	const int fd = os_wake_new();

	if (fd < 0)
		return fd;
	__cds_wfcq_init(&in->head, &in->tail);
	in->wake_fd = fd;
	in->limit = limit;
	atomic_init(&in->count, 0);
	return 0;
}

void inbox_fini(struct inbox *in)
{
	ASSERT(inbox_depth(in) == 0);
	os_close(in->wake_fd);
	in->wake_fd = -1;
}

static void enqueue(struct inbox *in, struct inbox_item *item)
{
	cds_wfcq_node_init(&item->node);
	/* The queue orders the item's contents itself, in code the sanitizer cannot see. */
	TSAN_RELEASE(item);
	const bool was_empty = !cds_wfcq_enqueue(&in->head, &in->tail, &item->node);

	if (was_empty)
		os_wake(in->wake_fd);
}

int inbox_push(struct inbox *in, struct inbox_item *item)
{
	/* Relaxed: the count bounds memory, the queue orders. */
	if (atomic_fetch_add_explicit(&in->count, 1, memory_order_relaxed) >= in->limit) {
		atomic_fetch_sub_explicit(&in->count, 1, memory_order_relaxed);
		return WSMD_EFULL;
	}
	enqueue(in, item);
	return 0;
}

void inbox_push_always(struct inbox *in, struct inbox_item *item)
{
	atomic_fetch_add_explicit(&in->count, 1, memory_order_relaxed);
	enqueue(in, item);
}

void inbox_wake(struct inbox *in)
{
	os_wake(in->wake_fd);
}

void inbox_woken(struct inbox *in)
{
	os_wake_clear(in->wake_fd);
}

struct inbox_item *inbox_take(struct inbox *in, bool *ret_again)
{
	struct cds_wfcq_node *node = __cds_wfcq_dequeue_nonblocking(&in->head, &in->tail);

	*ret_again = node == CDS_WFCQ_WOULDBLOCK;
	if (node == NULL || node == CDS_WFCQ_WOULDBLOCK)
		return NULL;

	struct inbox_item *item = CONTAINER_OF(node, struct inbox_item, node);

	TSAN_ACQUIRE(item);
	atomic_fetch_sub_explicit(&in->count, 1, memory_order_relaxed);
	return item;
}

uint32_t inbox_depth(const struct inbox *in)
{
	return atomic_load_explicit(&in->count, memory_order_relaxed);
}
