/* The Linux side of the seam: sockets. */
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"

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
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1); /* accepted sockets inherit it */
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

/* Whoever owns the directory can put a socket of his own in our place. */
static int check_owner(const char *dir)
{
	struct stat link, st;

	if (lstat(dir, &link) < 0 || stat(dir, &st) < 0)
		return -errno;
	if ((link.st_uid != 0 && link.st_uid != geteuid()) ||
	    (st.st_uid != 0 && st.st_uid != geteuid()))
		return WSMD_EFOREIGN;
	return 0;
}

static int make_parent(const char *path)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash == NULL)
		return check_owner(".");
	slash[slash == dir] = '\0'; /* the root keeps its own */
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	return check_owner(dir);
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
	/* Nobody can connect before listen(), and by then the mode is right: the umask of the
	 * process is not ours to change. */
	if (bind(fd, &sa.any, sizeof(sa.un)) == 0) {
		if (chmod(path, 0600) == 0 && listen(fd, 64) == 0) {
			*ret_fd = fd;
			return 0;
		}
		err = -errno;
		unlink(path);
	} else {
		err = -errno;
	}
	close(fd);
	return err;
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
	return fd;
}

int os_adopt(int fd, struct net_addr *ret_peer)
{
	union sockaddr_any sa = {0};
	socklen_t len = sizeof(sa), type_len = sizeof(int);
	int type, flags;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) < 0 ||
	    getpeername(fd, &sa.any, &len) < 0)
		return -errno;
	if (type != SOCK_STREAM)
		return -EPROTOTYPE;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	from_sockaddr(&sa, ret_peer);
	if (ret_peer->family != 0)
		set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	return 0;
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

void os_user_name(uint32_t uid, char *dst, size_t size)
{
	FILE *f = fopen("/etc/passwd", "re");
	char line[1024];
	struct passwd entry, *found;
	int err;

	dst[0] = '\0';
	if (f == NULL)
		return;
	do
		err = fgetpwent_r(f, &entry, line, sizeof(line), &found);
	while (err == 0 && entry.pw_uid != uid);
	if (err == 0)
		snprintf(dst, size, "%s", entry.pw_name);
	fclose(f);
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

void os_bound_buffers(int fd, uint32_t send_bytes, uint32_t receive_bytes)
{
	if (send_bytes > 0)
		set_option(fd, SOL_SOCKET, SO_SNDBUF, (int)send_bytes);
	if (receive_bytes > 0)
		set_option(fd, SOL_SOCKET, SO_RCVBUF, (int)receive_bytes);
}

int os_tcp_info(int fd, struct os_tcp_info *ret)
{
	struct tcp_info info = {0};
	uint32_t memory[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(info), memory_len = sizeof(memory);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return -errno;
	/* Not everywhere where there is TCP: then it stays zero. */
	(void)getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &memory_len);
	*ret = (struct os_tcp_info){
		.rtt_us = info.tcpi_rtt,
		.rttvar_us = info.tcpi_rttvar,
		.retransmits = info.tcpi_total_retrans,
		.unacked = info.tcpi_unacked,
		.lost = info.tcpi_lost,
		.last_sent_ms = info.tcpi_last_data_sent,
		.last_received_ms = info.tcpi_last_data_recv,
		.held = memory[SK_MEMINFO_RMEM_ALLOC] + memory[SK_MEMINFO_WMEM_QUEUED],
		.send_buffer = memory[SK_MEMINFO_SNDBUF],
		.receive_buffer = memory[SK_MEMINFO_RCVBUF],
		.state = info.tcpi_state,
	};
	return 0;
}

/*
 * recv() and send() are points where a thread may be cancelled: in a process with threads the C
 * library (before glibc 2.41) arms and disarms that around each call, which takes more instructions
 * than anything else of a short echo. Nobody is cancelled here, so the system is called itself.
 */
ssize_t os_read(int fd, void *buf, size_t len)
{
	ssize_t n;

	do
		n = syscall(SYS_recvfrom, fd, buf, len, 0, NULL, NULL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t os_write(int fd, const void *buf, size_t len)
{
	ssize_t n;

	do
		n = syscall(SYS_sendto, fd, buf, len, MSG_NOSIGNAL, NULL, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t os_writev(int fd, const struct iovec *iov, int n)
{
	/* sendmsg(), because writev() would raise SIGPIPE. */
	const struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n};
	ssize_t sent;

	do
		sent = syscall(SYS_sendmsg, fd, &msg, MSG_NOSIGNAL);
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
