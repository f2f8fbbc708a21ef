/* The opening handshake of one connection: connected → asking → open. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client_parts.h"
#include "clock.h"
#include "handshake.h"

void client_ask(struct client *c)
{
	const struct options *const o = c->loop->run->options;
	char user[96] = "", request[HANDSHAKE_REQUEST_MAX];
	uint8_t nonce[16];
	size_t len;
	const int err = os_socket_error(c->fd);

	if (err != 0) {
		client_fail_connect(c, err);
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
	(void)!os_poll_change(c->loop->poll, c->fd, OS_READ, client_token(c));
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
		client_consume(c, l->in, rest, now_ns);
}

void client_read_answer(struct client *c)
{
	struct handshake *const h = c->handshake;
	char why[FAILURE_TEXT_MAX] = "";
	const ssize_t n = os_read(c->fd, h->answer + h->len, sizeof(h->answer) - h->len);

	if (n == -EAGAIN)
		return;
	if (n < 0) {
		client_fail_lost(c, n);
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
