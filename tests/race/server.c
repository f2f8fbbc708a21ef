/*
 * A real server, started and stopped again and again while clients connect, talk and leave and
 * an operator asks: no race, no hang, nothing left behind.
 */
#include "server/server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "race.h"

#define CYCLES    100
#define CLIENTS   3
#define OPERATORS 2
#define RUN_MS    15 /* of each server before it is told to stop */
#define HANG_S    20 /* a client that hears nothing for so long */

static char folder[] = "/tmp/wsmd-race-XXXXXX";
static char control_path[sizeof(folder) + 16];
static _Atomic uint16_t port; /* of the server that runs now */
static _Atomic bool over, hung;
static _Atomic unsigned echoes, answers;

#define CLOSE_FRAME 0x88 /* a byte that nothing else of what is sent here has */

/* ---- clients ---- */

/* Nothing to be waited for, or a hang. */
static bool failed(ssize_t n)
{
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		atomic_store(&hung, true);
	return n <= 0;
}

static int connect_to(const struct sockaddr *to, socklen_t len)
{
	const struct timeval wait = {.tv_sec = HANG_S};
	const int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (connect(fd, to, len) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool say(int fd, const void *bytes, size_t len)
{
	return send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* "hi!" as a masked text frame, and what an echo of it looks like. */
static const uint8_t hello[] = {0x81, 0x83, 1, 2, 3, 4, 'h' ^ 1, 'i' ^ 2, '!' ^ 3};
static const uint8_t echo[] = {0x81, 3, 'h', 'i', '!'};

/* Up to @rounds messages, then gone without a word; or until the server ends it. */
static void chat(int fd, unsigned user, unsigned rounds)
{
	char text[512];
	const int len = snprintf(text, sizeof(text),
	                         "GET /ws?user=u%u HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
	                         "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	                         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
	                         user);
	ssize_t n;

	if (!say(fd, text, (size_t)len))
		return;
	n = recv(fd, text, sizeof(text), 0);
	if (failed(n) || memcmp(text, "HTTP/1.1 101", 12) != 0)
		return;
	for (unsigned i = 0; i < rounds && memchr(text, CLOSE_FRAME, (size_t)n) == NULL; i++) {
		if (!say(fd, hello, sizeof(hello)))
			return;
		n = recv(fd, text, sizeof(text), 0);
		if (failed(n))
			return;
		if (n == sizeof(echo) && memcmp(text, echo, sizeof(echo)) == 0)
			atomic_fetch_add_explicit(&echoes, 1, memory_order_relaxed);
	}
}

static void *play_client(void *arg)
{
	unsigned turn = (unsigned)(size_t)arg;

	while (!atomic_load(&over)) {
		const struct sockaddr_in to = {.sin_family = AF_INET,
		                               .sin_port = htons(atomic_load(&port)),
		                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		const int fd = connect_to((const struct sockaddr *)&to, sizeof(to));

		if (fd < 0) {
			usleep(500); /* between two servers */
			continue;
		}
		chat(fd, turn % 5, turn % 3 == 0 ? 1000 : turn % 3);
		close(fd);
		turn++;
	}
	return NULL;
}

static void *play_operator(void *arg)
{
	static const char *const lines[] = {
		"{\"version\":1,\"command\":\"ls\"}\n",
		"{\"version\":1,\"command\":\"send\",\"arguments\":{\"all\":true,\"text\":\"x\"}}"
		"\n",
		"{\"version\":1,\"command\":\"send\",\"arguments\":{\"user\":\"u1\",\"text\":\"x\"}"
		"}\n",
		"{\"version\":1,\"command\":\"kick\",\"arguments\":{\"target\":\"u2\"}}\n",
		"{\"version\":1,\"command\":\"stats\"}\n",
		"{\"version\":1,\"command\":\"reload\"}\n",
		"{\"version\":1,\"command\":\"show\",\"arguments\":{\"target\":\"u3\"}}\n",
	};
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	unsigned turn = (unsigned)(size_t)arg;

	strcpy(to.sun_path, control_path);
	while (!atomic_load(&over)) {
		const int fd = connect_to((const struct sockaddr *)&to, sizeof(to));
		char text[8192];

		if (fd < 0) {
			usleep(500);
			continue;
		}
		do {
			const char *line = lines[turn++ % ARRAY_LEN(lines)];
			ssize_t n;

			if (!say(fd, line, strlen(line)))
				break;
			do
				n = recv(fd, text, sizeof(text), 0);
			while (n > 0 && text[n - 1] != '\n');
			if (failed(n))
				break;
			atomic_fetch_add_explicit(&answers, 1, memory_order_relaxed);
		} while (turn % 20 != 0);
		close(fd);
	}
	return NULL;
}

/* ---- the server ---- */

static struct conf_args args;

static bool write_line(void *arg, enum log_level level, const char *line, size_t len)
{
	(void)arg;
	(void)level;
	return os_write_stderr(line, len);
}

static struct server *make_server(void) ON_MAIN;
static struct server *make_server(void)
{
	struct conf_faults faults = {0};
	struct server *s;
	struct conf *c;
	char fault[512] = "";

	const bool loaded = conf_load(&args, 2, &c, &faults) == 0;

	race_need(loaded, faults.n > 0 ? faults.lines[0] : "memory");
	snprintf(c->control_path, sizeof(c->control_path), "%s", control_path);

	const struct server_setup setup = {
		.args = &args,
		.conf = c,
		.sink = {.write = write_line, .wall_ms = os_wall_ms},
	};

	race_need(server_new(&setup, &s, fault, sizeof(fault)) == 0, fault);
	return s;
}

/* One life. Everybody who is connected has a second to answer our close frame. True: cut. */
static bool run_once(bool drain) ON_MAIN;
static bool run_once(bool drain)
{
	struct server *s = make_server();
	bool cut;

	atomic_store(&port, s->listeners[0].bound.port);
	race_need(server_start(s) == 0, "threads");
	usleep(RUN_MS * 1000);
	server_want(s, drain ? SERVER_WANT_DRAIN | SERVER_WANT_STOP : SERVER_WANT_STOP);
	cut = server_join(s);
	server_free(s);
	return cut;
}

static unsigned open_descriptors(void)
{
	unsigned n = 0;
	DIR *d = opendir("/proc/self/fd");

	race_need(d != NULL, "/proc");
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

int main(void)
{
	static const struct conf_setting settings[] = {
		{"listen", "127.0.0.1:0", "--listen"},        {"workers", "2", "--workers"},
		{"shutdown.deadline_s", "10", "--set"},       {"log.level", "error", "--set"},
		{"hubs.default.on_message", "echo", "--set"},
	};
	pthread_t threads[CLIENTS + OPERATORS];
	unsigned cut = 0, before;
	uint64_t longest_ms = 0;

	role_enter(&role_main);
	race_need(mkdtemp(folder) != NULL, "a folder");
	snprintf(control_path, sizeof(control_path), "%s/control.sock", folder);
	args = (struct conf_args){.env_name = "testing",
	                          .dev = true,
	                          .settings = settings,
	                          .n_settings = ARRAY_LEN(settings)};
	run_once(false);
	before = open_descriptors();
	for (size_t i = 0; i < CLIENTS + OPERATORS; i++)
		threads[i] = race_start(i < CLIENTS ? play_client : play_operator, (void *)i);
	for (unsigned i = 0; i < CYCLES; i++) {
		const uint64_t from = os_now_ms();

		cut += run_once(i % 4 == 3);
		if (os_now_ms() - from > longest_ms)
			longest_ms = os_now_ms() - from;
	}
	atomic_store(&over, true);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	rmdir(folder);
	printf("%u echoes, %u answers, longest life %u ms\n", atomic_load(&echoes),
	       atomic_load(&answers), (unsigned)longest_ms);
	race_check(cut == 0, "each server saw everybody off");
	race_check(!atomic_load(&hung), "nobody was left waiting");
	race_check(atomic_load(&echoes) > 0 && atomic_load(&answers) > 0, "they were talking");
	race_check(open_descriptors() == before, "no descriptor is left behind");
	return race_end();
}
