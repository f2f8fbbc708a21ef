/* Bytes in: frames are taken apart, messages go to the mode, the rest is answered here. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "client_parts.h"
#include "clock.h"
#include "ws/close_code.h"
#include "ws/frame.h"

/* wsmd ends a reason with [retry_ms=2500 id=...] when clients should come back later. */
static uint32_t retry_hint(const char *reason)
{
	const char *const hint = strstr(reason, "[retry_ms=");
	unsigned ms = 0;

	if (!hint || sscanf(hint, "[retry_ms=%9u", &ms) != 1)
		return 0;
	return ms;
}

static void on_close_frame(struct client *c, const struct ws_event *ev)
{
	char reason[4 * WS_MAX_CONTROL + 1] = "", text[FAILURE_TEXT_MAX];
	struct client_end end = {.cause = FAILURE_CLOSED, .number = ev->close_code};

	c->goodbye = true;
	if (c->state != CLIENT_OPEN)
		return;
	if (ev->len > 0)
		text_escape(reason, sizeof(reason), (const char *)ev->data, ev->len);
	snprintf(text, sizeof(text), "connection %u: the server closed it with %u (%s)%s%.200s",
	         c->number, ev->close_code, ws_close_text(ev->close_code), ev->len ? ": " : "",
	         reason);
	end.retry_ms = retry_hint(reason);
	client_note_end(c, &end, text);
	client_say_goodbye(c, ev->close_code);
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
			client_send_pong(c, ev->data, ev->len);
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

void client_consume(struct client *c, uint8_t *data, size_t len, uint64_t now_ns)
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
		client_fail_lost(c, rc);
}

void client_read_frames(struct client *c)
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
		client_consume(c, in, tail + (size_t)n, clock_now_ns());
}
