/* How much one turn reads from a connection, where to, and that large messages are not moved. */
#include "worker/input.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "bed.h"
#include "ws/frame.h"

#define MIB 1048576

static struct bed b;

/* What the peers say, each the same, and what they have got. */
static struct {
	uint8_t *bytes;
	size_t len, at;
	unsigned n_reads;
	size_t asked[100];
} peer;
static struct {
	uint8_t *bytes;
	size_t len;
	size_t room; /* of the kernel */
} got;

static ssize_t read_peer(struct transport *t, void *buf, size_t len)
{
	const size_t left = peer.len - peer.at, n = len < left ? len : left;

	(void)t;
	cr_assert_lt(peer.n_reads, ARRAY_LEN(peer.asked));
	peer.asked[peer.n_reads++] = len;
	if (n == 0)
		return -EAGAIN;
	memcpy(buf, peer.bytes + peer.at, n);
	peer.at += n;
	return (ssize_t)n;
}

static ssize_t write_peer(struct transport *t, const void *buf, size_t len)
{
	const size_t n = len < got.room ? len : got.room;

	(void)t;
	if (n == 0)
		return -EAGAIN;
	memcpy(got.bytes + got.len, buf, n);
	got.len += n;
	got.room -= n;
	return (ssize_t)n;
}

static ssize_t writev_peer(struct transport *t, const struct iovec *iov, int n)
{
	ssize_t all = 0;

	for (int i = 0; i < n && got.room > 0; i++)
		all += write_peer(t, iov[i].iov_base, iov[i].iov_len);
	return all > 0 ? all : -EAGAIN;
}

static void say(const void *payload, size_t len)
{
	static const uint8_t key[4] = {0};

	peer.len += ws_frame_encode(peer.bytes + peer.len, WS_BINARY, true, len, key);
	memcpy(peer.bytes + peer.len, payload, len);
	peer.len += len;
}

static struct conn *begin(void) ON_WORKER;
static struct conn *begin(void)
{
	static struct transport_ops scripted;
	uint32_t index = 0;

	bed_begin(&b, 1);
	bed_open(&b, 2);
	scripted = *bed_first(&b)->transport.ops;
	scripted.read = read_peer;
	scripted.write = write_peer;
	scripted.writev = writev_peer;
	for (struct conn *c; (c = slab_next(&b.w->conns, &index)) != NULL;)
		c->transport.ops = &scripted;
	peer.bytes = malloc(16 * MIB);
	got.bytes = malloc(16 * MIB);
	got.room = SIZE_MAX;
	cr_assert(peer.bytes != NULL && got.bytes != NULL);
	b.w->extra_bytes = WORKER_EXTRA_BYTES;
	return bed_first(&b);
}

static void end(void) ON_WORKER;
static void end(void)
{
	uint32_t index = 0;

	for (struct conn *c; (c = slab_next(&b.w->conns, &index)) != NULL;)
		conn_abort(b.w, c, CLOSE_STOP);
	conn_reap(b.w);
	bed_end(&b);
	free(peer.bytes);
	free(got.bytes);
}

static uint8_t *noise(size_t len)
{
	uint8_t *const bytes = malloc(len);

	cr_assert_not_null(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 31 + i / 251);
	return bytes;
}

/* Few reads, most of them to where it is assembled; and what was assembled is what is sent. */
Test(reading, a_large_message_is_not_moved)
{
	uint8_t *const payload = noise(MIB);
	uint8_t header[WS_MAX_HEADER];
	struct conn *c;
	size_t n;

	role_enter(&role_worker);
	c = begin();
	say(payload, MIB);
	input_readable(b.w, c);
	cr_assert_leq(peer.n_reads, 4);
	cr_assert_eq(peer.asked[0], WORKER_READ_BYTES);
	cr_assert_eq(peer.at, peer.len);
	cr_assert_eq(c->messages_in, 1);
	n = ws_frame_encode(header, WS_BINARY, true, MIB, NULL);
	cr_assert_eq(got.len, n + MIB);
	cr_assert_eq(memcmp(got.bytes, header, n), 0);
	cr_assert_eq(memcmp(got.bytes + n, payload, MIB), 0);
	cr_assert_eq(stats_get(b.stats, STAT_MESSAGE_ALLOCS), 0);
	cr_assert_eq(ws_receiver_held(&c->rx), 0);
	end();
	free(payload);
}

