/* One turn's reading of one connection. */
#include "worker/input.h"

#include <errno.h>

#include "base/err.h"
#include "worker/aside.h"
#include "worker/deadline.h"
#include "worker/health.h"
#include "worker/keepalive.h"
#include "worker/output.h"
#include "worker/tapper.h"

#define DIRECT_BYTES (16 * 1024) /* less is copied sooner than it is read by a call of its own */
#define ADOPT_BYTES  4096

static_assert(WS_DETACHED_AT == MSG_HEADROOM, "a received message becomes one that is sent");

/* What ended the connection, from the rule that was broken. */
static enum close_reason violation_reason(enum ws_rule rule)
{
	if (rule == WS_RULE_FRAGMENTS)
		return CLOSE_FRAGMENTS;
	switch (ws_rule_close_code(rule)) {
	case 1007:
		return CLOSE_BAD_TEXT;
	case 1008:
		return CLOSE_RATE;
	case 1009:
		return CLOSE_TOO_BIG;
	default:
		return CLOSE_VIOLATION;
	}
}

/* What arrived cannot be kept, so nothing behind it makes sense. */
static void out_of_memory(struct worker *w, struct conn *c) ON_WORKER;
static void out_of_memory(struct worker *w, struct conn *c)
{
	if (c->state == CONN_OPEN)
		conn_close(w, c, CLOSE_NO_MEMORY);
	else
		conn_abort(w, c, CLOSE_NO_MEMORY); /* the peer's close frame would not be found */
}

/* One message more, with limits.messages_per_s in force. False: he talks too much. */
static bool may_talk(struct worker *w, struct conn *c) ON_WORKER;
static bool may_talk(struct worker *w, struct conn *c)
{
	const struct conf_limits *l = &w->view.limits;
	struct aside *a = aside_make(c);

	if (a != NULL && pace_take(&a->messages, w->now_ms, l->messages_per_s, l->message_burst))
		return true;
	conn_close(w, c, a == NULL ? CLOSE_NO_MEMORY : CLOSE_MESSAGE_RATE);
	return false;
}

/* A large message that has memory of its own becomes the reply. */
static int echo(struct worker *w, struct conn *c, const struct ws_event *ev) ON_WORKER;
static int echo(struct worker *w, struct conn *c, const struct ws_event *ev)
{
	const uint8_t opcode = (uint8_t)ev->opcode;
	void *const block = ev->len >= ADOPT_BYTES ? ws_receiver_detach(&c->rx) : NULL;

	return block == NULL ? output_reply(w, c, opcode, ev->data, (uint32_t)ev->len)
	                     : output_reply_msg(w, c, msg_adopt(block, opcode, (uint32_t)ev->len));
}

/* A plain client's message goes to its hub's handler. */
static void on_message(struct worker *w, struct conn *c, const struct ws_event *ev) ON_WORKER;
static void on_message(struct worker *w, struct conn *c, const struct ws_event *ev)
{
	const struct conf_limits *l = &w->view.limits;

	if (l->messages_per_s > 0 && !may_talk(w, c))
		return;
	if (UNLIKELY(c->messages_in++ == 0))
		recorder_note(w, c, EVENT_FIRST_MESSAGE, ev->len, 0);
	stats_add(w->is.stats, STAT_MESSAGES_IN, 1);
	if (UNLIKELY(ev->continuations > 0))
		stats_add(w->is.stats, STAT_CONTINUATIONS_IN, ev->continuations);
	switch (c->session->hub->on_message) {
	case HUB_ECHO:
		if (echo(w, c, ev) == WSMD_ENOMEM)
			conn_close(w, c, CLOSE_NO_MEMORY);
		break;
	case HUB_CALLBACK:
		w->is.hooks.on_message(w->is.hooks.arg, w, c, (uint8_t)ev->opcode, (void *)ev->data,
		                       ev->len);
		break;
	case HUB_DROP:
		stats_add(w->is.stats, STAT_HANDLER_DROPS, 1);
		break;
	}
}

