/* A client that only sends, blocking: its caller has nothing else to do. */
#include "publisher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/err.h"
#include "handshake.h"
#include "os/os.h"
#include "ws/close_code.h"
#include "ws/frame.h"
#include "ws/mask.h"

static int connect_to(const struct target *to, int *ret_fd)
{
	const struct timeval patience = {.tv_sec = PUBLISHER_PATIENCE_S};
	struct pollfd ready = {.events = POLLOUT};
	int rc = os_connect_tcp(&to->addr, NULL, ret_fd);

	if (rc != 0)
		return rc;
	ready.fd = *ret_fd;
	if (poll(&ready, 1, PUBLISHER_PATIENCE_S * 1000) != 1)
		return -ETIMEDOUT;
	rc = os_socket_error(*ret_fd);
	if (rc != 0)
		return rc;
	if (fcntl(*ret_fd, F_SETFL, 0) != 0 ||
	    setsockopt(*ret_fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0 ||
	    setsockopt(*ret_fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0)
		return -errno;
	return 0;
}

static bool write_all(int fd, const void *data, size_t len)
{
	while (len > 0) {
		const ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		data = (const uint8_t *)data + n;
		len -= (size_t)n;
	}
	return true;
}

static int shake_hands(struct publisher *p, struct handshake *h, const struct target *to, char *why,
                       size_t why_cap)
{
	char request[HANDSHAKE_REQUEST_MAX];
	enum handshake_verdict verdict = HANDSHAKE_MORE;
	uint8_t nonce[16];
	size_t len;

	os_random(nonce, sizeof(nonce));
	len = handshake_start(h, to, "", nonce, request);
	if (!write_all(p->fd, request, len))
		return -errno;
	while (verdict == HANDSHAKE_MORE) {
		const ssize_t n = recv(p->fd, h->answer + h->len, sizeof(h->answer) - h->len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		h->len += (uint32_t)n;
		verdict = handshake_judge(h, n == 0, why, why_cap);
	}
	return verdict == HANDSHAKE_OPEN ? 0 : WSMD_EPROTO;
}

int publisher_open(struct publisher *p, const struct target *to, size_t size, char *why,
                   size_t why_cap)
{
	struct handshake *const h = malloc(sizeof(*h));
	int rc = WSMD_ENOMEM;

	*p = (struct publisher){.fd = -1, .frame = malloc(WS_MAX_HEADER + size)};
	os_random(&p->random, sizeof(p->random));
	if (h && p->frame)
		rc = connect_to(to, &p->fd);
	if (rc == 0)
		rc = shake_hands(p, h, to, why, why_cap);
	if (rc != 0 && rc != WSMD_EPROTO) /* of which the handshake has told more */
		snprintf(why, why_cap, "no publisher on %s%s: %s", to->authority, to->path,
		         err_text(rc));
	free(h);
	return rc;
}

static uint32_t mask_key(struct publisher *p)
{
	p->random = p->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(p->random >> 32);
}

void publisher_close(struct publisher *p)
{
	uint8_t goodbye[WS_MAX_HEADER + WS_MAX_CONTROL];
	const uint32_t key = mask_key(p);
	size_t len;

	if (p->fd >= 0) {
		len = ws_frame_encode_close(goodbye, WS_CLOSE_NORMAL, NULL, (const uint8_t *)&key);
		(void)write_all(p->fd, goodbye, len); /* the end in any case */
		close(p->fd);
	}
	free(p->frame);
	*p = (struct publisher){.fd = -1};
}

uint8_t *publisher_text(struct publisher *p)
{
	return p->frame + WS_MAX_HEADER;
}

/* Acknowledgements and pings: nobody waits for an answer. */
static bool discard_input(int fd)
{
	uint8_t in[4096];
	ssize_t n;

	do
		n = recv(fd, in, sizeof(in), MSG_DONTWAIT);
	while (n > 0);
	if (n == 0)
		errno = ECONNRESET;
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

bool publisher_send(struct publisher *p, size_t size, char *why, size_t why_cap)
{
	const uint32_t key = mask_key(p);
	uint8_t head[WS_MAX_HEADER];
	const size_t len = ws_frame_encode(head, WS_TEXT, true, size, (const uint8_t *)&key);
	uint8_t *const frame = publisher_text(p) - len;

	memcpy(frame, head, len);
	(void)ws_mask(publisher_text(p), size, key); /* whole, so the key is not used again */
	if (discard_input(p->fd) && write_all(p->fd, frame, len + size))
		return true;
	snprintf(why, why_cap, "the publishing connection failed: %s", err_text(-errno));
	return false;
}
