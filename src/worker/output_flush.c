/* Writing what was collected and queued. */
#include <errno.h>

#include "worker/deadline.h"
#include "worker/keepalive.h"
#include "worker/output.h"

#define MAX_IOV        256
#define CROWD_PER_TURN 256 /* writes, of a few microseconds each */

/* Account for what the kernel took: first from the queue, then from the collected replies. */
static size_t written(struct worker *w, struct conn *c, size_t n) ON_WORKER;
static size_t written(struct worker *w, struct conn *c, size_t n)
{
	const size_t queued = n < c->sendq.bytes ? n : c->sendq.bytes;

	if (queued > 0) {
		sendq_written(&c->sendq, &w->send_nodes, queued);
		stats_sub(w->is.stats, STAT_QUEUE_BYTES, queued);
	}
	stats_add(w->is.stats, STAT_BYTES_OUT, n);
	c->bytes_out += n;
	return n - queued;
}

static ssize_t write_replies(struct worker *w, struct conn *c) ON_WORKER;
static ssize_t write_replies(struct worker *w, struct conn *c)
{
	return c->transport.ops->write(&c->transport, w->out, w->out_len);
}

static ssize_t write_one(struct conn *c)
{
	struct iovec one;

	(void)sendq_describe(&c->sendq, &one, 1);
	return c->transport.ops->write(&c->transport, one.iov_base, one.iov_len);
}

/* The queue and, behind the whole of it only, the collected replies. */
static NOINLINE ssize_t write_queue(struct worker *w, struct conn *c) ON_WORKER;
static NOINLINE ssize_t write_queue(struct worker *w, struct conn *c)
{
	struct iovec iov[MAX_IOV];
	int n = sendq_describe(&c->sendq, iov, MAX_IOV - 1);

	if (w->current == c && w->out_len > 0 && n < MAX_IOV - 1)
		iov[n++] = (struct iovec){.iov_base = w->out, .iov_len = w->out_len};
	return c->transport.ops->writev(&c->transport, iov, n);
}

/* One call for everything that fits into MAX_IOV. 0, or a negative error. */
static int write_once(struct worker *w, struct conn *c, size_t *ret_from_out) ON_WORKER;
static int write_once(struct worker *w, struct conn *c, size_t *ret_from_out)
{
	ssize_t n;

	if (sendq_empty(&c->sendq))
		n = write_replies(w, c);
	else if (c->sendq.n == 1 && (w->current != c || w->out_len == 0))
		n = write_one(c);
	else
		n = write_queue(w, c);
	*ret_from_out = 0;
	stats_add(w->is.stats, STAT_WRITES, 1);
	if (n < 0)
		return n == -EAGAIN ? 0 : (int)n;
	*ret_from_out = written(w, c, (size_t)n);
	return 0;
}

/* The kernel is full. Since when, decides how long the peer may take. */
static void blocked(struct worker *w, struct conn *c, bool progress) ON_WORKER;
static void blocked(struct worker *w, struct conn *c, bool progress)
{
	if (progress && c->sendq.blocked_ms != 0)
		keepalive_heard(w, c); /* room in a full socket: he acknowledged something */
	if (progress || c->sendq.blocked_ms == 0)
		c->sendq.blocked_ms = worker_stamp(w);
	recorder_blocked(w, c);
	/* Once closing, what the peer says last is awaited. */
	if (c->state == CONN_OPEN && sendq_cost(&c->sendq) > w->view.limits.send_queue_bytes / 2)
		c->paused = true;
	deadline_arm(w, c);
}

/* Read on. An unfinished message could not arrive meanwhile: its time begins anew. */
static void resume(struct worker *w, struct conn *c) ON_WORKER;
static void resume(struct worker *w, struct conn *c)
{
	c->paused = false;
	if (c->message_ms == 0)
		return;
	c->message_ms = worker_stamp(w);
	deadline_arm(w, c);
}

static void flushed(struct worker *w, struct conn *c) ON_WORKER;
static void flushed(struct worker *w, struct conn *c)
{
	if (c->state != CONN_OPEN)
		conn_on_flushed(w, c);
}

void output_flush(struct worker *w, struct conn *c)
{
	const uint64_t before = c->bytes_out;
	size_t from_out;

	if (sendq_empty(&c->sendq) && (w->current != c || w->out_len == 0)) {
		flushed(w, c);
		return;
	}
	const int err = write_once(w, c, &from_out);

	if (err < 0) {
		conn_fail(w, c, err);
		return;
	}
	if (w->current == c && w->out_len == from_out) {
		w->out_len = 0;
	} else if (w->current == c && output_spill(w, c, from_out) < 0) {
		conn_abort(w, c, CLOSE_NO_MEMORY); /* a frame may be cut: nothing can follow it */
		return;
	}
	if (c->paused && sendq_cost(&c->sendq) <= w->view.limits.send_queue_bytes / 4)
		resume(w, c);
	if (sendq_empty(&c->sendq)) {
		if (c->sendq.blocked_ms != 0)
			recorder_unblocked(w, c);
		c->sendq.blocked_ms = 0;
		flushed(w, c);
	} else {
		blocked(w, c, c->bytes_out != before);
	}
	conn_watch(w, c);
}

static void flush_list(struct worker *w, struct conn_list *l, uint32_t most) ON_WORKER;
static void flush_list(struct worker *w, struct conn_list *l, uint32_t most)
{
	for (struct conn *c; (c = l->first) != NULL && most > 0;) {
		l->first = c->next;
		if (l->first == NULL)
			l->end = &l->first;
		c->next = NULL;
		c->is_dirty = false;
		if (c->state == CONN_CLOSED) {
			conn_reap_later(w, c);
			continue;
		}
		output_flush(w, c);
		most--;
	}
}

void output_flush_dirty(struct worker *w)
{
	flush_list(w, &w->dirty, UINT32_MAX);
	flush_list(w, &w->crowd, CROWD_PER_TURN);
	w->again = w->again || w->crowd.first != NULL;
}
