/* Collecting replies and queueing messages. */
#include "worker/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "worker/close_text.h"
#include "worker/tapper.h"
#include "ws/frame.h"

/*
 * May a frame be collected behind the queue, if @total bytes are collected then, but for its
 * header? A pong that would wait takes the place of the last one instead, of which there is at
 * most one (RFC 6455 5.5.3).
 */
static bool collects(const struct worker *w, const struct conn *c, uint8_t opcode, size_t total)
	ON_WORKER;
static bool collects(const struct worker *w, const struct conn *c, uint8_t opcode, size_t total)
{
	return w->current == c && WS_MAX_SERVER_HEADER + total <= WORKER_READ_BYTES &&
	       (opcode != WS_PONG || sendq_empty(&c->sendq));
}

static int enqueue(struct worker *w, struct conn *c, struct msg *m) ON_WORKER;
static int enqueue(struct worker *w, struct conn *c, struct msg *m)
{
	const int err = sendq_push(&c->sendq, &w->send_nodes, m);

	if (err < 0)
		return err;
	stats_add(w->is.stats, STAT_QUEUE_BYTES, m->frame_len);
	if (w->current != c && !c->is_dirty) {
		struct conn_list *l = w->delivery.to_many ? &w->crowd : &w->dirty;

		c->is_dirty = true;
		*l->end = c;
		l->end = &c->next;
	}
	return 0;
}

int output_spill(struct worker *w, struct conn *c, size_t from)
{
	const size_t len = w->out_len - from;

	if (len > 0) {
		struct msg *m = msg_new_raw(w->out + from, (uint32_t)len);
		const int err = m == NULL ? WSMD_ENOMEM : enqueue(w, c, m);

		stats_add(w->is.stats, STAT_MESSAGE_ALLOCS, 1);
		if (err < 0) {
			msg_put(m);
			return err;
		}
		m->vital = from > 0 || c->bytes_out == 0; /* it begins anywhere, or with the 101 */
	}
	w->out_len = 0;
	return 0;
}

/* For messages from elsewhere; replies are bounded by not reading on, see blocked(). */
static bool fits(const struct worker *w, const struct conn *c, const struct msg *m) ON_WORKER;
static bool fits(const struct worker *w, const struct conn *c, const struct msg *m)
{
	return sendq_empty(&c->sendq) ||
	       sendq_cost(&c->sendq) + m->frame_len <= w->view.limits.send_queue_bytes;
}

static void close_slow(struct worker *w, struct conn *c) ON_WORKER;
static void close_slow(struct worker *w, struct conn *c)
{
	char text[CLOSE_SENTENCE_MAX + 1];

	snprintf(text, sizeof(text),
	         "slow consumer: %" PRIu64 " bytes wait, limits.send_queue_bytes is %" PRIu64
	         ", slow_consumer is close",
	         sendq_cost(&c->sendq), w->view.limits.send_queue_bytes);
	conn_close_with(w, c, CLOSE_QUEUE_FULL, &(struct parting){.text = text});
}

/* Is there room for @m all the same, or because something else has gone? The newest is taken when
 * nothing is left that could go: then little more than a begun message is ahead of it. */
static bool make_room(struct worker *w, struct conn *c, const struct msg *m) ON_WORKER;
static bool make_room(struct worker *w, struct conn *c, const struct msg *m)
{
	const uint32_t was = c->sendq.bytes, skipped = c->sendq.skipped;

	stats_add(w->is.stats, STAT_QUEUE_FULL, 1);
	switch (w->view.limits.slow_consumer) {
	case SLOW_CLOSE:
		close_slow(w, c);
		return false;
	case SLOW_DROP_NEWEST:
		c->sendq.skipped++;
		recorder_skipped(w, c, skipped);
		return false;
	case SLOW_KEEP_NEWEST:
		while (!fits(w, c, m) && sendq_skip_oldest(&c->sendq, &w->send_nodes))
			;
		stats_sub(w->is.stats, STAT_QUEUE_BYTES, was - c->sendq.bytes);
		stats_add(w->is.stats, STAT_SKIPPED, c->sendq.skipped - skipped);
		recorder_skipped(w, c, skipped);
		return true;
	}
	UNREACHABLE();
}

/* It is queued. */
static void count_msg(struct worker *w, struct conn *c, const struct msg *m) ON_WORKER;
static void count_msg(struct worker *w, struct conn *c, const struct msg *m)
{
	c->messages_out++;
	stats_add(w->is.stats, STAT_MESSAGES_OUT, 1);
	if (UNLIKELY(c->is_tapped))
		tapper_said(w, c, m->opcode, msg_payload(m), m->payload_len);
}

int output_msg(struct worker *w, struct conn *c, struct msg *m)
{
	int err;

	if (c->state != CONN_OPEN)
		return WSMD_ECLOSED;
	if (w->current == c && w->out_len > 0) {
		err = output_spill(w, c, 0);
		if (err < 0)
			return err;
	}
	if (!fits(w, c, m))
		output_flush(w, c); /* slow is only whose kernel buffer is full as well */
	if (c->state != CONN_OPEN)
		return WSMD_ECLOSED;
	if (!fits(w, c, m) && !make_room(w, c, m))
		return WSMD_EFULL;
	err = enqueue(w, c, m);
	if (err == 0)
		count_msg(w, c, m);
	return err;
}

