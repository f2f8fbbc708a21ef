/* os/os.h in the simulated world: descriptors and sockets. */
#include "os/os.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel.h"
#include "model.h"
#include "world.h"

#define PING_BYTES 10 /* a ping of the server */

static struct file files[KERNEL_FDS];
static uint32_t open_of_kind[FILE_WAKE + 1];
static uint32_t fd_limit;
static bool control_exists;

void kernel_begin(uint32_t limit)
{
	memset(files, 0, sizeof(files));
	memset(open_of_kind, 0, sizeof(open_of_kind));
	fd_limit = limit;
	control_exists = false;
}

void kernel_end(void)
{
	for (int fd = 0; fd < KERNEL_FDS; fd++)
		free(files[fd].backlog);
}

/* ---- descriptors ---- */

struct file *file_get(int fd)
{
	EXPECT(fd >= 0 && fd < KERNEL_FDS && files[fd].kind != FILE_NONE,
	       "descriptor %d is used, but it is not open", fd);
	return &files[fd];
}

struct file *file_of(int fd, enum file_kind kind)
{
	struct file *f = file_get(fd);

	EXPECT(f->kind == kind, "descriptor %d is used as something it is not", fd);
	return f;
}

const struct file *kernel_file(int fd)
{
	return fd < 0 || fd >= KERNEL_FDS || files[fd].kind == FILE_NONE ? NULL : &files[fd];
}

uint32_t kernel_open_files(enum file_kind kind)
{
	return open_of_kind[kind];
}

uint32_t kernel_open_all(void)
{
	uint32_t n = 0;

	for (size_t kind = 0; kind < ARRAY_LEN(open_of_kind); kind++)
		n += open_of_kind[kind];
	return n;
}

bool kernel_control_exists(void)
{
	return control_exists;
}

/* The lowest free number, as everywhere: a stale descriptor soon names somebody else's. */
int file_open(enum file_kind kind)
{
	for (int fd = 3; fd < KERNEL_FDS && (uint32_t)fd < fd_limit; fd++) {
		if (files[fd].kind != FILE_NONE)
			continue;
		files[fd] = (struct file){.kind = kind, .poll = -1};
		open_of_kind[kind]++;
		list_init(&files[fd].ready);
		list_init(&files[fd].ring);
		return fd;
	}
	return -EMFILE;
}

uint32_t os_fd_limit(void)
{
	return fd_limit;
}

/* ---- listening ---- */

static int listen_at(uint16_t port, int *ret_fd)
{
	const int fd = file_open(FILE_LISTENER);

	if (fd < 0)
		return fd;
	files[fd].port = port;
	files[fd].backlog = sim_alloc(KERNEL_BACKLOG * sizeof(struct link *));
	*ret_fd = fd;
	return 0;
}

int os_listen_tcp(const struct net_addr *addr, int backlog, int *ret_fd, struct net_addr *ret_bound)
{
	(void)backlog;
	*ret_bound = *addr;
	return listen_at(addr->port, ret_fd);
}

int os_listen_unix(const char *path, int *ret_fd)
{
	(void)path;
	control_exists = true;
	return listen_at(0, ret_fd);
}

void os_unlink(const char *path)
{
	(void)path;
	control_exists = false;
}

void os_sim_connect(struct link *l, uint16_t port)
{
	for (int fd = 0; fd < KERNEL_FDS; fd++) {
		struct file *f = &files[fd];

		if (f->kind != FILE_LISTENER || f->port != port || f->waiting == KERNEL_BACKLOG)
			continue;
		f->backlog[f->waiting++] = l;
		file_touch(fd);
		return;
	}
	net_server_closed(l, true); /* refused */
}

static struct link *backlog_take(struct file *f)
{
	struct link *l = f->backlog[0];

	memmove(f->backlog, f->backlog + 1, --f->waiting * sizeof(*f->backlog));
	return l;
}

