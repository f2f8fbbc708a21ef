/* The Linux side of the seam. */
#include "os/os.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static_assert(OS_READ == EPOLLIN && OS_WRITE == EPOLLOUT, "events are passed through");
static_assert(OS_ERROR == EPOLLERR && OS_HANGUP == EPOLLHUP, "events are passed through");

/* ---- time and chance ---- */

static uint64_t clock_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t os_now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

uint64_t os_now_ms(void)
{
	return clock_us(CLOCK_MONOTONIC) / 1000;
}

uint64_t os_wall_ms(void)
{
	return clock_us(CLOCK_REALTIME) / 1000;
}

void os_random(void *buf, size_t len)
{
	char *p = buf;

	while (len > 0) {
		const ssize_t n = getrandom(p, len, 0);

		ASSERT(n > 0 || errno == EINTR);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
}

/* ---- sockets ---- */

union sockaddr_any {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un un;
};

static socklen_t to_sockaddr(const struct net_addr *a, union sockaddr_any *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (a->family == 6) {
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_port = htons(a->port);
		memcpy(&ret->v6.sin6_addr, a->ip, 16);
		return sizeof(ret->v6);
	}
	ret->v4.sin_family = AF_INET;
	ret->v4.sin_port = htons(a->port);
	memcpy(&ret->v4.sin_addr, a->ip, 4);
	return sizeof(ret->v4);
}

static void from_sockaddr(const union sockaddr_any *sa, struct net_addr *ret)
{
	*ret = (struct net_addr){0};
	if (sa->any.sa_family == AF_INET6) {
		ret->family = 6;
		ret->port = ntohs(sa->v6.sin6_port);
		memcpy(ret->ip, &sa->v6.sin6_addr, 16);
	} else if (sa->any.sa_family == AF_INET) {
		ret->family = 4;
		ret->port = ntohs(sa->v4.sin_port);
		memcpy(ret->ip, &sa->v4.sin_addr, 4);
	}
}

static void set_option(int fd, int level, int name, int value)
{
	/* Refusal is harmless for every option set here: they tune, they do not decide. */
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

int os_listen_tcp(const struct net_addr *addr, int backlog, int *ret_fd, struct net_addr *ret_bound)
{
	union sockaddr_any sa;
	socklen_t len = to_sockaddr(addr, &sa);
	const int fd = socket(sa.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (addr->family == 6)
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (bind(fd, &sa.any, len) < 0 || listen(fd, backlog) < 0)
		goto fail_fd;
	len = sizeof(sa);
	if (getsockname(fd, &sa.any, &len) < 0)
		goto fail_fd;
	from_sockaddr(&sa, ret_bound);
	*ret_fd = fd;
	return 0;

fail_fd:
	err = -errno;
	close(fd);
	return err;
}

static int unix_address(const char *path, union sockaddr_any *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->un.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(ret->un.sun_path))
		return -ENAMETOOLONG;
	memcpy(ret->un.sun_path, path, strlen(path));
	return 0;
}

/* A socket file outlives its process; only a refused connection proves that nobody is there. */
static bool somebody_listens(const union sockaddr_any *sa)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return true;
	const int rc = connect(fd, &sa->any, sizeof(sa->un));
	const bool refused = rc < 0 && (errno == ECONNREFUSED || errno == ENOENT);

	close(fd);
	return !refused;
}

static int make_parent(const char *path)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash == NULL || slash == dir)
		return 0;
	*slash = '\0';
	return mkdir(dir, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int os_listen_unix(const char *path, int *ret_fd)
{
	union sockaddr_any sa;
	int err = unix_address(path, &sa);
	struct stat st;

	if (err == 0)
		err = make_parent(path);
	if (err < 0)
		return err;
	if (lstat(path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			return -EEXIST;
		if (somebody_listens(&sa))
			return -EADDRINUSE;
		unlink(path);
	}

	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	const mode_t before = umask(0177);
	const int rc = bind(fd, &sa.any, sizeof(sa.un));

	err = -errno;
	umask(before);
	if (rc < 0 || listen(fd, 64) < 0) {
		if (rc == 0)
			err = -errno;
		close(fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

void os_unlink(const char *path)
{
	unlink(path);
}

int os_accept(int listener, struct net_addr *ret_peer)
{
	union sockaddr_any sa = {0};
	socklen_t len = sizeof(sa);
	const int fd = accept4(listener, &sa.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return -errno;
	from_sockaddr(&sa, ret_peer);
	if (ret_peer->family != 0)
		set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	return fd;
}

int os_peer_uid(int fd, uint32_t *ret_uid)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	*ret_uid = cred.uid;
	return 0;
}

uint32_t os_uid(void)
{
	return geteuid();
}

int os_connect_tcp(const struct net_addr *to, const struct net_addr *from, int *ret_fd)
{
	union sockaddr_any sa;
	socklen_t len = to_sockaddr(to, &sa);
	const int fd = socket(sa.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (from != NULL) {
		union sockaddr_any local;
		const socklen_t local_len = to_sockaddr(from, &local);

		/* The port is chosen at connect, per destination: far more of them fit. */
		set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
		if (bind(fd, &local.any, local_len) < 0)
			goto fail_fd;
	}
	if (connect(fd, &sa.any, len) < 0 && errno != EINPROGRESS)
		goto fail_fd;
	*ret_fd = fd;
	return 0;

fail_fd:
	err = -errno;
	close(fd);
	return err;
}

int os_socket_error(int fd)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		return -errno;
	return -err;
}

ssize_t os_read(int fd, void *buf, size_t len)
{
	ssize_t n;

	do
		n = recv(fd, buf, len, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t os_writev(int fd, const struct iovec *iov, int n)
{
	ssize_t sent;

	/* send() spares the kernel the iovec; sendmsg() because writev() would raise SIGPIPE. */
	const struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n};
	do
		sent = n == 1 ? send(fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL)
		              : sendmsg(fd, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

void os_shutdown_write(int fd)
{
	shutdown(fd, SHUT_WR);
}

void os_close(int fd)
{
	close(fd);
}

void os_reset_on_close(int fd)
{
	const struct linger now = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

/* ---- readiness ---- */

int os_poll_new(void)
{
	const int fd = epoll_create1(EPOLL_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int poll_ctl(int poll, int op, int fd, uint32_t events, uint64_t token)
{
	struct epoll_event ev = {.events = events, .data.u64 = token};

	return epoll_ctl(poll, op, fd, &ev) < 0 ? -errno : 0;
}

int os_poll_add(int poll, int fd, uint32_t events, uint64_t token)
{
	return poll_ctl(poll, EPOLL_CTL_ADD, fd, events, token);
}

int os_poll_change(int poll, int fd, uint32_t events, uint64_t token)
{
	return poll_ctl(poll, EPOLL_CTL_MOD, fd, events, token);
}

void os_poll_remove(int poll, int fd)
{
	(void)poll_ctl(poll, EPOLL_CTL_DEL, fd, 0, 0); /* fails only if it was not there */
}

int os_poll_wait(int poll, struct os_event *events, int max, uint32_t timeout_ms)
{
	struct epoll_event raw[512];
	const int want = max < (int)ARRAY_LEN(raw) ? max : (int)ARRAY_LEN(raw);
	int n = epoll_wait(poll, raw, want, (int)timeout_ms);

	/* Interrupted, as by SIGCONT after a stop: what came meanwhile counts before any timer. */
	if (n < 0)
		n = epoll_wait(poll, raw, want, 0);
	for (int i = 0; i < n; i++)
		events[i] = (struct os_event){.events = raw[i].events, .token = raw[i].data.u64};
	return n < 0 ? 0 : n;
}

/* ---- threads ---- */

int os_wake_new(void)
{
	const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

void os_wake(int fd)
{
	const uint64_t one = 1;

	/* Fails only when the counter is full, and then it is readable already. */
	(void)!write(fd, &one, sizeof(one));
}

void os_wake_clear(int fd)
{
	uint64_t count;

	(void)!read(fd, &count, sizeof(count));
}

int os_thread_start(struct os_thread *t, const char *name, void *(*body)(void *), void *arg)
{
	pthread_t thread;
	const int err = pthread_create(&thread, NULL, body, arg);

	if (err != 0)
		return -err;
	pthread_setname_np(thread, name);
	t->handle = (uint64_t)thread;
	return 0;
}

void os_thread_join(struct os_thread *t)
{
	pthread_join((pthread_t)t->handle, NULL);
}

/* ---- the process ---- */

int os_signals_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);

	const int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

enum os_signal os_signal_read(int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return OS_SIGNAL_NONE;
	return info.ssi_signo == SIGHUP ? OS_SIGNAL_RELOAD : OS_SIGNAL_STOP;
}

uint32_t os_raise_fd_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return 0;
	r.rlim_cur = r.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &r);
	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return 0;
	return r.rlim_cur > UINT32_MAX ? UINT32_MAX : (uint32_t)r.rlim_cur;
}

uint32_t os_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (uint32_t)CPU_COUNT(&set);
}

uint64_t os_memory_total(void)
{
	const long pages = sysconf(_SC_PHYS_PAGES);

	return pages > 0 ? (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

uint64_t os_memory_used(void)
{
	unsigned long long total, resident;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL)
		return 0;
	const int n = fscanf(f, "%llu %llu", &total, &resident);

	fclose(f);
	return n == 2 ? resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

void os_exit(int code)
{
	_exit(code);
}

void os_write_stderr(const char *text, size_t len)
{
	(void)!write(STDERR_FILENO, text, len);
}
