/* Two managers in one process, with the same hub and user: neither notices the other. */
#include "wsmd/manager.h"

#include <criterion/criterion.h>

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HANG_S 20
#define LINES  65536

enum {
	SLOW, /* the heartbeat of production: 25 s */
	FAST, /* of testing: 1 s */
	SIDES
};

struct side {
	struct wsmd_manager *m;
	int fd; /* of its client */
	char id[WSMD_ID_BYTES];
	_Atomic unsigned opened, closed;
	/* written by its threads, read when it has ended */
	pthread_mutex_t mutex;
	char log[LINES];
	size_t len;
};
static struct side sides[SIDES];

/* ---- the program ---- */

static void on_open(void *user, struct wsmd_connection *c)
{
	struct side *s = user;

	cr_expect_str_eq(wsmd_connection_user(c), "alice");
	atomic_fetch_add(&s->opened, 1);
}

static void on_close(void *user, struct wsmd_connection *c, const struct wsmd_closed *why)
{
	struct side *s = user;

	(void)c;
	(void)why;
	atomic_fetch_add(&s->closed, 1);
}

static bool keep_line(void *user, enum wsmd_log_level level, const char *line, size_t len)
{
	struct side *s = user;

	(void)level;
	pthread_mutex_lock(&s->mutex);
	if (s->len + len < LINES) {
		memcpy(s->log + s->len, line, len);
		s->len += len;
	}
	pthread_mutex_unlock(&s->mutex);
	return true;
}

static void begin(struct side *s, const char *env)
{
	const struct wsmd_options options = {
		.size = sizeof(options),
		.user = s,
		.on_open = on_open,
		.on_close = on_close,
		.log = keep_line,
	};
	struct wsmd_config *c;

	pthread_mutex_init(&s->mutex, NULL);
	cr_assert_eq(wsmd_config_new(&c), 0);
	cr_assert_eq(wsmd_config_env(c, env), 0);
	cr_assert_eq(wsmd_config_listen_nowhere(c), 0);
	cr_assert_eq(wsmd_config_set(c, "workers", "2", NULL), 0);
	cr_assert_eq(wsmd_config_set(c, "log.level", "info", NULL), 0);
	cr_assert_eq(wsmd_config_set(c, "heartbeat.timeout_s", "120", NULL), 0);
	cr_assert_eq(wsmd_config_set(c, "heartbeat.adaptive", "false", NULL), 0);
	cr_assert_eq(wsmd_config_set(c, "hubs.chat.on_message", "echo", NULL), 0);
	cr_assert_eq(wsmd_manager_create(c, &options, NULL, NULL, &s->m), 0);
	wsmd_config_free(c);
	cr_assert_eq(wsmd_manager_start(s->m), 0);
}

static void join(struct side *s)
{
	const struct timeval wait = {.tv_sec = HANG_S};
	struct wsmd_adoption a = {
		.size = sizeof(a), .state = WSMD_ADOPT_UPGRADED, .hub = "chat", .user = "alice"};
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	a.fd = fds[1];
	s->fd = fds[0];
	cr_assert_eq(wsmd_manager_adopt(s->m, &a, s->id), 0);
	while (atomic_load(&s->opened) == 0)
		usleep(1000);
}

/* ---- the client ---- */

/* The next frame, at most 125 bytes. Returns its first byte. */
static unsigned char receive(struct side *s, char dst[126], size_t *ret_len)
{
	unsigned char head[2];

	cr_assert_eq(recv(s->fd, head, 2, MSG_WAITALL), 2);
	cr_assert_leq(head[1], 125);
	cr_assert_eq(recv(s->fd, dst, head[1], MSG_WAITALL), head[1]);
	dst[head[1]] = '\0';
	*ret_len = head[1];
	return head[0];
}

static void say(struct side *s, unsigned char first, const char *data, size_t len)
{
	unsigned char frame[6 + 125] = {first, (unsigned char)(0x80 | len)};

	memcpy(frame + 6, data, len);
	cr_assert_eq(send(s->fd, frame, 6 + len, MSG_NOSIGNAL), (ssize_t)(6 + len));
}

/* The next frame that is no ping; those are answered and counted. */
static unsigned char receive_beside_pings(struct side *s, char dst[126], unsigned *pings)
{
	unsigned char first;
	size_t len;

	while ((first = receive(s, dst, &len)) == 0x89) {
		say(s, 0x8a, dst, len);
		++*pings;
	}
	return first;
}

static void expect_text(struct side *s, const char *want)
{
	unsigned pings = 0;
	char got[126];

	cr_expect_eq(receive_beside_pings(s, got, &pings), 0x81);
	cr_expect_str_eq(got, want);
}

static void expect_echo(struct side *s)
{
	say(s, 0x81, "still here", 10);
	expect_text(s, "still here");
}

