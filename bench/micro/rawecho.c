/*
 * The bound of bench/compare.sh: what a server would cost that knows no frames at all.
 *
 *   rawecho PORT BYTES    messages of the clients have BYTES bytes, all of them
 *
 * One thread, one epoll. It answers the opening handshake, and from then on counts: every
 * message is a header of known length, a key and BYTES bytes, so it sends a header made in
 * advance and the bytes behind it, unmasked while they are copied once. An answer begins before
 * its message has arrived in full. What comes on a connection that asked for /pub goes to all
 * the others, everything else back to its sender. What the kernel does not take at once is kept.
 *
 * It does not look at opcode, length, fragments or UTF-8, answers no ping, has no users, limits,
 * timers or statistics. It sees a close frame by its first byte, answers it and closes. A client
 * that sends anything else than messages of BYTES bytes gets nonsense back. For the loopback.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"
#include "ws/frame.h"
#include "ws/upgrade.h"

#define READ_BYTES (512 * 1024) /* 64 KiB cost a quarter more with messages of 1 MiB */
#define MAX_EVENTS 1024
#define CLOSE_BYTE 0x88 /* first byte of a close frame that is whole */
#define KEY_BYTES  4

static const uint8_t goodbye[] = {CLOSE_BYTE, 2, 1000 >> 8, 1000 & 255};

struct peer {
	int fd;
	bool open, publishes;
	uint8_t head[WS_MAX_HEADER]; /* of the frame that is arriving */
	uint32_t at;                 /* bytes of it that are here, header included */
	uint32_t place;              /* in peers */
	uint8_t *rest;               /* what the kernel did not take */
	size_t rest_len;
};

static int ep;
static struct peer **peers; /* all of them */
static uint32_t n_peers, peers_cap;

static size_t size, head_len, frame_len; /* of a message; of a client's header and frame */
static uint8_t answer_head[WS_MAX_HEADER];
static size_t answer_head_len;
static uint8_t in[READ_BYTES], out[READ_BYTES + WS_MAX_HEADER];

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void watch(int op, int fd, uint32_t events, struct peer *p)
{
	struct epoll_event ev = {.events = events, .data.ptr = p};

	if (epoll_ctl(ep, op, fd, &ev) != 0)
		fail("epoll_ctl");
}

/* ---- one connection ---- */

static void peer_add(int fd)
{
	struct peer *const p = calloc(1, sizeof(*p));

	if (n_peers == peers_cap) {
		peers_cap = peers_cap ? 2 * peers_cap : 64;
		peers = realloc(peers, peers_cap * sizeof(struct peer *));
	}
	if (!p || !peers)
		fail("memory");
	p->fd = fd;
	p->place = n_peers;
	peers[n_peers++] = p;
	watch(EPOLL_CTL_ADD, fd, EPOLLIN, p);
}

static void peer_drop(struct peer *p)
{
	close(p->fd);
	peers[p->place] = peers[--n_peers];
	peers[p->place]->place = p->place;
	free(p->rest);
	free(p);
}

static void peer_send(struct peer *p, const uint8_t *data, size_t len)
{
	ssize_t n = 0;

	if (p->rest_len == 0)
		n = send(p->fd, data, len, MSG_NOSIGNAL);
	if (n < 0)
		n = 0; /* full, or broken: then the next read says so */
	if ((size_t)n == len)
		return;
	p->rest = realloc(p->rest, p->rest_len + len - (size_t)n);
	if (!p->rest)
		fail("memory");
	memcpy(p->rest + p->rest_len, data + n, len - (size_t)n);
	p->rest_len += len - (size_t)n;
	watch(EPOLL_CTL_MOD, p->fd, EPOLLOUT, p); /* and is not read until that is gone */
}

static bool peer_flush(struct peer *p)
{
	const ssize_t n = send(p->fd, p->rest, p->rest_len, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN)
		return false;
	p->rest_len -= n > 0 ? (size_t)n : 0;
	if (n > 0)
		memmove(p->rest, p->rest + n, p->rest_len);
	if (p->rest_len == 0)
		watch(EPOLL_CTL_MOD, p->fd, EPOLLIN, p);
	return true;
}

