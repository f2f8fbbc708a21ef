/* Bytes out: what the kernel does not take now waits with the connection. */
#include <errno.h>
#include <string.h>

#include "client_parts.h"
#include "clock.h"
#include "ws/close_code.h"
#include "ws/frame.h"
#include "ws/mask.h"

/* A server that is too slow for replies may still be asked for pongs; this much waits. */
#define OUT_MAX (64u << 20)

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
		(void)!os_poll_change(c->loop->poll, c->fd, OS_READ | OS_WRITE, client_token(c));
	memcpy(out + c->out_len, data, len);
	c->out = out;
	c->out_len += len;
	return true;
}

/* Bytes that the kernel took, or negative and the connection has failed. */
static ssize_t push(struct client *c, const uint8_t *data, size_t len)
{
	const ssize_t n = os_write(c->fd, data, len);

	if (n == -EAGAIN)
		return 0;
	if (n < 0)
		client_fail_lost(c, n);
	return n;
}

bool client_write(struct client *c, const uint8_t *data, size_t len)
{
	ssize_t n = 0;

	if (!client_blocked(c))
		n = push(c, data, len);
	return n >= 0 && keep(c, data + n, len - (size_t)n);
}

void client_flush(struct client *c)
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
	(void)!os_poll_change(c->loop->poll, c->fd, OS_READ, client_token(c));
	if (c->state == CLIENT_OPEN)
		MODE_CALL(c->loop->run->mode, on_writable, c);
}

void client_send_pong(struct client *c, const uint8_t *data, size_t len)
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

void client_say_goodbye(struct client *c, uint16_t code)
{
	uint8_t frame[WS_MAX_HEADER + WS_MAX_CONTROL];
	const uint32_t key = loop_mask_key(c->loop);
	const size_t len = ws_frame_encode_close(frame, code, NULL, (const uint8_t *)&key);

	c->since_ns = clock_now_ns();
	client_move(c, CLIENT_CLOSING);
	(void)client_write(c, frame, len); /* a failure is noted where it happens */
}

void client_leave(struct client *c)
{
	client_say_goodbye(c, WS_CLOSE_NORMAL);
}
