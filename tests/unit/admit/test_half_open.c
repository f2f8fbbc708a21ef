/* A half-open socket over a transport that gives and takes as little as it likes. */
#include "admit/half_open.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "heap.h"
#include "os/os.h"

#define FD       7
#define MAX_HEAD 4096
#define ENDLESS  SIZE_MAX
#define NOT_NOW  (-EAGAIN)

static const char request[] = "GET /ws HTTP/1.1\r\nHost: a\r\nX-Long: ..........\r\n\r\n";

/* The peer at the other end. */
static struct peer {
	const char *says;
	size_t len, at, chunk; /* chunk: bytes of one read, at most */
	ssize_t then;          /* what read gives when everything is said */
	char heard[4096];
	size_t heard_len, takes; /* takes: bytes of one write, at most */
	size_t takes_until;      /* then it takes nothing, */
	ssize_t write_then;      /* but says this */
	unsigned writes, shutdowns, closes;
} peer;

static ssize_t fake_read(struct transport *t, void *buf, size_t len)
{
	size_t n = peer.len - peer.at;

	cr_assert_eq(t->fd, FD);
	cr_assert_gt(len, 0, "a read of nothing would look like the end");
	if (n == 0)
		return peer.then;
	if (n > peer.chunk)
		n = peer.chunk;
	if (n > len)
		n = len;
	memcpy(buf, peer.says + peer.at, n);
	peer.at += n;
	return (ssize_t)n;
}

static ssize_t fake_write(struct transport *t, const void *buf, size_t n)
{
	cr_assert_eq(t->fd, FD);
	cr_assert_eq(peer.shutdowns, 0, "nothing may follow our FIN");
	peer.writes++;
	if (n > peer.takes)
		n = peer.takes;
	if (n > peer.takes_until - peer.heard_len)
		n = peer.takes_until - peer.heard_len;
	if (n == 0)
		return peer.write_then;
	memcpy(peer.heard + peer.heard_len, buf, n);
	peer.heard_len += n;
	return (ssize_t)n;
}

static void fake_shutdown(struct transport *t)
{
	cr_assert_eq(t->fd, FD);
	peer.shutdowns++;
}

static void fake_close(struct transport *t)
{
	cr_assert_eq(t->fd, FD);
	t->fd = -1;
	peer.closes++;
}

static const struct transport_ops fake_ops = {
	.read = fake_read,
	.write = fake_write,
	.shutdown = fake_shutdown,
	.close = fake_close,
};

static void begin(struct half_open *h, const char *says, size_t len, size_t chunk)
{
	const struct net_addr addr = {.family = 4, .port = 99};

	memset(h, 0, sizeof(*h));
	half_open_init(h, FD, &addr);
	h->transport.ops = &fake_ops;
	peer = (struct peer){.says = says,
	                     .len = len,
	                     .chunk = chunk,
	                     .then = NOT_NOW,
	                     .takes = ENDLESS,
	                     .takes_until = ENDLESS,
	                     .write_then = NOT_NOW};
}

static void end(struct half_open *h)
{
	half_open_fini(h);
	cr_assert_eq(peer.closes, 1);
	cr_assert_eq(heap_blocks(), 0);
}

/* ---- reading ---- */

/* Whatever the size of the reads, and with frames behind the head already. */
Test(half_open, a_request_is_complete_at_its_last_byte)
{
	static const char with_rest[] = "GET /ws HTTP/1.1\r\nHost: a\r\n\r\n\x81\x80 frame";
	const size_t head_len = sizeof(with_rest) - 1 - 8;

	for (size_t chunk = 1; chunk <= sizeof(with_rest); chunk++) {
		struct half_open h;
		enum half_open_event ev;
		size_t reads = 0;

		begin(&h, with_rest, sizeof(with_rest) - 1, chunk);
		cr_assert_null(h.in, "an idle one holds no buffer");
		cr_assert_eq(half_open_interest(&h), OS_READ);
		while ((ev = half_open_read(&h, MAX_HEAD)) == HALF_OPEN_WAIT)
			reads++;
		cr_assert_eq(ev, HALF_OPEN_DECIDE);
		cr_assert_eq(reads, (head_len - 1) / chunk, "chunk %zu", chunk);
		cr_assert_eq(h.request.fault, HTTP_OK);
		cr_assert_eq(h.request.head_len, head_len);
		cr_assert_eq(h.in_len, peer.at);
		cr_assert_eq(memcmp(h.in, with_rest, h.in_len), 0);
		cr_assert_eq(h.peer.port, 99);
		end(&h);
	}
}

Test(half_open, nothing_yet)
{
	struct half_open h;

	begin(&h, request, 10, 10);
	cr_assert_eq(half_open_read(&h, MAX_HEAD), HALF_OPEN_WAIT);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(half_open_read(&h, MAX_HEAD), HALF_OPEN_WAIT);
	cr_assert_eq(h.in_len, 10);
	end(&h);
}

