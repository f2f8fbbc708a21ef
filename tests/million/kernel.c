/* Sockets in an array, pongs in a ring of milliseconds, what is ready in a queue. */
#include "kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/clock.h"
#include "base/macros.h"
#include "os/os.h"

#define FIRST_FD   16 /* below: polls and wakes */
#define RING_MS    256
#define LEAST_RTT  1 /* of a peer [ms] ... */
#define RTT_SPREAD 200
#define PING_BYTES 10 /* header, and a payload of eight */
#define NOBODY     UINT32_MAX

struct socket {
	uint64_t token;  /* of the poll */
	uint8_t ping[8]; /* payload of the last one */
	uint32_t next;   /* of those whose pong arrives at the same time */
	bool is_open, has_pong, has_left, is_queued;
};

static struct {
	struct socket *sockets;
	uint32_t *ready; /* a ring of sockets, each in it once */
	uint32_t n, cap;
	uint32_t ready_at, n_ready;
	uint32_t arriving[RING_MS];
	uint32_t n_arriving;
	uint64_t now_us, arrived_ms, wake_us;
	uint64_t pings, wake_token;
	uint64_t chance;
	struct kernel_clocks woken_at;
	int wake; /* the one that is watched */
	bool woken;
	uint32_t n_others;
} k;

static void *mapped(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("million");
		exit(1);
	}
	return p;
}

void kernel_begin(uint32_t sockets)
{
	k.sockets = mapped(sockets * sizeof(*k.sockets));
	k.ready = mapped(sockets * sizeof(*k.ready));
	k.cap = sockets;
	k.now_us = UINT64_C(3600) * 1000000;
	k.arrived_ms = k.now_us / US_PER_MS;
	k.wake_us = UINT64_MAX;
	k.chance = 88172645463325252;
	for (int i = 0; i < RING_MS; i++)
		k.arriving[i] = NOBODY;
}

static uint64_t chance(void)
{
	k.chance ^= k.chance << 13;
	k.chance ^= k.chance >> 7;
	k.chance ^= k.chance << 17;
	return k.chance;
}

static struct socket *socket_of(int fd)
{
	struct socket *s = &k.sockets[fd - FIRST_FD];

	ASSERT(fd >= FIRST_FD && (uint32_t)(fd - FIRST_FD) < k.n && s->is_open);
	return s;
}

static void make_ready(struct socket *s)
{
	if (s->is_queued)
		return;
	s->is_queued = true;
	k.ready[(k.ready_at + k.n_ready++) % k.cap] = (uint32_t)(s - k.sockets);
}

int kernel_connect(void)
{
	ASSERT(k.n < k.cap);
	k.sockets[k.n] = (struct socket){.is_open = true};
	return FIRST_FD + (int)k.n++;
}

void kernel_leave(uint32_t n)
{
	for (uint32_t i = 0; i < k.n && n > 0; i++) {
		struct socket *s = &k.sockets[i];

		if (!s->is_open || s->has_left)
			continue;
		s->has_left = true;
		make_ready(s);
		n--;
	}
}

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

struct kernel_clocks kernel_clocks(void)
{
	return (struct kernel_clocks){
		.busy_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID),
		.real_ns = clock_ns(CLOCK_MONOTONIC),
	};
}

struct kernel_clocks kernel_woken(void)
{
	return k.woken_at;
}

uint64_t kernel_pings(void)
{
	return k.pings;
}

/* ---- time ---- */

uint64_t kernel_now_us(void)
{
	return k.now_us;
}

/* What was on its way until now is there. */
static void arrive(void)
{
	for (; k.arrived_ms < k.now_us / US_PER_MS; k.arrived_ms++) {
		uint32_t *head = &k.arriving[(k.arrived_ms + 1) % RING_MS];

		for (uint32_t i = *head; i != NOBODY; i = k.sockets[i].next) {
			k.n_arriving--;
			if (!k.sockets[i].is_open)
				continue;
			k.sockets[i].has_pong = true;
			make_ready(&k.sockets[i]);
		}
		*head = NOBODY;
	}
}

static void pass_us(uint64_t us)
{
	k.now_us += us;
	arrive();
}

void kernel_wake_at_us(uint64_t us)
{
	k.wake_us = us;
}

/* Sleep until something arrives, a millisecond at a time. */
static void sleep_until(uint64_t us)
{
	if (k.wake_us < us)
		us = k.wake_us;
	while (k.n_ready == 0 && !k.woken && k.now_us < us) {
		const uint64_t next = (k.now_us / US_PER_MS + 1) * US_PER_MS;

		pass_us((k.n_arriving > 0 && next < us ? next : us) - k.now_us);
	}
}

