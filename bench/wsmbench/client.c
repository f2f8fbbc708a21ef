/* The life of a client connection, bottom to top. */
#include "client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "clock.h"
#include "handshake.h"
#include "ws/close_code.h"
#include "ws/frame.h"
#include "ws/mask.h"

/* A server that is too slow for replies may still be asked for pongs; this much waits. */
#define OUT_MAX (64u << 20)

static const uint8_t allowed[CLIENT_STATE_COUNT] = {
	[CLIENT_CLOSED] = 1 << CLIENT_CONNECTING,
	[CLIENT_CONNECTING] = 1 << CLIENT_ASKING | 1 << CLIENT_CLOSED,
	[CLIENT_ASKING] = 1 << CLIENT_OPEN | 1 << CLIENT_CLOSED,
	[CLIENT_OPEN] = 1 << CLIENT_CLOSING | 1 << CLIENT_CLOSED,
	[CLIENT_CLOSING] = 1 << CLIENT_CLOSED,
};

static bool is_opening(enum client_state state)
{
	return state == CLIENT_CONNECTING || state == CLIENT_ASKING;
}

/* The only writer of the state; keeps the loop's lists and gauges with it. */
static void client_move(struct client *c, enum client_state to)
{
	struct loop *const l = c->loop;
	const enum client_state from = (enum client_state)c->state;

	ASSERT(allowed[from] >> to & 1);
	c->state = (uint8_t)to;
	if (is_opening(from) && !is_opening(to)) {
		l->opening--;
		GAUGE_ADD(l->gauges.tried, 1);
	}
	if (from == CLIENT_CLOSED) {
		l->opening++;
		GAUGE_ADD(l->gauges.closed, -1u);
	}
	if (from == CLIENT_OPEN)
		GAUGE_ADD(l->gauges.open, -1u);
	if (to == CLIENT_OPEN)
		GAUGE_ADD(l->gauges.open, 1);
	if (to == CLIENT_CLOSED)
		GAUGE_ADD(l->gauges.closed, 1);
	if (to == CLIENT_ASKING)
		return; /* connecting and asking share one deadline */
	list_unlink(&c->link);
	if (to == CLIENT_CONNECTING || to == CLIENT_CLOSING)
		list_append(&l->pending, &c->link);
	else if (to == CLIENT_CLOSED && l->run->mode->reopens)
		list_append(&l->ready, &c->link);
}

void client_init(struct client *c, struct loop *l, uint32_t number)
{
	*c = (struct client){.loop = l, .number = number, .fd = -1};
	list_append(&l->ready, &c->link);
	GAUGE_ADD(l->gauges.closed, 1);
}

static uint64_t token_of(const struct client *c)
{
	return (uint64_t)c->generation << 32 | (uint64_t)(c - c->loop->clients);
}

void client_drop(struct client *c)
{
	if (c->state == CLIENT_CLOSED)
		return;
	if (c->fd >= 0) {
		os_reset_on_close(c->fd);
		os_close(c->fd);
	}
	c->fd = -1;
	c->generation++;
	ws_receiver_fini(&c->receiver);
	free(c->handshake);
	free(c->tail);
	free(c->out);
	c->handshake = NULL;
	c->tail = c->out = NULL;
	c->tail_len = 0;
	c->out_len = 0;
	client_move(c, CLIENT_CLOSED);
}