/* Its reply is behind those to what came before it, and in front of what comes after. */
Test(reading, the_order_of_replies)
{
	uint8_t *const payload = noise(100000);
	size_t at = 0;
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	for (unsigned i = 0; i < 20; i++)
		say(payload, i % 4 == 3 ? 100000 : i);
	for (unsigned i = 0; peer.at < peer.len; i++) {
		cr_assert_lt(i, 100);
		input_readable(b.w, c);
	}
	for (unsigned i = 0; i < 20; i++) {
		const size_t len = i % 4 == 3 ? 100000 : i;
		uint8_t header[WS_MAX_HEADER];
		const size_t n = ws_frame_encode(header, WS_BINARY, true, len, NULL);

		cr_assert_eq(memcmp(got.bytes + at, header, n), 0, "%u", i);
		cr_assert_eq(memcmp(got.bytes + at + n, payload, len), 0, "%u", i);
		at += n + len;
	}
	cr_assert_eq(got.len, at);
	end();
	free(payload);
}

/* The answer to what came in the midst of a large message is in front of the message. */
Test(reading, a_pong_before_the_message_it_interrupted)
{
	static const uint8_t ping_and_end[] = {0x89, 0x81, 0, 0, 0, 0, 'x', 0x80, 0x80, 0, 0, 0, 0};
	uint8_t *const payload = noise(5000);

	role_enter(&role_worker);
	struct conn *const c = begin();

	say(payload, 5000);
	peer.bytes[0] = 0x02; /* not the last frame */
	input_readable(b.w, c);
	memcpy(peer.bytes + peer.len, ping_and_end, sizeof(ping_and_end));
	peer.len += sizeof(ping_and_end);
	input_readable(b.w, c);
	cr_assert_eq(got.len, 3 + 4 + 5000);
	cr_assert_eq(memcmp(got.bytes, "\x8a\x01x\x82\x7e", 5), 0);
	end();
	free(payload);
}

/* A peer waits for the answer: to ask for more would be a call in vain. */
Test(reading, stops_at_the_end_of_a_large_message)
{
	uint8_t *const payload = noise(MIB);
	unsigned n_reads;
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	say(payload, 200000);
	input_readable(b.w, c);
	cr_assert_eq(c->messages_in, 1);
	n_reads = peer.n_reads;
	cr_assert_eq(stats_get(b.stats, STAT_READS), n_reads);
	say(payload, 10);
	cr_assert_eq(peer.asked[n_reads - 1], 200000 + WS_MAX_HEADER - WORKER_READ_BYTES);
	input_readable(b.w, c);
	cr_assert_eq(peer.n_reads, n_reads + 1);
	cr_assert_eq(c->messages_in, 2);
	end();
	free(payload);
}

/* Who has more to say than a read takes is read again, as long as the turn has something left; the
 * next one has his share all the same. */
Test(reading, more_than_the_share_is_the_turns)
{
	uint8_t *const payload = noise(1000);
	struct conn *first, *second;
	uint32_t index = 0;

	role_enter(&role_worker);
	first = begin();
	while (slab_next(&b.w->conns, &index) != first)
		;
	second = slab_next(&b.w->conns, &index);
	while (peer.len < 8 * MIB)
		say(payload, 1000);
	input_readable(b.w, first);
	cr_assert_eq(peer.at, WORKER_READ_BYTES + WORKER_EXTRA_BYTES);
	peer.at = 0;
	input_readable(b.w, second);
	cr_assert_eq(peer.at, WORKER_READ_BYTES);
	cr_assert_eq(b.w->extra_bytes, 0);
	end();
	free(payload);
}

/* The same for large messages; each turn has it anew. */
Test(reading, a_turn_bounds_large_messages)
{
	uint8_t *const payload = noise(MIB);
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	b.w->extra_bytes = 100000;
	say(payload, MIB);
	input_readable(b.w, c);
	cr_assert_eq(peer.at, WORKER_READ_BYTES + 100000);
	cr_assert_eq(b.w->extra_bytes, 0);
	input_readable(b.w, c);
	cr_assert_eq(peer.at, 2 * WORKER_READ_BYTES + 100000);
	cr_assert(worker_turn(b.w));
	cr_assert_eq(b.w->extra_bytes, WORKER_EXTRA_BYTES);
	end();
	free(payload);
}

/* Replies that wait are bounded by one read, and not by what a turn may read. */
Test(reading, who_does_not_read_is_not_read_on)
{
	uint8_t *const payload = noise(1000);
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	b.w->view.limits.send_queue_bytes = 2 * 1000;
	got.room = 0;
	while (peer.len < MIB)
		say(payload, 1000);
	input_readable(b.w, c);
	cr_assert(c->paused);
	cr_assert_eq(peer.at, WORKER_READ_BYTES);
	end();
	free(payload);
}