uint64_t os_now_us(void)
{
	return k.now_us;
}

uint64_t os_now_ms(void)
{
	return k.now_us / US_PER_MS;
}

uint64_t os_wall_ms(void)
{
	return os_now_ms();
}

void os_random(void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)chance();
}

/* ---- sockets ---- */

static ssize_t read_pong(struct socket *s, uint8_t *buf)
{
	const uint8_t head[] = {0x8A, 0x80 | sizeof(s->ping), 0, 0, 0, 0}; /* a mask of zeroes */

	s->has_pong = false;
	memcpy(buf, head, sizeof(head));
	memcpy(buf + sizeof(head), s->ping, sizeof(s->ping));
	return sizeof(head) + sizeof(s->ping);
}

ssize_t os_read(int fd, void *buf, size_t len)
{
	struct socket *s = socket_of(fd);

	ASSERT(len >= 2 * PING_BYTES);
	if (s->has_pong) {
		if (s->has_left)
			make_ready(s);
		return read_pong(s, buf);
	}
	return s->has_left ? 0 : -EAGAIN;
}

/* A ping, alone in its write; all else is taken and means nothing. */
ssize_t os_write(int fd, const void *buf, size_t len)
{
	struct socket *s = socket_of(fd);
	const uint8_t *bytes = buf;

	if (len == PING_BYTES && bytes[0] == 0x89) {
		const uint64_t at = k.now_us / US_PER_MS + LEAST_RTT + chance() % RTT_SPREAD;

		memcpy(s->ping, bytes + 2, sizeof(s->ping));
		s->next = k.arriving[at % RING_MS];
		k.arriving[at % RING_MS] = (uint32_t)(s - k.sockets);
		k.n_arriving++;
		k.pings++;
	}
	return (ssize_t)len;
}

ssize_t os_writev(int fd, const struct iovec *iov, int n)
{
	ssize_t sum = 0;

	(void)socket_of(fd);
	for (int i = 0; i < n; i++)
		sum += (ssize_t)iov[i].iov_len;
	return sum;
}

void os_shutdown_write(int fd)
{
	(void)socket_of(fd);
}

void os_reset_on_close(int fd)
{
	(void)socket_of(fd);
}

void os_close(int fd)
{
	if (fd >= FIRST_FD)
		socket_of(fd)->is_open = false;
}

int os_tcp_info(int fd, struct os_tcp_info *ret)
{
	(void)fd;
	(void)ret;
	return -EOPNOTSUPP;
}

/* ---- readiness ---- */

static int other(void)
{
	ASSERT(k.n_others < FIRST_FD - 3);
	return 3 + (int)k.n_others++;
}

int os_poll_new(void)
{
	return other();
}

int os_poll_add(int poll, int fd, uint32_t events, uint64_t token)
{
	(void)poll;
	(void)events;
	if (fd < FIRST_FD) {
		k.wake = fd;
		k.wake_token = token;
		return 0;
	}
	socket_of(fd)->token = token;
	return 0;
}

int os_poll_change(int poll, int fd, uint32_t events, uint64_t token)
{
	return os_poll_add(poll, fd, events, token);
}

void os_poll_remove(int poll, int fd)
{
	(void)poll;
	(void)fd;
}

int os_poll_wait(int poll, struct os_event *events, int max, uint32_t timeout_ms)
{
	int n = 0;

	(void)poll;
	sleep_until(k.now_us + timeout_ms * UINT64_C(1000));
	if (k.woken)
		events[n++] = (struct os_event){.events = OS_READ, .token = k.wake_token};
	for (; n < max && k.n_ready > 0; k.n_ready--) {
		struct socket *s = &k.sockets[k.ready[k.ready_at]];

		k.ready_at = (k.ready_at + 1) % k.cap;
		s->is_queued = false;
		if (s->is_open)
			events[n++] = (struct os_event){.events = OS_READ, .token = s->token};
	}
	k.woken_at = kernel_clocks();
	return n;
}

int os_wake_new(void)
{
	return other();
}

void os_wake(int fd)
{
	k.woken |= fd == k.wake;
}

void os_wake_clear(int fd)
{
	if (fd == k.wake)
		k.woken = false;
}

/* ---- the process ---- */

bool os_write_stderr(const char *text, size_t len)
{
	(void)text;
	(void)len;
	return true;
}

void os_memory_trim_thread(void)
{
}