void client_fail(struct client *c, enum failure cause, const char *fmt, ...)
{
	char text[FAILURE_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	failures_note(&c->loop->failures, cause, "%s", text);
	c->loop->failed_in_a_row++;
	client_drop(c);
}

static void fail_connect(struct client *c, int err)
{
	char peer[NET_ADDR_TEXT];

	net_addr_format(&c->loop->run->options->target.addr, peer);
	if (err == -ECONNREFUSED)
		client_fail(c, FAILURE_REFUSED, "nobody listens on %s: is the server running?",
		            peer);
	else if (err == -EADDRNOTAVAIL)
		client_fail(c, FAILURE_CONNECT,
		            "no local address or port left towards %s: widen --from", peer);
	else
		client_fail(c, FAILURE_CONNECT, "cannot connect to %s: %s", peer, err_text(err));
}

static void fail_lost(struct client *c, ssize_t rc)
{
	client_fail(c, FAILURE_LOST, "connection %u: lost without a close frame (%s)", c->number,
	            rc == 0 ? "end of stream" : err_text((int)rc));
}

void client_open(struct client *c)
{
	struct loop *const l = c->loop;
	const struct options *const o = l->run->options;
	struct net_addr from;
	int rc;

	c->since_ns = clock_now_ns();
	c->sent = c->answered = c->due = 0;
	c->goodbye = false;
	client_move(c, CLIENT_CONNECTING);
	c->handshake = malloc(sizeof(*c->handshake));
	if (!c->handshake) {
		client_fail(c, FAILURE_MEMORY, "no memory for a handshake");
		return;
	}
	if (o->from.count > 0)
		from = source_range_at(&o->from, l->source++);
	rc = os_connect_tcp(&o->target.addr, o->from.count > 0 ? &from : NULL, &c->fd);
	if (rc == 0)
		rc = os_poll_add(l->poll, c->fd, OS_WRITE, token_of(c));
	if (rc != 0)
		fail_connect(c, rc);
}

/* ---- output ---- */

static bool keep(struct client *c, const uint8_t *data, size_t len)
{
	uint8_t *out;

	if (len == 0)
		return true;
	if (c->out_len + len > OUT_MAX) {
		client_fail(c, FAILURE_LOST, "connection %u: the server has stopped reading",
		            c->number);
		return false;
	}
	out = realloc(c->out, c->out_len + len);
	if (!out) {
		client_fail(c, FAILURE_MEMORY, "no memory for output");
		return false;
	}
	if (c->out_len == 0)
		(void)!os_poll_change(c->loop->poll, c->fd, OS_READ | OS_WRITE, token_of(c));
	memcpy(out + c->out_len, data, len);
	c->out = out;
	c->out_len += len;
	return true;
}

/* Bytes that the kernel took, or negative and the connection has failed. */
static ssize_t push(struct client *c, const uint8_t *data, size_t len)
{
	const struct iovec iov = {.iov_base = (uint8_t *)(uintptr_t)data, .iov_len = len};
	const ssize_t n = os_writev(c->fd, &iov, 1);

	if (n == -EAGAIN)
		return 0;
	if (n < 0)
		fail_lost(c, n);
	return n;
}

bool client_write(struct client *c, const uint8_t *data, size_t len)
{
	ssize_t n = 0;

	if (!client_blocked(c))
		n = push(c, data, len);
	return n >= 0 && keep(c, data + n, len - (size_t)n);
}

static void flush(struct client *c)
{
	const ssize_t n = push(c, c->out, c->out_len);

	if (n <= 0)
		return;
	c->out_len -= (size_t)n;
	memmove(c->out, c->out + n, c->out_len);
	if (c->out_len > 0)
		return;
	free(c->out);
	c->out = NULL;
	(void)!os_poll_change(c->loop->poll, c->fd, OS_READ, token_of(c));
	if (c->state == CLIENT_OPEN)
		MODE_CALL(c->loop->run->mode, on_writable, c);
}

static void send_pong(struct client *c, const uint8_t *data, size_t len)
{
	uint8_t frame[WS_MAX_HEADER + WS_MAX_CONTROL];
	const uint32_t key = loop_mask_key(c->loop);
	const size_t at = ws_frame_encode(frame, WS_PONG, true, len, (const uint8_t *)&key);

	if (len > 0)
		memcpy(frame + at, data, len);
	(void)ws_mask(frame + at, len, key); /* whole, so the key is not used again */
	c->loop->pings++;
	(void)client_write(c, frame, at + len); /* a failure is noted where it happens */
}

static void say_goodbye(struct client *c, uint16_t code)
{
	uint8_t frame[WS_MAX_HEADER + WS_MAX_CONTROL];
	const uint32_t key = loop_mask_key(c->loop);
	const size_t len = ws_frame_encode_close(frame, code, NULL, (const uint8_t *)&key);

	c->since_ns = clock_now_ns();
	client_move(c, CLIENT_CLOSING);
	(void)client_write(c, frame, len); /* a failure is noted where it happens */
}

void client_stall(struct client *c)
{
	ASSERT(c->state == CLIENT_OPEN);
	os_poll_remove(c->loop->poll, c->fd);
}

void client_leave(struct client *c)
{
	say_goodbye(c, WS_CLOSE_NORMAL);
}

/* ---- input ---- */

static void on_close_frame(struct client *c, const struct ws_event *ev)
{
	char reason[4 * WS_MAX_CONTROL + 1] = "";

	c->goodbye = true;
	if (c->state != CLIENT_OPEN)
		return;
	if (ev->len > 0)
		text_escape(reason, sizeof(reason), (const char *)ev->data, ev->len);
	failures_note(&c->loop->failures, FAILURE_CLOSED,
	              "connection %u: the server closed it with %u (%s)%s%s", c->number,
	              ev->close_code, ws_close_text(ev->close_code), ev->len ? ": " : "", reason);
	c->loop->failed_in_a_row++;
	say_goodbye(c, ev->close_code);
}

static void on_event(struct client *c, const struct ws_event *ev, uint64_t now_ns)
{
	switch (ev->type) {
	case WS_EVENT_MESSAGE:
		c->loop->messages_in++;
		if (c->state == CLIENT_OPEN)
			MODE_CALL(c->loop->run->mode, on_message, c, ev, now_ns);
		break;
	case WS_EVENT_PING:
		if (c->state == CLIENT_OPEN)
			send_pong(c, ev->data, ev->len);
		break;
	case WS_EVENT_PONG:
		break;
	case WS_EVENT_CLOSE:
		on_close_frame(c, ev);
		break;
	case WS_EVENT_VIOLATION:
		client_fail(c, FAILURE_PROTOCOL, "connection %u: %s", c->number,
		            ws_rule_text(ev->rule));
		break;
	}
}

static void keep_tail(struct client *c, const uint8_t *data, size_t len)
{
	ASSERT(len <= WS_MAX_TAIL);
	if (len > 0 && !c->tail) {
		c->tail = malloc(WS_MAX_TAIL);
		if (!c->tail) {
			client_fail(c, FAILURE_MEMORY, "no memory for a cut frame");
			return;
		}
	} else if (len == 0) {
		free(c->tail);
		c->tail = NULL;
	}
	if (len > 0)
		memcpy(c->tail, data, len);
	c->tail_len = (uint8_t)len;
}

static void consume(struct client *c, uint8_t *data, size_t len, uint64_t now_ns)
{
	struct loop *const l = c->loop;
	struct ws_event ev;
	size_t used;
	int rc;

	for (;;) {
		rc = ws_receiver_next(&c->receiver, &l->limits, WS_CLIENT, data, len,
		                      now_ns / NS_PER_MS, &used, &ev);
		data += used;
		len -= used;
		if (rc != 0)
			break;
		on_event(c, &ev, now_ns);
		if (c->state == CLIENT_CLOSED)
			return;
	}
	if (rc != WSMD_ENEEDMORE) {
		client_fail(c, FAILURE_MEMORY, "no memory for a message");
		return;
	}
	keep_tail(c, data, len);
	if (c->state == CLIENT_OPEN)
		MODE_CALL(l->run->mode, on_batch_end, c);
}

static void on_end_of_stream(struct client *c, ssize_t rc)
{
	if (c->state == CLIENT_CLOSING && c->goodbye)
		client_drop(c); /* a reset behind the goodbye is as good as the end */
	else
		fail_lost(c, rc);
}

static void read_frames(struct client *c)
{
	uint8_t *const in = c->loop->in;
	const size_t tail = c->tail_len;
	ssize_t n;

	if (tail > 0)
		memcpy(in, c->tail, tail);
	n = os_read(c->fd, in + tail, LOOP_READ_BYTES);
	if (n == -EAGAIN)
		return;
	if (n <= 0)
		on_end_of_stream(c, n);
	else
		consume(c, in, tail + (size_t)n, clock_now_ns());
}

/* ---- handshake ---- */

static void ask(struct client *c)
{
	const struct options *const o = c->loop->run->options;
	char user[96] = "", request[HANDSHAKE_REQUEST_MAX];
	uint8_t nonce[16];
	size_t len;
	const int err = os_socket_error(c->fd);

	if (err != 0) {
		fail_connect(c, err);
		return;
	}
	if (o->user_prefix[0] != '\0')
		snprintf(user, sizeof(user), "%s%u", o->user_prefix, c->number);
	for (size_t i = 0; i < sizeof(nonce); i += 4) {
		const uint32_t r = loop_mask_key(c->loop);

		memcpy(nonce + i, &r, sizeof(r));
	}
	len = handshake_start(c->handshake, &o->target, user, nonce, request);
	client_move(c, CLIENT_ASKING);
	(void)!os_poll_change(c->loop->poll, c->fd, OS_READ, token_of(c));
	(void)client_write(c, (const uint8_t *)request, len); /* a failure is noted there */
}

static void on_open(struct client *c)
{
	struct loop *const l = c->loop;
	const uint64_t now_ns = clock_now_ns();
	const struct handshake *const h = c->handshake;
	const size_t rest = h->len - h->head.head_len;

	if (!l->run->mode->reopens || loop_measures(l, now_ns))
		histogram_record(&l->handshake, now_ns - c->since_ns);
	l->failed_in_a_row = 0;
	memcpy(l->in, h->answer + h->head.head_len, rest);
	free(c->handshake);
	c->handshake = NULL;
	ws_receiver_init(&c->receiver, &l->limits, now_ns / NS_PER_MS);
	client_move(c, CLIENT_OPEN);
	MODE_CALL(l->run->mode, on_open, c);
	if (rest > 0 && c->state != CLIENT_CLOSED)
		consume(c, l->in, rest, now_ns);
}

static void read_answer(struct client *c)
{
	struct handshake *const h = c->handshake;
	char why[FAILURE_TEXT_MAX] = "";
	const ssize_t n = os_read(c->fd, h->answer + h->len, sizeof(h->answer) - h->len);

	if (n == -EAGAIN)
		return;
	if (n < 0) {
		fail_lost(c, n);
		return;
	}
	h->len += (uint32_t)n;
	switch (handshake_judge(h, n == 0, why, sizeof(why))) {
	case HANDSHAKE_MORE:
		break;
	case HANDSHAKE_OPEN:
		on_open(c);
		break;
	case HANDSHAKE_STATUS:
		client_fail(c, FAILURE_STATUS, "%s", why);
		break;
	case HANDSHAKE_FOREIGN:
		client_fail(c, FAILURE_HANDSHAKE, "%s", why);
		break;
	}
}

void client_event(struct client *c, uint32_t events)
{
	const uint32_t generation = c->generation;

	if (c->state == CLIENT_CONNECTING) {
		ask(c);
		return;
	}
	if ((events & OS_WRITE) && client_blocked(c))
		flush(c);
	if (c->generation != generation || !(events & ~OS_WRITE))
		return;
	if (c->state == CLIENT_ASKING)
		read_answer(c);
	else
		read_frames(c);
}