/* @read_at: place in the stream of what @ev counts from. */
static COLD void on_violation(struct worker *w, struct conn *c, const struct ws_event *ev,
                              uint64_t read_at) ON_WORKER;
static COLD void on_violation(struct worker *w, struct conn *c, const struct ws_event *ev,
                              uint64_t read_at)
{
	stats_add(w->is.stats, stat_rule(ev->rule), 1);
	conn_close_with(w, c, violation_reason(ev->rule),
	                &(struct parting){.code = ws_rule_close_code(ev->rule),
	                                  .text = ws_rule_text(ev->rule),
	                                  .evidence = {.violation = true,
	                                               .rule = ev->rule,
	                                               .at_byte = read_at + (uint64_t)ev->at,
	                                               .size = ev->len}});
}

static void on_control(struct worker *w, struct conn *c, const struct ws_event *ev) ON_WORKER;
static void on_control(struct worker *w, struct conn *c, const struct ws_event *ev)
{
	stats_add(w->is.stats, STAT_CONTROL_IN, 1);
	if (ev->type == WS_EVENT_CLOSE) {
		conn_on_peer_close(w, c, ev);
		return;
	}
	if (c->state != CONN_OPEN)
		return; /* our close frame is out: only the peer's matters now */
	if (ev->type == WS_EVENT_PONG) {
		keepalive_on_pong(w, c, ev->data, ev->len);
		return;
	}
	health_on_frame(w, c);
	/* Without memory there is no pong, and the peer may ask again. */
	(void)!output_frame(w, c, WS_PONG, ev->data, (uint32_t)ev->len);
}

static void on_event(struct worker *w, struct conn *c, const struct ws_event *ev, uint64_t read_at)
	ON_WORKER;
static void on_event(struct worker *w, struct conn *c, const struct ws_event *ev, uint64_t read_at)
{
	if (UNLIKELY(c->is_tapped))
		tapper_heard(w, c, ev);
	if (ev->type != WS_EVENT_MESSAGE && ev->type != WS_EVENT_VIOLATION) {
		on_control(w, c, ev);
	} else if (c->state != CONN_OPEN) {
		return; /* as above */
	} else if (ev->type == WS_EVENT_MESSAGE) {
		health_on_frame(w, c);
		on_message(w, c, ev);
	} else {
		on_violation(w, c, ev, read_at);
	}
}

/* Keep the beginning of a frame header or control frame until the rest arrives. */
static void keep_tail(struct worker *w, struct conn *c, const uint8_t *data, size_t len) ON_WORKER;
static void keep_tail(struct worker *w, struct conn *c, const uint8_t *data, size_t len)
{
	ASSERT(len <= WS_MAX_TAIL);
	if (len == 0 && !c->has_tail)
		return;
	if (aside_keep_tail(c, data, (uint8_t)len) < 0)
		out_of_memory(w, c);
}

/* The peer has limits.message_timeout_s for what it has begun. Once it closes, it has no say. */
static void note_incomplete(struct worker *w, struct conn *c) ON_WORKER;
static void note_incomplete(struct worker *w, struct conn *c)
{
	if (c->state != CONN_OPEN)
		return;
	if (!c->has_tail && !ws_receiver_incomplete(&c->rx)) {
		c->message_ms = 0;
	} else if (c->message_ms == 0) {
		c->message_ms = worker_stamp(w);
		deadline_arm(w, c);
	}
}

/* Once closing, for the peer's close frame alone. */
static bool listens(const struct conn *c)
{
	return c->state <= CONN_CLOSING;
}