int os_accept(int listener, struct net_addr *ret_peer)
{
	struct file *f = file_of(listener, FILE_LISTENER);
	struct link *l;
	int fd;

	world_mix(f->waiting);
	if (f->waiting == 0)
		return -EAGAIN;
	if (chance(world.faults.accept_full))
		return chance(500) ? -EMFILE : -ENFILE;
	if (chance(world.faults.accept_aborted)) {
		l = backlog_take(f);
		l->hurt = true;
		net_server_closed(l, true);
		return -ECONNABORTED;
	}
	fd = file_open(FILE_SOCKET);
	if (fd < 0)
		return fd;
	l = backlog_take(f);
	l->fd = fd;
	l->accepted_us = world.now_us;
	files[fd].link = l;
	*ret_peer = l->peer;
	TRACE("link %u accepted as %d", l->id, fd);
	return fd;
}

/* Nobody embeds the server here. */
int os_adopt(int fd, struct net_addr *ret_peer)
{
	(void)fd;
	(void)ret_peer;
	return -EACCES;
}

int os_peer_uid(int fd, uint32_t *ret_uid)
{
	(void)file_of(fd, FILE_SOCKET);
	*ret_uid = os_uid();
	return 0;
}

uint32_t os_uid(void)
{
	return 1000;
}

void os_user_name(uint32_t uid, char *dst, size_t size)
{
	snprintf(dst, size, "user%u", uid);
}

/* The server connects to nobody. */
int os_connect_tcp(const struct net_addr *to, const struct net_addr *from, int *ret_fd)
{
	(void)to;
	(void)from;
	(void)ret_fd;
	return -EACCES;
}

int os_socket_error(int fd)
{
	(void)fd;
	return 0;
}

/* ---- sockets ---- */

void os_sim_arrived(struct link *l)
{
	if (l->fd >= 0)
		file_touch(l->fd);
}

void os_bound_buffers(int fd, uint32_t send_bytes, uint32_t receive_bytes)
{
	(void)file_of(fd, FILE_LISTENER);
	(void)send_bytes, (void)receive_bytes; /* what is held is the scenario's */
}

/* Segments are not simulated: whatever did not arrive counts as one, and none is lost. */
int os_tcp_info(int fd, struct os_tcp_info *ret)
{
	enum {
		ESTABLISHED = 1,
		CLOSE = 7,
		CLOSE_WAIT = 8
	};
	const struct link *l = file_of(fd, FILE_SOCKET)->link;

	if (l->peer.family == 0)
		return -EOPNOTSUPP;
	*ret = (struct os_tcp_info){
		.rtt_us = 2 * l->latency_us,
		.unacked = l->down.held > l->down.arrived,
		.last_sent_ms = (uint32_t)((world.now_us - l->down_us) / US_PER_MS),
		.last_received_ms = (uint32_t)((world.now_us - l->up_us) / US_PER_MS),
		.state = l->reset_at_server  ? CLOSE
	                 : l->up.fin_arrived ? CLOSE_WAIT
	                                     : ESTABLISHED,
	};
	return 0;
}

/* The first call after a reset says so, later ones see the end of the stream. */
static bool tell_reset(struct link *l)
{
	const bool first = l->reset_at_server && !l->reset_told;

	l->reset_told |= l->reset_at_server;
	return first;
}

static ssize_t read_some(struct link *l, void *buf, size_t len)
{
	if (tell_reset(l))
		return -ECONNRESET;
	if (l->reset_at_server || pipe_ended(&l->up))
		return 0;
	if (l->up.arrived == 0 || chance(world.faults.again))
		return -EAGAIN;
	if (chance(world.faults.short_read))
		len = chance_between(1, len);

	const uint32_t n = pipe_read(&l->up, buf, len);

	net_up_drained(l);
	return n;
}

ssize_t os_read(int fd, void *buf, size_t len)
{
	struct link *l = file_of(fd, FILE_SOCKET)->link;
	const ssize_t n = read_some(l, buf, len);

	EXPECT(len > 0, "a read of nothing from link %u", l->id);
	world_mix((uint64_t)n ^ (uint64_t)fd << 32);
	TRACE("link %u read %zd of %zu", l->id, n, len);
	return n;
}

/* What fits; @l's peer may have closed, and then it is sent, and lost. */
static ssize_t write_some(struct link *l, const struct iovec *iov, int n_iov, size_t most)
{
	size_t sent = 0;

	for (int i = 0; i < n_iov && sent < most; i++) {
		const size_t left = most - sent;
		const size_t want = iov[i].iov_len < left ? iov[i].iov_len : left;
		const size_t n = l->peer_closed && !l->vanished
		                         ? want
		                         : pipe_write(&l->down, iov[i].iov_base, want);

		world_mix_bytes(iov[i].iov_base, n);
		sent += n;
		if (n < want)
			break;
	}
	if (sent == 0)
		return -EAGAIN;
	net_down(l, (uint32_t)sent, false);
	return (ssize_t)sent;
}

