/* Reading one request head, writing one answer. */
#include "admit/half_open.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "os/os.h"
#include "shard/handoff.h"

#define FIRST_IN_BYTES 1024 /* a browser's request; a token makes it longer */

void half_open_init(struct half_open *h, int fd, const struct net_addr *peer)
{
	h->state = HALF_OPEN_READING;
	h->peer = *peer;
	transport_init_tcp(&h->transport, fd);
	timer_init(&h->timer);
	list_init(&h->by_age);
	http_head_init(&h->request, HTTP_REQUEST);
}

void half_open_fini(struct half_open *h)
{
	list_unlink(&h->by_age);
	free(h->in);
	free(h->out);
	free(h->adopted);
	if (h->transport.fd >= 0)
		h->transport.ops->close(&h->transport);
}

/* Room for at least one more byte, up to the largest head. */
static int make_room(struct half_open *h, uint32_t max_bytes)
{
	uint32_t cap = h->in_cap == 0 ? FIRST_IN_BYTES : 2 * h->in_cap;
	char *in;

	if (h->in_len < h->in_cap)
		return 0;
	if (cap > max_bytes)
		cap = max_bytes;
	in = realloc(h->in, cap);
	if (in == NULL)
		return WSMD_ENOMEM;
	h->in = in;
	h->in_cap = cap;
	return 0;
}

/* Bytes nobody will look at: until the peer's FIN, so that our answer is not cut off by a reset. */
static enum half_open_event discard(struct half_open *h)
{
	char bin[4096];
	const ssize_t n = h->transport.ops->read(&h->transport, bin, sizeof(bin));

	return n > 0 || n == -EAGAIN ? HALF_OPEN_WAIT : HALF_OPEN_DONE;
}

static enum half_open_event parse(struct half_open *h, uint32_t max_head_bytes)
{
	return http_head_parse(&h->request, h->in, h->in_len, max_head_bytes) == WSMD_ENEEDMORE
	               ? HALF_OPEN_WAIT
	               : HALF_OPEN_DECIDE;
}

enum half_open_event half_open_given(struct half_open *h, const void *bytes, uint32_t len,
                                     uint32_t max_head_bytes)
{
	ASSERT(h->in == NULL);
	h->in = malloc(len);
	if (h->in == NULL)
		return HALF_OPEN_NOMEM;
	memcpy(h->in, bytes, len);
	h->in_len = h->in_cap = len;
	return parse(h, max_head_bytes);
}

enum half_open_event half_open_read(struct half_open *h, uint32_t max_head_bytes)
{
	ssize_t n;

	if (h->state != HALF_OPEN_READING)
		return discard(h);
	/* A reload may have lowered the limit below what is here: then the parser refuses. */
	if (h->in_len < max_head_bytes) {
		if (make_room(h, max_head_bytes) < 0)
			return HALF_OPEN_NOMEM;
		n = h->transport.ops->read(&h->transport, h->in + h->in_len, h->in_cap - h->in_len);
		if (n == -EAGAIN)
			return HALF_OPEN_WAIT;
		if (n <= 0)
			return HALF_OPEN_GONE;
		h->in_len += (uint32_t)n;
	}
	return parse(h, max_head_bytes);
}

enum half_open_event half_open_answer(struct half_open *h, const char *head, size_t head_len,
                                      const char *body, size_t body_len)
{
	ASSERT(h->state == HALF_OPEN_READING);
	h->out = malloc(head_len + body_len);
	if (h->out == NULL)
		return HALF_OPEN_NOMEM;
	memcpy(h->out, head, head_len);
	if (body_len > 0)
		memcpy(h->out + head_len, body, body_len);
	h->out_len = (uint32_t)(head_len + body_len);
	h->state = HALF_OPEN_ANSWERING;
	free(h->in);
	h->in = NULL;
	return half_open_write(h);
}

enum half_open_event half_open_write(struct half_open *h)
{
	ssize_t n;

	if (h->state != HALF_OPEN_ANSWERING)
		return HALF_OPEN_WAIT;
	n = h->transport.ops->write(&h->transport, h->out + h->out_at, h->out_len - h->out_at);
	if (n == -EAGAIN)
		return HALF_OPEN_WAIT;
	if (n < 0)
		return HALF_OPEN_GONE;
	h->out_at += (uint32_t)n;
	if (h->out_at < h->out_len)
		return HALF_OPEN_WAIT;
	h->state = HALF_OPEN_LINGERING;
	h->transport.ops->shutdown(&h->transport);
	return HALF_OPEN_WAIT;
}

uint32_t half_open_interest(const struct half_open *h)
{
	/* A client may end its own half behind the request: that does not end our answer. */
	return h->state == HALF_OPEN_ANSWERING ? OS_WRITE : OS_READ;
}