void input_consume(struct worker *w, struct conn *c, uint8_t *data, size_t len)
{
	size_t used = 0;

	while (used < len && listens(c)) {
		struct ws_event ev;
		size_t n;
		const int err = ws_receiver_next(&c->rx, &w->view.ws, WS_SERVER, data + used,
		                                 len - used, w->now_ms, &n, &ev);

		if (err == 0) {
			if (c->state == CONN_OPEN && !ws_receiver_incomplete(&c->rx))
				c->message_ms = 0; /* what was begun, a ping too, is complete */
			on_event(w, c, &ev, c->bytes_in - (len - used));
		}
		used += n;
		if (err == WSMD_ENOMEM)
			out_of_memory(w, c);
		if (err != 0)
			break;
	}
	if (UNLIKELY(c->rx.begun != NULL)) {
		ws_receiver_done(&c->rx);
		worker_untrimmed(w);
	}
	if (!listens(c))
		return;
	keep_tail(w, c, data + used, len - used);
	note_incomplete(w, c);
}

/* One read of @most bytes at most, to behind the @tail bytes that @data begins with, worked off.
 * Returns: the bytes; 0: none, or nothing is to be done about them. */
static inline size_t read_to(struct worker *w, struct conn *c, uint8_t *data, size_t tail,
                             size_t most) ON_WORKER;
static inline size_t read_to(struct worker *w, struct conn *c, uint8_t *data, size_t tail,
                             size_t most)
{
	const ssize_t n = c->transport.ops->read(&c->transport, data + tail, most);

	stats_add(w->is.stats, STAT_READS, 1);
	if (n <= 0) {
		if (n == 0)
			conn_abort(w, c, CLOSE_FIN);
		else if (n != -EAGAIN)
			conn_fail(w, c, (int)n);
		return 0;
	}
	keepalive_heard(w, c);
	c->bytes_in += (uint64_t)n;
	stats_add(w->is.stats, STAT_BYTES_IN, (uint64_t)n);
	if (!listens(c))
		return 0;
	output_begin(w, c);
	input_consume(w, c, data, tail + (size_t)n);
	output_end(w, c);
	return (size_t)n;
}

/* @share: as below */
static bool reads_on(const struct worker *w, const struct conn *c, size_t share) ON_WORKER;
static bool reads_on(const struct worker *w, const struct conn *c, size_t share)
{
	return listens(c) && !c->paused && share + w->extra_bytes >= DIRECT_BYTES;
}

/* Large messages are read to where they are assembled, all else to the buffer of all. Returns:
 * whether there is probably more. Not behind the end of a large message: many peers wait for an
 * answer then. */
static bool read_more(struct worker *w, struct conn *c, size_t most, size_t *ret_n) ON_WORKER;
static bool read_more(struct worker *w, struct conn *c, size_t most, size_t *ret_n)
{
	size_t room = WORKER_READ_BYTES, tail = 0;
	uint8_t *to = ws_receiver_room(&c->rx, &w->view.ws, DIRECT_BYTES, &room);
	const bool direct = to != NULL;

	if (!direct) {
		to = w->in;
		tail = c->has_tail ? aside_tail(c, to) : 0;
	}
	if (room < most)
		most = room;
	*ret_n = read_to(w, c, to, tail, most);
	return *ret_n == most && (!direct || ws_receiver_incomplete(&c->rx));
}

/* @share: what this connection may read on nobody's account. */
static NOINLINE void read_on(struct worker *w, struct conn *c, size_t share) ON_WORKER;
static NOINLINE void read_on(struct worker *w, struct conn *c, size_t share)
{
	bool more;

	do {
		size_t n;

		more = read_more(w, c, share + w->extra_bytes, &n);
		w->extra_bytes -= n > share ? n - share : 0;
		share -= n > share ? share : n;
	} while (more && reads_on(w, c, share));
}

void input_readable(struct worker *w, struct conn *c)
{
	size_t n = 0;

	if (LIKELY(c->rx.begun == NULL)) {
		const size_t tail = UNLIKELY(c->has_tail) ? aside_tail(c, w->in) : 0;

		n = read_to(w, c, w->in, tail, WORKER_READ_BYTES);
		if (LIKELY(n < WORKER_READ_BYTES) || !reads_on(w, c, 0))
			return;
	}
	read_on(w, c, WORKER_READ_BYTES - n);
}