/* The common reply: header and payload behind the others of this read. */
static void collect(struct worker *w, uint8_t opcode, const void *payload, uint32_t len) ON_WORKER;
static void collect(struct worker *w, uint8_t opcode, const void *payload, uint32_t len)
{
	w->out_len += ws_frame_encode_whole(w->out + w->out_len, opcode, len);
	if (len > 0)
		memcpy(w->out + w->out_len, payload, len);
	w->out_len += len;
}

/* Behind what was collected. Takes the reference, also when it fails. */
static int queue_msg(struct worker *w, struct conn *c, struct msg *m) ON_WORKER;
static int queue_msg(struct worker *w, struct conn *c, struct msg *m)
{
	int err = w->current == c ? output_spill(w, c, 0) : 0;

	if (err == 0)
		err = enqueue(w, c, m);
	if (err < 0)
		msg_put(m);
	return err;
}

static int queue_own(struct worker *w, struct conn *c, uint8_t opcode, const void *payload,
                     uint32_t len) ON_WORKER;
static int queue_own(struct worker *w, struct conn *c, uint8_t opcode, const void *payload,
                     uint32_t len)
{
	struct msg *m = msg_new(opcode, payload, len);

	if (m == NULL)
		return WSMD_ENOMEM;
	m->own = true;
	stats_add(w->is.stats, STAT_MESSAGE_ALLOCS, 1);
	if (opcode == WS_PONG) {
		const uint32_t was = c->sendq.bytes;

		if (sendq_replace_pong(&c->sendq, m)) {
			stats_add(w->is.stats, STAT_QUEUE_BYTES, (uint64_t)c->sendq.bytes - was);
			return 0;
		}
	}
	return queue_msg(w, c, m);
}

/* There is no room behind what was collected, or never enough, or it waits for something else. */
static NOINLINE int make_way(struct worker *w, struct conn *c, uint8_t opcode, const void *payload,
                             uint32_t len) ON_WORKER;
static NOINLINE int make_way(struct worker *w, struct conn *c, uint8_t opcode, const void *payload,
                             uint32_t len)
{
	if (!collects(w, c, opcode, len))
		return queue_own(w, c, opcode, payload, len);
	output_flush(w, c);
	if (c->state != CONN_OPEN)
		return WSMD_ECLOSED;
	collect(w, opcode, payload, len);
	return 0;
}

static inline int send_own(struct worker *w, struct conn *c, uint8_t opcode, const void *payload,
                           uint32_t len) ON_WORKER;
static inline int send_own(struct worker *w, struct conn *c, uint8_t opcode, const void *payload,
                           uint32_t len)
{
	if (c->state != CONN_OPEN)
		return WSMD_ECLOSED;
	if (!collects(w, c, opcode, w->out_len + len))
		return make_way(w, c, opcode, payload, len);
	collect(w, opcode, payload, len);
	return 0;
}

int output_frame(struct worker *w, struct conn *c, uint8_t opcode, const void *payload,
                 uint32_t len)
{
	const int err = send_own(w, c, opcode, payload, len);

	if (err == 0) {
		stats_add(w->is.stats, STAT_CONTROL_OUT, 1);
		if (UNLIKELY(c->is_tapped))
			tapper_said(w, c, opcode, payload, len);
	}
	return err;
}

/* Apart, so that the usual reply has nothing to remember. */
static COLD int reply_tapped(struct worker *w, struct conn *c, uint8_t opcode, const void *payload,
                             uint32_t len) ON_WORKER;
static COLD int reply_tapped(struct worker *w, struct conn *c, uint8_t opcode, const void *payload,
                             uint32_t len)
{
	const int err = send_own(w, c, opcode, payload, len);

	if (err == 0) {
		c->messages_out++;
		stats_add(w->is.stats, STAT_MESSAGES_OUT, 1);
		tapper_said(w, c, opcode, payload, len);
	}
	return err;
}

int output_reply(struct worker *w, struct conn *c, uint8_t opcode, const void *payload,
                 uint32_t len)
{
	int err;

	if (UNLIKELY(c->is_tapped))
		return reply_tapped(w, c, opcode, payload, len);
	err = send_own(w, c, opcode, payload, len);
	if (err == 0) {
		c->messages_out++;
		stats_add(w->is.stats, STAT_MESSAGES_OUT, 1);
	}
	return err;
}

int output_reply_msg(struct worker *w, struct conn *c, struct msg *m)
{
	int err;

	if (c->state != CONN_OPEN) {
		msg_put(m);
		return WSMD_ECLOSED;
	}
	m->own = true;
	err = queue_msg(w, c, m);
	if (err == 0)
		count_msg(w, c, m);
	return err;
}

int output_raw(struct worker *w, struct conn *c, const void *bytes, uint32_t len)
{
	if (w->current == c && w->out_len + len <= WORKER_READ_BYTES) {
		memcpy(w->out + w->out_len, bytes, len);
		w->out_len += len;
		return 0;
	}
	if (w->current == c) {
		const int err = output_spill(w, c, 0);

		if (err < 0)
			return err;
	}

	struct msg *m = msg_new_raw(bytes, len);
	const int err = m == NULL ? WSMD_ENOMEM : enqueue(w, c, m);

	if (err < 0)
		msg_put(m);
	return err;
}

void output_end(struct worker *w, struct conn *c)
{
	ASSERT(w->current == c);
	if (c->state != CONN_CLOSED)
		output_flush(w, c);
	w->current = NULL;
	w->out_len = 0;
}