/* ---- what it says ---- */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* @at: position in the payload of the first byte. */
static void unmask_copy(uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *key, size_t at)
{
	uint8_t turned[8];
	uint64_t key8, word;
	size_t i = 0;

	for (size_t k = 0; k < sizeof(turned); k++)
		turned[k] = key[(at + k) % KEY_BYTES];
	memcpy(&key8, turned, sizeof(key8));
	for (; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, src + i, sizeof(word));
		word ^= key8;
		memcpy(dst + i, &word, sizeof(word));
	}
	for (; i < len; i++)
		dst[i] = src[i] ^ turned[i % sizeof(turned)];
}

/* The answer to @len bytes of @in, in @out. Returns its bytes; *ret_bye: a close frame came. */
static size_t answer(struct peer *p, size_t len, bool *ret_bye)
{
	const uint8_t *src = in, *const end = in + len;
	uint8_t *dst = out;

	while (src < end) {
		const size_t here = (size_t)(end - src);

		if (p->at < head_len) {
			const size_t n = least(head_len - p->at, here);

			memcpy(p->head + p->at, src, n);
			p->at += (uint32_t)n;
			src += n;
			*ret_bye = p->head[0] == CLOSE_BYTE;
			if (*ret_bye)
				break;
			if (p->at < head_len)
				break;
			memcpy(dst, answer_head, answer_head_len);
			dst += answer_head_len;
		} else {
			const size_t n = least(frame_len - p->at, here);

			unmask_copy(dst, src, n, p->head + head_len - KEY_BYTES, p->at - head_len);
			dst += n;
			src += n;
			p->at = p->at + n == frame_len ? 0 : p->at + (uint32_t)n;
		}
	}
	return (size_t)(dst - out);
}

/* The request is here as a whole or it is not understood. */
static bool upgrade(struct peer *p, size_t len)
{
	static const char name[] = "\r\nSec-WebSocket-Key: ", publisher[] = "GET /pub";
	char accept[WS_ACCEPT_LEN + 1], text[256];
	const char *const key = memmem(in, len, name, strlen(name));

	if (!key || (size_t)((const char *)in + len - key) < strlen(name) + WS_KEY_LEN ||
	    ws_accept(key + strlen(name), accept) != 0)
		return false;
	p->open = true;
	p->publishes = memcmp(in, publisher, strlen(publisher)) == 0;
	const int n = snprintf(text, sizeof(text),
	                       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
	                       "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
	                       accept);

	peer_send(p, (const uint8_t *)text, (size_t)n);
	return true;
}

/* Returns false when the connection is over. */
static bool peer_read(struct peer *p)
{
	const ssize_t n = recv(p->fd, in, READ_BYTES, 0);
	bool bye = false;

	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	if (!p->open)
		return upgrade(p, (size_t)n);

	const size_t len = answer(p, (size_t)n, &bye);

	if (len > 0 && !p->publishes)
		peer_send(p, out, len);
	for (uint32_t i = 0; len > 0 && p->publishes && i < n_peers; i++)
		if (peers[i]->open && !peers[i]->publishes)
			peer_send(peers[i], out, len);
	if (bye)
		peer_send(p, goodbye, sizeof(goodbye));
	return !bye;
}

/* ---- the loop ---- */

static int listen_on(int port)
{
	const struct sockaddr_in addr = {.sin_family = AF_INET,
	                                 .sin_port = htons((uint16_t)port),
	                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* and so of all it accepts */
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0 || listen(fd, 4096) != 0)
		fail("listen");
	return fd;
}

static void accept_all(int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
		peer_add(fd);
}

int main(int argc, char **argv)
{
	struct epoll_event events[MAX_EVENTS];
	uint8_t head[WS_MAX_HEADER];

	if (argc != 3 || atoi(argv[1]) < 1 || atoi(argv[2]) < 1) {
		fprintf(stderr, "usage: rawecho PORT BYTES\n");
		return 2;
	}
	size = (size_t)atoi(argv[2]);
	head_len = ws_frame_encode(head, WS_TEXT, true, size, (const uint8_t[KEY_BYTES]){0});
	frame_len = head_len + size;
	answer_head_len = ws_frame_encode(answer_head, WS_TEXT, true, size, NULL);

	const int listener = listen_on(atoi(argv[1]));

	ep = epoll_create1(0);
	watch(EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
	for (;;) {
		const int n = epoll_wait(ep, events, MAX_EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct peer *const p = events[i].data.ptr;

			if (!p)
				accept_all(listener);
			else if (!(p->rest_len > 0 ? peer_flush(p) : peer_read(p)))
				peer_drop(p);
		}
	}
}
