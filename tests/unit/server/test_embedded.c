/* A manager inside a program: what is adopted, called back, sent, and what becomes of it. */
#include "wsmd/manager.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HANG_S 20 /* for what should come at once, on the slowest machine */

/* ---- the program ---- */

static _Atomic unsigned opened, closed, messages, refused_waits;
static struct wsmd_manager *m;
static char last_close[64];

static void on_open(void *user, struct wsmd_connection *c)
{
	cr_expect_eq(user, &m);
	cr_expect_str_eq(wsmd_connection_hub(c), "chat");
	cr_expect_str_eq(wsmd_connection_user(c), "alice");
	cr_expect_eq(strlen(wsmd_connection_id(c)), WSMD_ID_BYTES - 1);
	cr_expect_eq(wsmd_connection_reply(c, WSMD_TEXT, "hi", 2), 0);
	cr_expect_eq(wsmd_connection_reply(c, WSMD_TEXT, "\xff", 1), WSMD_EINVAL);
	atomic_fetch_add(&opened, 1);
}

/* "close" closes, everything else comes back. */
static void on_message(void *user, struct wsmd_connection *c, enum wsmd_opcode opcode, void *data,
                       size_t len)
{
	const struct wsmd_target all = {.size = sizeof(all), .hub = "chat", .all = true};
	const struct wsmd_message same = {
		.size = sizeof(same), .opcode = opcode, .data = data, .len = len};
	struct wsmd_stats stats = {.size = sizeof(stats)};
	char *text;

	(void)user;
	atomic_fetch_add(&messages, 1);
	if (wsmd_manager_send_wait(m, &all, &same, NULL) == WSMD_EWAIT &&
	    wsmd_manager_wait(m, -1, NULL) == WSMD_EWAIT &&
	    wsmd_manager_reload(m, NULL, NULL) == WSMD_EWAIT &&
	    wsmd_manager_stats_json(m, &text) == WSMD_EWAIT &&
	    wsmd_manager_destroy(m) == WSMD_EWAIT)
		atomic_fetch_add(&refused_waits, 1);
	cr_expect_eq(wsmd_manager_stats(m, &stats), 0);
	if (len == 5 && memcmp(data, "close", 5) == 0) {
		cr_expect_eq(wsmd_connection_close(c, 1004, NULL), WSMD_EINVAL);
		cr_expect_eq(wsmd_connection_close(c, 4001, "bye"), 0);
		cr_expect_eq(wsmd_connection_reply(c, opcode, data, len), WSMD_ECLOSED);
		cr_expect_eq(wsmd_connection_close(c, 4001, "bye"), WSMD_ECLOSED);
		cr_expect_str_eq(wsmd_connection_id(c), "");
	} else {
		cr_expect_eq(wsmd_connection_reply(c, opcode, data, len), 0);
	}
}

static void on_close(void *user, struct wsmd_connection *c, const struct wsmd_closed *why)
{
	(void)user;
	cr_expect_eq(wsmd_connection_reply(c, WSMD_TEXT, "x", 1), WSMD_ECLOSED);
	cr_expect_str_eq(wsmd_connection_user(c), "alice");
	snprintf(last_close, sizeof(last_close), "%s %u %s", why->reason, why->code, why->text);
	atomic_fetch_add(&closed, 1);
}

static bool quiet(void *user, enum wsmd_log_level level, const char *line, size_t len)
{
	cr_expect_eq(user, &m);
	cr_expect_leq(level, WSMD_LOG_INFO);
	cr_expect_eq(line[len - 1], '\n');
	return true;
}