/* How much of @total a write takes at most; 0: it would block. */
static size_t most_of(struct link *l, size_t total)
{
	size_t most = total;

	if (l->written || total > 600) {
		if (chance(world.faults.again))
			most = 0;
		else if (chance(world.faults.short_write))
			most = chance_between(1, total);
	}
	l->written = true;
	if (most < total)
		l->faked_us = world.now_us;
	return most;
}

ssize_t os_writev(int fd, const struct iovec *iov, int n)
{
	struct file *f = file_of(fd, FILE_SOCKET);
	struct link *l = f->link;
	size_t total = 0;
	ssize_t sent;

	for (int i = 0; i < n; i++)
		total += iov[i].iov_len;
	EXPECT(n > 0 && n <= 1024 && total > 0, "a write of nothing to link %u", l->id);
	EXPECT(!f->write_shut, "link %u: a write behind the end of the stream", l->id);
	if (tell_reset(l))
		sent = -ECONNRESET;
	else if (l->reset_at_server)
		sent = -EPIPE;
	else
		sent = write_some(l, iov, n, most_of(l, total));
	if (sent == -EAGAIN || (sent >= 0 && (size_t)sent < total))
		l->blocked_us = world.now_us;
	if (sent > 0)
		l->down_us = world.now_us;
	world_mix((uint64_t)sent ^ (uint64_t)fd << 32);
	TRACE("link %u wrote %zd of %zu", l->id, sent, total);
	if (total == PING_BYTES && chance(300))
		world_freeze(); /* the pong is on its way, and its time runs out */
	return sent;
}

ssize_t os_write(int fd, const void *buf, size_t len)
{
	const struct iovec iov = {.iov_base = (void *)(uintptr_t)buf, .iov_len = len};

	return os_writev(fd, &iov, 1);
}

void os_shutdown_write(int fd)
{
	struct file *f = file_of(fd, FILE_SOCKET);

	world_mix(0x5d ^ (uint64_t)fd << 32);
	TRACE("link %u write side shut", f->link->id);
	if (!f->write_shut && !f->link->reset_at_server)
		net_down(f->link, 0, true);
	f->write_shut = true;
	file_touch(fd);
}

void os_reset_on_close(int fd)
{
	file_of(fd, FILE_SOCKET)->reset_on_close = true;
}

void os_close(int fd)
{
	struct file *f = file_get(fd);

	world_mix(0xc105e ^ (uint64_t)fd << 32);
	poll_forget(fd);
	if (f->kind == FILE_SOCKET) {
		struct link *l = f->link;

		TRACE("link %u closed", l->id);
		l->fd = -1;
		net_server_closed(l, f->reset_on_close || l->up.arrived > 0);
	}
	for (uint32_t i = 0; f->kind == FILE_LISTENER && i < f->waiting; i++)
		net_server_closed(f->backlog[i], true);
	free(f->backlog);
	open_of_kind[f->kind]--;
	*f = (struct file){.kind = FILE_NONE};
}

/* ---- readiness ---- */

uint32_t file_events(const struct file *f)
{
	const struct link *l = f->link;
	uint32_t events = 0;

	switch (f->kind) {
	case FILE_SOCKET:
		if (l->reset_at_server)
			return OS_READ | OS_WRITE | OS_ERROR | OS_HANGUP;
		if (l->up.arrived > 0 || pipe_ended(&l->up))
			events |= OS_READ;
		/* A Unix socket tells at once that its other end is closed, TCP does not know. */
		if (pipe_ended(&l->up) &&
		    (f->write_shut || (l->peer_closed && l->peer.family == 0)))
			events |= OS_HANGUP;
		if (l->peer_closed || pipe_room(&l->down) * 3ull > l->down.cap)
			events |= OS_WRITE;
		return events;
	case FILE_LISTENER:
		return f->waiting > 0 ? OS_READ : 0;
	case FILE_WAKE:
		return f->woken ? OS_READ : 0;
	default:
		return 0;
	}
}
