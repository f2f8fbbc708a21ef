/* The life of a client connection. What it writes, reads and asks for is in client_*.c. */
#include "client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "client_parts.h"
#include "clock.h"
#include "handshake.h"

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

void client_move(struct client *c, enum client_state to)
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
	if (to == CLIENT_CLOSED)
		MODE_CALL(l->run->mode, on_closed, c);
}

void client_init(struct client *c, struct loop *l, uint32_t number)
{
	*c = (struct client){.loop = l, .number = number, .fd = -1};
	list_append(&l->ready, &c->link);
	GAUGE_ADD(l->gauges.closed, 1);
}

uint64_t client_token(const struct client *c)
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
	struct client_end end = {.cause = cause};
	char text[FAILURE_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (cause == FAILURE_STATUS) {
		end.number = c->handshake->head.status;
		end.retry_ms = handshake_retry_ms(c->handshake);
	}
	client_note_end(c, &end, text);
	client_drop(c);
}

void client_note_end(struct client *c, const struct client_end *end, const char *text)
{
	const struct mode *const m = c->loop->run->mode;

	if (m->on_end && m->on_end(c, end))
		return;
	failures_note(&c->loop->failures, end->cause, "%s", text);
	GAUGE_ADD(c->loop->gauges.failed, 1);
	c->loop->failed_in_a_row++;
}

void client_fail_connect(struct client *c, int err)
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

void client_fail_lost(struct client *c, ssize_t rc)
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
		rc = os_poll_add(l->poll, c->fd, OS_WRITE, client_token(c));
	if (rc != 0)
		client_fail_connect(c, rc);
}

void client_stall(struct client *c)
{
	ASSERT(c->state == CLIENT_OPEN);
	os_poll_remove(c->loop->poll, c->fd);
}

void client_event(struct client *c, uint32_t events)
{
	const uint32_t generation = c->generation;

	if (c->state == CLIENT_CONNECTING) {
		client_ask(c);
		return;
	}
	if ((events & OS_WRITE) && client_blocked(c))
		client_flush(c);
	if (c->generation != generation || !(events & ~OS_WRITE))
		return;
	if (c->state == CLIENT_ASKING)
		client_read_answer(c);
	else
		client_read_frames(c);
}
