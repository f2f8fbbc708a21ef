/*
 * A program with an accept loop of its own, which hands sockets to wsmd: adopt PORT
 *
 * The first line that a client sends decides what becomes of it:
 *   GET /NAME HTTP/1.1    a WebSocket client: wsmd reads the opening handshake, user NAME
 *   HELLO NAME            the program's own way in: it answers OK, and frames follow at once
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <wsmd/manager.h>

#define PATIENCE_S 2

static volatile sig_atomic_t is_over;

static void on_signal(int signal)
{
	(void)signal;
	is_over = 1;
}

/* Listens on this machine. The descriptor, or -1. */
static int listen_on(const char *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
	                        .sin_port = htons((uint16_t)atoi(port)),
	                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(a);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) < 0 || listen(fd, 64) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return -1;
	printf("listening on 127.0.0.1:%u\n", ntohs(a.sin_port));
	return fd;
}

/* Read until there is a line. Its length, or 0. To be short, one client at a time: a slow one
 * holds up the next for PATIENCE_S with each byte. */
static size_t read_line(int fd, char *buf, size_t cap, size_t *ret_len)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	const char *end = NULL;
	size_t len = 0;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	while (end == NULL && len < cap) {
		const ssize_t n = recv(fd, buf + len, cap - len, 0);

		if (n <= 0)
			return 0;
		end = memchr(buf + len, '\n', (size_t)n);
		len += (size_t)n;
	}
	*ret_len = len;
	return end == NULL ? 0 : (size_t)(end + 1 - buf);
}

/* 0: the descriptor is the manager's. */
static int hand_over(struct wsmd_manager *m, int fd)
{
	char buf[4096], name[WSMD_USER_BYTES];
	size_t len;
	const size_t line = read_line(fd, buf, sizeof(buf) - 1, &len);
	struct wsmd_adoption a = {.size = sizeof(a), .fd = fd, .user = name};

	if (line == 0)
		return -EPROTO;
	buf[len] = '\0';
	if (sscanf(buf, "GET /%255s HTTP/1.1", name) == 1) {
		a.state = WSMD_ADOPT_HANDSHAKE;
		a.rest = buf; /* wsmd wants all of it */
		a.rest_len = len;
	} else if (sscanf(buf, "HELLO %255s", name) == 1) {
		if (send(fd, "OK\n", 3, MSG_NOSIGNAL) != 3)
			return -EPIPE;
		a.state = WSMD_ADOPT_UPGRADED;
		a.rest = buf + line; /* frames that came in the same segment */
		a.rest_len = len - line;
	} else {
		return -EPROTO;
	}
	return wsmd_manager_adopt(m, &a, NULL);
}

static void accept_all(struct wsmd_manager *m, int listener, const sigset_t *outside)
{
	struct pollfd ready = {.fd = listener, .events = POLLIN};

	while (!is_over) {
		const int n = ppoll(&ready, 1, NULL, outside);
		const int fd = n > 0 ? accept4(listener, NULL, NULL, SOCK_CLOEXEC) : -1;
		const int err = fd < 0 ? 0 : hand_over(m, fd);

		if (err < 0) {
			fprintf(stderr, "adopt: not taken: %s\n", wsmd_error_text(err));
			close(fd); /* it has stayed ours */
		}
	}
}

/* A manager that listens nowhere and lets its hub echo. */
static int make_manager(struct wsmd_manager **ret)
{
	struct wsmd_config *config;
	int err = wsmd_config_new(&config);

	if (err < 0)
		return err;
	err = wsmd_config_listen_nowhere(config);
	if (err == 0)
		err = wsmd_config_set(config, "hubs.default.on_message", "echo", NULL);
	if (err == 0)
		err = wsmd_manager_create(config, NULL, NULL, NULL, ret);
	wsmd_config_free(config);
	return err == 0 ? wsmd_manager_start(*ret) : err;
}

int main(int argc, char **argv)
{
	const struct sigaction action = {.sa_handler = on_signal};
	sigset_t all, outside; /* signals arrive while we wait, and only then */
	struct wsmd_manager *m;
	int listener;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &outside);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	listener = listen_on(argc > 1 ? argv[1] : "8080");
	if (listener < 0 || make_manager(&m) < 0)
		return 1;
	accept_all(m, listener, &outside);
	close(listener);
	return wsmd_manager_destroy(m) < 0;
}