static void expect_send(struct side *s, const char *text)
{
	const struct wsmd_target to = {.size = sizeof(to), .hub = "chat", .user = "alice"};
	const struct wsmd_message message = {
		.size = sizeof(message), .opcode = WSMD_TEXT, .data = text, .len = strlen(text)};
	struct wsmd_outcome o = {.size = sizeof(o)};

	cr_expect_eq(wsmd_manager_send_wait(s->m, &to, &message, &o), 0);
	cr_expect(o.error == 0 && o.matched == 1 && o.delivered == 1, "%s", text);
}

static struct wsmd_stats stats_of(const struct side *s)
{
	struct wsmd_stats stats = {.size = sizeof(stats)};

	cr_expect_eq(wsmd_manager_stats(s->m, &stats), 0);
	return stats;
}

static unsigned open_descriptors(void)
{
	unsigned n = 0;
	DIR *d = opendir("/proc/self/fd");

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void expect_lines(const struct side *s, const char *mine, const char *others)
{
	cr_expect_not_null(strstr(s->log, mine), "%s in:\n%s", mine, s->log);
	cr_expect_null(strstr(s->log, others), "%s in:\n%s", others, s->log);
}

Test(neighbours, one_ends_and_the_other_serves)
{
	const unsigned before = open_descriptors();
	struct side *slow = &sides[SLOW], *fast = &sides[FAST];
	struct wsmd_health health = {.size = sizeof(health)};
	unsigned pings = 0;
	char text[126];
	size_t len;

	begin(slow, "production");
	begin(fast, "testing");
	join(slow);
	join(fast);

	/* Each its own heartbeat: three pings at the one, which take a while, none at the other. */
	while (pings < 3) {
		cr_assert_eq(receive(fast, text, &len), 0x89);
		say(fast, 0x8a, text, len);
		pings++;
	}
	cr_expect_geq(stats_of(fast).pings_sent, 3);
	cr_expect_eq(stats_of(slow).pings_sent, 0);

	/* Messages, and who is known. The order says that nothing else came before. */
	expect_send(slow, "for the slow");
	expect_send(fast, "for the fast");
	expect_text(slow, "for the slow");
	expect_text(fast, "for the fast");
	cr_expect_eq(wsmd_manager_health_wait(slow->m, fast->id, &health), WSMD_ENOENT);
	cr_expect_eq(wsmd_manager_health_wait(fast->m, fast->id, &health), 0);
	expect_echo(fast);
	cr_expect_eq(stats_of(slow).sends, 1);
	cr_expect_eq(stats_of(slow).messages_in, 0);
	cr_expect_eq(stats_of(fast).messages_in, 1);
	cr_expect_eq(stats_of(fast).connections_total, 1);

	/* One is drained: its client is closed with 1012. */
	cr_expect_eq(wsmd_manager_drain(slow->m), 0);
	cr_expect_eq(receive_beside_pings(slow, text, &pings), 0x88);
	cr_expect_eq((unsigned char)text[0] << 8 | (unsigned char)text[1], 1012);
	expect_echo(fast);
	close(slow->fd);
	cr_expect_eq(wsmd_manager_stop(slow->m), 0);
	cr_expect_eq(wsmd_manager_wait(slow->m, -1, NULL), 0);
	expect_echo(fast);
	expect_send(fast, "it goes on");
	expect_text(fast, "it goes on");
	cr_expect_eq(wsmd_manager_destroy(slow->m), 0);
	expect_echo(fast);
	cr_expect_eq(atomic_load(&slow->closed), 1);
	cr_expect_eq(atomic_load(&fast->closed), 0);

	close(fast->fd);
	cr_expect_eq(wsmd_manager_destroy(fast->m), 0);
	cr_expect_eq(atomic_load(&fast->closed), 1);
	cr_expect_eq(open_descriptors(), before);
	expect_lines(slow, slow->id, fast->id);
	expect_lines(fast, fast->id, slow->id);
	expect_lines(slow, "event=draining", "\1");
	expect_lines(fast, "event=stopped", "event=draining");
}

/* Both are born at the same moment, and live and end beside each other. */
static void *live(void *arg)
{
	struct side *s = arg;

	begin(s, s == &sides[SLOW] ? "production" : "testing");
	join(s);
	expect_send(s, s->id);
	expect_text(s, s->id);
	close(s->fd);
	cr_expect_eq(wsmd_manager_destroy(s->m), 0);
	return NULL;
}

Test(neighbours, both_live_at_once)
{
	const unsigned before = open_descriptors();
	pthread_t threads[SIDES];

	for (int i = 0; i < SIDES; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, live, &sides[i]), 0);
	for (int i = 0; i < SIDES; i++)
		pthread_join(threads[i], NULL);
	cr_expect_eq(open_descriptors(), before);
	expect_lines(&sides[SLOW], sides[SLOW].id, sides[FAST].id);
	expect_lines(&sides[FAST], sides[FAST].id, sides[SLOW].id);
}