static void begin(const char *const *settings)
{
	const struct wsmd_options options = {
		.size = sizeof(options),
		.user = &m,
		.on_open = on_open,
		.on_message = on_message,
		.on_close = on_close,
		.log = quiet,
	};
	struct wsmd_config *c;

	cr_assert_eq(wsmd_config_new(&c), 0);
	cr_assert_eq(wsmd_config_env(c, "production"), 0);
	cr_assert_eq(wsmd_config_listen_nowhere(c), 0);
	cr_assert_eq(wsmd_config_set(c, "workers", "2", NULL), 0);
	cr_assert_eq(wsmd_config_set(c, "hubs.chat.on_message", "callback", NULL), 0);
	for (; settings != NULL && *settings != NULL; settings += 2)
		cr_assert_eq(wsmd_config_set(c, settings[0], settings[1], NULL), 0);
	cr_assert_eq(wsmd_manager_create(c, &options, NULL, NULL, &m), 0);
	wsmd_config_free(c);
	cr_assert_eq(wsmd_manager_start(m), 0);
}

static void end(void)
{
	cr_expect_eq(wsmd_manager_destroy(m), 0);
	cr_expect_eq(atomic_load(&opened), atomic_load(&closed), "each open has its close");
}

/* ---- the client ---- */

struct client {
	int fd;
	char id[WSMD_ID_BYTES];
};

static struct client adopt(enum wsmd_adopt_state state, const void *rest, size_t rest_len)
{
	const struct timeval wait = {.tv_sec = HANG_S};
	struct wsmd_adoption a = {
		.size = sizeof(a),
		.state = state,
		.hub = "chat",
		.user = "alice",
		.rest = rest,
		.rest_len = rest_len,
	};
	struct client c;
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	a.fd = fds[1];
	c.fd = fds[0];
	cr_assert_eq(wsmd_manager_adopt(m, &a, c.id), 0);
	return c;
}

static void expect_bytes(const struct client *c, const char *want, size_t len)
{
	char got[1024] = "";

	cr_assert_leq(len, sizeof(got));
	cr_assert_eq(recv(c->fd, got, len, MSG_WAITALL), (ssize_t)len, "%s", got);
	cr_expect_eq(memcmp(got, want, len), 0, "%.*s", (int)len, got);
}

#define EXPECT(c, literal) expect_bytes(c, literal, sizeof(literal) - 1)

/* A masked text of less than 126 bytes; the mask is 0, so that it can be read. */
static void say(const struct client *c, const char *text)
{
	unsigned char frame[6 + 125] = {0x81, (unsigned char)(0x80 | strlen(text))};

	memcpy(frame + 6, text, strlen(text));
	cr_assert_eq(send(c->fd, frame, 6 + strlen(text), MSG_NOSIGNAL),
	             (ssize_t)(6 + strlen(text)));
}

static void until(_Atomic unsigned *count, unsigned n)
{
	for (int i = 0; i < HANG_S * 1000 && atomic_load(count) < n; i++)
		usleep(1000);
	cr_assert_eq(atomic_load(count), n);
}

static const char request[] = "GET /anything HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
			      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
			      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
			     "Connection: Upgrade\r\n"
			     "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/* ---- adopting ---- */

Test(embedded, an_upgraded_socket_is_open_at_once)
{
	struct client c;
	char *text;

	begin(NULL);
	c = adopt(WSMD_ADOPT_UPGRADED, "\x81\x83\0\0\0\0one", 9); /* read by the program already */
	EXPECT(&c, "\x81\x02hi");
	EXPECT(&c, "\x81\x03one");
	say(&c, "two");
	EXPECT(&c, "\x81\x03two");
	cr_expect_eq(atomic_load(&refused_waits), 2, "no worker waits");
	cr_assert_eq(wsmd_manager_stats_json(m, &text), 0);
	cr_expect(strstr(text, "\"adopted_total\":1,") != NULL, "%s", text);
	wsmd_free(text);
	close(c.fd);
	until(&closed, 1);
	end();
}