Test(half_open, the_peer_leaves_after_each_byte)
{
	static const ssize_t ends[] = {0, -ECONNRESET, -ETIMEDOUT, -EPIPE};

	for (size_t len = 0; len < sizeof(request) - 1; len++)
		for (size_t e = 0; e < ARRAY_LEN(ends); e++) {
			struct half_open h;

			begin(&h, request, len, ENDLESS);
			peer.then = ends[e];
			if (len > 0)
				cr_assert_eq(half_open_read(&h, MAX_HEAD), HALF_OPEN_WAIT);
			cr_assert_eq(half_open_read(&h, MAX_HEAD), HALF_OPEN_GONE);
			end(&h);
		}
}

Test(half_open, a_fault_is_decided_at_its_byte)
{
	struct half_open h;

	begin(&h, "GET /ws HTTP/1.1\n and more", 26, 1);
	for (int i = 0; i < 16; i++)
		cr_assert_eq(half_open_read(&h, MAX_HEAD), HALF_OPEN_WAIT);
	cr_assert_eq(half_open_read(&h, MAX_HEAD), HALF_OPEN_DECIDE);
	cr_assert_eq(h.request.fault, HTTP_BARE_LF);
	cr_assert_eq(peer.at, 17);
	end(&h);
}

/* A head of @len bytes. */
static char *long_head(size_t len)
{
	static char text[64 * 1024];
	const size_t front = strlen("GET / HTTP/1.1\r\nHost: a\r\nX: ");

	strcpy(text, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
	memset(text + front, 'x', len - front - 4);
	memcpy(text + len - 4, "\r\n\r\n", 4);
	return text;
}

Test(half_open, the_limit_of_a_head_is_exact)
{
	static const size_t limits[] = {1024, 1500, 2048, 16384};
	static const size_t chunks[] = {1, 1000, ENDLESS};

	for (size_t l = 0; l < ARRAY_LEN(limits); l++)
		for (size_t c = 0; c < ARRAY_LEN(chunks); c++)
			for (size_t len = limits[l] - 1; len <= limits[l] + 2; len++) {
				const bool fits = len <= limits[l];
				enum half_open_event ev;
				struct half_open h;

				begin(&h, long_head(len), len, chunks[c]);
				while ((ev = half_open_read(&h, (uint32_t)limits[l])) ==
				       HALF_OPEN_WAIT)
					cr_assert_leq(h.in_cap, limits[l]);
				cr_assert_eq(ev, HALF_OPEN_DECIDE);
				cr_assert_eq(h.request.fault, fits ? HTTP_OK : HTTP_HEAD_TOO_LARGE,
				             "%zu of %zu by %zu", len, limits[l], chunks[c]);
				end(&h);
			}
}

/* Otherwise the socket would stay readable and nobody would read it. */
Test(half_open, a_limit_that_was_lowered_meanwhile_decides)
{
	for (size_t had = 1; had <= 4000; had += 37) {
		struct half_open h;
		enum half_open_event ev = HALF_OPEN_WAIT;

		begin(&h, long_head(8000), 8000, had);
		cr_assert_eq(half_open_read(&h, 16384), HALF_OPEN_WAIT);
		for (int i = 0; i < 5000 && ev == HALF_OPEN_WAIT; i++)
			ev = half_open_read(&h, 1024);
		cr_assert_eq(ev, HALF_OPEN_DECIDE, "%zu", had);
		cr_assert_eq(h.request.fault, HTTP_HEAD_TOO_LARGE);
		cr_assert_leq(peer.at, 1024 + had);
		end(&h);
	}
}

Test(half_open, memory_for_the_head_may_be_refused)
{
	for (unsigned n = 1; n <= 3; n++) {
		enum half_open_event ev;
		struct half_open h;

		begin(&h, long_head(4000), 4000, 500);
		heap_fail_at(n);
		while ((ev = half_open_read(&h, MAX_HEAD)) == HALF_OPEN_WAIT)
			;
		cr_assert_eq(ev, HALF_OPEN_NOMEM);
		end(&h);
	}
}

/* ---- answering ---- */

#define HEAD "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
#define BODY "hello"

static void read_request(struct half_open *h)
{
	begin(h, request, sizeof(request) - 1, ENDLESS);
	cr_assert_eq(half_open_read(h, MAX_HEAD), HALF_OPEN_DECIDE);
}

static enum half_open_event answer(struct half_open *h)
{
	return half_open_answer(h, HEAD, sizeof(HEAD) - 1, BODY, sizeof(BODY) - 1);
}

Test(half_open, an_answer_leaves_whole_in_any_pieces)
{
	for (size_t takes = 1; takes <= sizeof(HEAD BODY); takes++) {
		struct half_open h;

		read_request(&h);
		peer.takes = takes;
		cr_assert_eq(answer(&h), HALF_OPEN_WAIT);
		cr_assert_null(h.in, "the request's memory is not kept");
		while (h.state == HALF_OPEN_ANSWERING) {
			cr_assert(half_open_interest(&h) & OS_WRITE);
			cr_assert_eq(peer.shutdowns, 0);
			cr_assert_eq(half_open_write(&h), HALF_OPEN_WAIT);
		}
		cr_assert_eq(h.state, HALF_OPEN_LINGERING);
		cr_assert_eq(peer.heard_len, sizeof(HEAD BODY) - 1);
		cr_assert_eq(memcmp(peer.heard, HEAD BODY, peer.heard_len), 0);
		cr_assert_eq(peer.shutdowns, 1);
		cr_assert_eq(half_open_interest(&h), OS_READ);
		cr_assert_eq(peer.writes, (sizeof(HEAD BODY) - 2 + takes) / takes);
		end(&h);
	}
}

Test(half_open, an_answer_without_a_body)
{
	struct half_open h;

	read_request(&h);
	cr_assert_eq(half_open_answer(&h, HEAD, sizeof(HEAD) - 1, NULL, 0), HALF_OPEN_WAIT);
	cr_assert_eq(peer.heard_len, sizeof(HEAD) - 1);
	cr_assert_eq(h.state, HALF_OPEN_LINGERING);
	end(&h);
}

/* What the peer still sends is thrown away, so that closing does not reset the answer. */
Test(half_open, lingers_until_the_peer_ends)
{
	static const ssize_t ends[] = {0, -ECONNRESET};

	for (size_t e = 0; e < ARRAY_LEN(ends); e++) {
		static char more[20000];
		struct half_open h;

		read_request(&h);
		cr_assert_eq(answer(&h), HALF_OPEN_WAIT);
		peer.says = more;
		peer.at = 0;
		peer.len = sizeof(more);
		while (peer.at < peer.len)
			cr_assert_eq(half_open_read(&h, MAX_HEAD), HALF_OPEN_WAIT);
		cr_assert_eq(half_open_read(&h, MAX_HEAD), HALF_OPEN_WAIT, "not now");
		cr_assert_eq(half_open_write(&h), HALF_OPEN_WAIT, "nothing is left to write");
		peer.then = ends[e];
		cr_assert_eq(half_open_read(&h, MAX_HEAD), HALF_OPEN_DONE);
		cr_assert_eq(peer.shutdowns, 1);
		cr_assert_eq(peer.writes, 1);
		end(&h);
	}
}

/* A client may close its own half behind the request: the answer still goes to it. */
Test(half_open, while_answering_the_peer_is_not_listened_to)
{
	struct half_open h;

	read_request(&h);
	peer.takes_until = 3;
	cr_assert_eq(answer(&h), HALF_OPEN_WAIT);
	cr_assert_eq(half_open_write(&h), HALF_OPEN_WAIT);
	cr_assert_eq(h.state, HALF_OPEN_ANSWERING);
	cr_assert_eq(half_open_interest(&h), OS_WRITE);
	peer.takes_until = ENDLESS;
	cr_assert_eq(half_open_write(&h), HALF_OPEN_WAIT);
	cr_assert_eq(h.state, HALF_OPEN_LINGERING);
	end(&h);
}

Test(half_open, the_peer_leaves_during_the_answer)
{
	for (size_t until = 0; until < sizeof(HEAD BODY) - 1; until++) {
		enum half_open_event ev;
		struct half_open h;

		read_request(&h);
		peer.takes_until = until;
		peer.write_then = -EPIPE;
		ev = answer(&h);
		while (ev == HALF_OPEN_WAIT && h.state == HALF_OPEN_ANSWERING)
			ev = half_open_write(&h);
		cr_assert_eq(ev, HALF_OPEN_GONE);
		cr_assert_eq(peer.shutdowns, 0);
		end(&h);
	}
}

Test(half_open, without_memory_nothing_is_said)
{
	struct half_open h;

	read_request(&h);
	heap_fail_at(1);
	cr_assert_eq(answer(&h), HALF_OPEN_NOMEM);
	cr_assert_eq(h.state, HALF_OPEN_READING);
	cr_assert_eq(peer.writes, 0);
	end(&h);
}

/* ---- the end ---- */

Test(half_open, a_socket_that_was_handed_off_stays_open)
{
	struct half_open h;
	struct list all;

	list_init(&all);
	read_request(&h);
	list_append(&all, &h.by_age);
	h.transport.fd = -1;
	half_open_fini(&h);
	cr_assert_eq(peer.closes, 0);
	cr_assert(list_empty(&all));
	cr_assert_eq(heap_blocks(), 0);
}