/* Every place where the program may have stopped reading, and the rest comes later. */
Test(embedded, a_handshake_is_read_from_where_the_program_stopped)
{
	const size_t len = sizeof(request) - 1;

	begin(NULL);
	for (size_t given = 0; given <= len; given += given < 3 || given > len - 3 ? 1 : 7) {
		struct client c = adopt(WSMD_ADOPT_HANDSHAKE, request, given);

		cr_assert_eq(send(c.fd, request + given, len - given, MSG_NOSIGNAL),
		             (ssize_t)(len - given));
		expect_bytes(&c, answer, sizeof(answer) - 1);
		EXPECT(&c, "\x81\x02hi");
		close(c.fd);
	}
	end();
}

Test(embedded, who_is_refused_is_told_in_his_own_words)
{
	struct client c, second;

	begin((const char *const[]){"limits.max_connections_per_user", "1", NULL});
	c = adopt(WSMD_ADOPT_UPGRADED, NULL, 0);
	EXPECT(&c, "\x81\x02hi");
	second = adopt(WSMD_ADOPT_UPGRADED, NULL, 0);
	EXPECT(&second, "\x88\x44\x03\xf5This user has"); /* 1013, 66 bytes */
	close(second.fd);
	second = adopt(WSMD_ADOPT_HANDSHAKE, request, sizeof(request) - 1);
	EXPECT(&second, "HTTP/1.1 429 ");
	close(second.fd);
	second = adopt(WSMD_ADOPT_HANDSHAKE, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27);
	EXPECT(&second, "HTTP/1.1 426 ");
	close(second.fd);
	cr_expect_eq(wsmd_manager_drain(m), 0);
	until(&closed, 1);
	second = adopt(WSMD_ADOPT_UPGRADED, NULL, 0);
	EXPECT(&second, "\x88");
	close(second.fd);
	close(c.fd);
	end();
}

/* ---- sending ---- */

static struct wsmd_outcome send_to(struct wsmd_target to, const char *text)
{
	const struct wsmd_message message = {
		.size = sizeof(message), .opcode = WSMD_TEXT, .data = text, .len = strlen(text)};
	struct wsmd_outcome outcome = {.size = sizeof(outcome)};

	to.size = sizeof(to);
	to.hub = "chat";
	cr_assert_eq(wsmd_manager_send_wait(m, &to, &message, &outcome), 0);
	return outcome;
}

Test(embedded, each_target_and_its_outcome)
{
	const char *const alice[] = {"alice"};
	const struct wsmd_target who = {.size = sizeof(who), .hub = "chat", .user = "alice"};
	struct wsmd_outcome o = {.size = sizeof(o)};
	struct client a, b;

	begin(NULL);
	a = adopt(WSMD_ADOPT_UPGRADED, NULL, 0);
	b = adopt(WSMD_ADOPT_UPGRADED, NULL, 0);
	EXPECT(&a, "\x81\x02hi");
	EXPECT(&b, "\x81\x02hi");

	o = send_to((struct wsmd_target){.user = "alice"}, "u");
	cr_expect(o.error == 0 && o.matched == 2 && o.delivered == 2 && o.user_seq > 0);
	o = send_to((struct wsmd_target){.connection = a.id}, "c");
	cr_expect(o.error == 0 && o.delivered == 1);
	o = send_to((struct wsmd_target){.all = true}, "a");
	cr_expect(o.error == 0 && o.delivered == 2 && o.user_seq == 0);
	o = send_to((struct wsmd_target){.user = "bob"}, "n");
	cr_expect(o.error == WSMD_ENOENT && o.matched == 0);
	o = send_to((struct wsmd_target){.group = "g"}, "n");
	cr_expect(o.error == WSMD_ENOENT && o.matched == 0);
	o = send_to((struct wsmd_target){.all = true, .except_users = alice, .n_except_users = 1},
	            "n");
	cr_expect(o.error == 0 && o.matched == 0 && o.excluded == 2);

	o.size = sizeof(o);
	cr_expect_eq(wsmd_manager_join_wait(m, &who, "g", &o), 0);
	cr_expect(o.error == 0 && o.matched == 2 && o.changed == 2);
	o = send_to((struct wsmd_target){.group = "g"}, "g");
	cr_expect(o.error == 0 && o.delivered == 2);
	o.size = sizeof(o);
	cr_expect_eq(wsmd_manager_leave_wait(m, &who, NULL, &o), 0);
	cr_expect(o.error == 0 && o.changed == 2);
	o = send_to((struct wsmd_target){.group = "g"}, "n");
	cr_expect_eq(o.error, WSMD_ENOENT);

	EXPECT(&a, "\x81\x01u\x81\x01"
	           "c\x81\x01"
	           "a\x81\x01g");
	EXPECT(&b, "\x81\x01u\x81\x01"
	           "a\x81\x01g");
	o.size = sizeof(o);
	cr_expect_eq(wsmd_manager_disconnect_wait(m, &who, "enough", &o), 0);
	cr_expect(o.error == 0 && o.matched == 2);
	until(&closed, 2);
	cr_expect_str_eq(last_close, "kicked 1008 enough");
	close(a.fd);
	close(b.fd);
	end();
}

static void note(void *user, const struct wsmd_outcome *outcome)
{
	struct wsmd_outcome *o = user;
	char *text;

	*o = *outcome;
	cr_expect_eq(wsmd_manager_stats_json(m, &text), WSMD_EWAIT);
	atomic_fetch_add(&messages, 1);
}

Test(embedded, ping_health_and_a_close_of_our_own)
{
	struct wsmd_health health = {.size = sizeof(health)};
	struct wsmd_outcome o;
	struct client c;
	char ping[10];

	begin(NULL);
	c = adopt(WSMD_ADOPT_UPGRADED, NULL, 0);
	EXPECT(&c, "\x81\x02hi");
	cr_expect_eq(wsmd_manager_ping(m, c.id, note, &o), 0);
	cr_assert_eq(recv(c.fd, ping, 10, MSG_WAITALL), 10);
	cr_assert_eq(send(c.fd, "\x8a\x88\0\0\0\0", 6, MSG_NOSIGNAL), 6);
	cr_assert_eq(send(c.fd, ping + 2, 8, MSG_NOSIGNAL), 8);
	until(&messages, 1);
	cr_expect(o.error == 0 && o.matched == 1 && o.rtt_us > 0);
	cr_expect_eq(wsmd_manager_health_wait(m, c.id, &health), 0);
	cr_expect(health.healthy && health.score == 100 && health.pongs_received == 1);
	cr_expect_str_eq(health.id, c.id);
	cr_expect_str_eq(health.user, "alice");
	cr_expect_str_eq(health.state, "open");
	say(&c, "close");
	EXPECT(&c, "\x88");
	until(&closed, 1);
	cr_expect_str_eq(last_close, "kicked 4001 bye");
	cr_expect_eq(wsmd_manager_health_wait(m, c.id, &health), WSMD_ENOENT);
	cr_expect_eq(wsmd_manager_ping(m, c.id, note, &o), 0);
	until(&messages, 3);
	cr_expect_eq(o.error, WSMD_ENOENT);
	close(c.fd);
	end();
}

/* A connection that asks nothing is still cut by the program. */
Test(embedded, a_stop_that_is_cut_says_so)
{
	bool cut = false;
	struct client c;

	begin((const char *const[]){"shutdown.deadline_s", "3600", "limits.close_timeout_s", "3600",
	                            NULL});
	c = adopt(WSMD_ADOPT_UPGRADED, NULL, 0);
	EXPECT(&c, "\x81\x02hi");
	cr_expect_eq(wsmd_manager_stop(m), 0);
	until(&closed, 1);
	cr_expect_eq(wsmd_manager_wait(m, 1, &cut), -ETIMEDOUT);
	cr_expect_eq(wsmd_manager_cut(m), 0);
	cr_expect_eq(wsmd_manager_wait(m, -1, &cut), 0);
	cr_expect(cut);
	close(c.fd);
	end();
}
