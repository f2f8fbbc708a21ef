/* The public interface at its edges: nothing, too little, too much, too early, too late. */
#include "wsmd/manager.h"

#include <criterion/criterion.h>

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "heap.h"
#include "os/os.h"

static char fault[512];

static void on_fault(void *user, const char *line)
{
	(void)user;
	snprintf(fault, sizeof(fault), "%s", line);
}

static bool quiet(void *user, enum wsmd_log_level level, const char *line, size_t len)
{
	(void)user;
	(void)level;
	(void)line;
	(void)len;
	return true;
}

static const struct wsmd_options options = {.size = sizeof(options), .log = quiet};

static struct wsmd_config *make_config(void)
{
	struct wsmd_config *c;

	cr_assert_eq(wsmd_config_new(&c), 0);
	cr_assert_eq(wsmd_config_env(c, "testing"), 0);
	cr_assert_eq(wsmd_config_listen_nowhere(c), 0);
	cr_assert_eq(wsmd_config_set(c, "workers", "2", NULL), 0);
	cr_assert_eq(wsmd_config_set(c, "heartbeat.timeout_s", "7200", NULL), 0);
	cr_assert_eq(wsmd_config_set(c, "heartbeat.interval_s", "3600", NULL), 0); /* no pings */
	return c;
}

static struct wsmd_manager *make_manager(void)
{
	struct wsmd_config *c = make_config();
	struct wsmd_manager *m;

	cr_assert_eq(wsmd_manager_create(c, &options, on_fault, NULL, &m), 0, "%s", fault);
	wsmd_config_free(c);
	return m;
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

/* ---- threads that do not start ---- */

static unsigned threads_left = 1000; /* that may still be started */
int __real_os_thread_start(struct os_thread *t, const char *name, void *(*body)(void *), void *arg);
int __wrap_os_thread_start(struct os_thread *t, const char *name, void *(*body)(void *), void *arg);
int __wrap_os_thread_start(struct os_thread *t, const char *name, void *(*body)(void *), void *arg)
{
	if (threads_left == 0)
		return -EAGAIN;
	threads_left--;
	return __real_os_thread_start(t, name, body, arg);
}

Test(manager, whichever_thread_does_not_start_none_is_left)
{
	const unsigned before = open_descriptors();

	for (unsigned n = 0; n < 4; n++) {
		struct wsmd_manager *m = make_manager();

		threads_left = n;
		cr_expect_eq(wsmd_manager_start(m), -EAGAIN, "thread %u", n);
		cr_expect_eq(wsmd_manager_start(m), WSMD_ESTATE);
		cr_expect_eq(wsmd_manager_stop(m), WSMD_ESTATE);
		cr_expect_eq(wsmd_manager_destroy(m), 0);
		cr_expect_eq(open_descriptors(), before, "thread %u", n);
	}
	threads_left = 1000;
}

/* ---- memory ---- */

static unsigned aligned_left; /* the aligned allocation that fails; 0: none */
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	if (aligned_left > 0 && --aligned_left == 0)
		return NULL;
	return __real_aligned_alloc(alignment, size);
}

/* How many ways there are to fail for want of memory of this kind. */
static unsigned count_failures(bool aligned)
{
	const unsigned before = open_descriptors();
	unsigned failures = 0;

	for (int err = WSMD_ENOMEM; err != 0;) {
		struct wsmd_config *c = make_config();
		struct wsmd_manager *m;

		if (aligned)
			aligned_left = failures + 1;
		else
			heap_fail_at(failures + 1);
		err = wsmd_manager_create(c, &options, NULL, NULL, &m);
		heap_fail_at(0);
		aligned_left = 0;
		if (err == 0) {
			cr_expect_eq(wsmd_manager_destroy(m), 0);
		} else {
			cr_assert_eq(err, WSMD_ENOMEM, "allocation %u: %s", failures + 1,
			             wsmd_error_text(err));
			failures++;
		}
		wsmd_config_free(c);
		cr_assert_eq(open_descriptors(), before);
	}
	return failures;
}

Test(manager, whichever_allocation_fails_create_says_so)
{
	cr_expect_geq(count_failures(false), 5);
	cr_expect_eq(count_failures(true), 4, "server, counters, workers, acceptor");
}

Test(manager, whichever_allocation_fails_a_configuration_says_so)
{
	struct wsmd_config *c;

	heap_fail_at(1);
	cr_expect_eq(wsmd_config_new(&c), WSMD_ENOMEM);
	heap_fail_at(0);
	cr_assert_eq(wsmd_config_new(&c), 0);
	heap_fail_at(1);
	cr_expect_eq(wsmd_config_set(c, "workers", "1", NULL), WSMD_ENOMEM);
	heap_fail_at(0);
	cr_expect_eq(wsmd_config_set(c, "workers", "1", NULL), 0);
	wsmd_config_free(c);
}

/* ---- arguments ---- */

static struct wsmd_target to_alice = {.size = sizeof(to_alice), .user = "alice"};
static struct wsmd_message hello = {
	.size = sizeof(hello), .opcode = WSMD_TEXT, .data = "hello", .len = 5};

Test(manager, nothing_is_an_error)
{
	struct wsmd_manager *m = make_manager();
	struct wsmd_config *c = make_config();
	char text[WSMD_ADDRESS_BYTES];
	struct wsmd_stats stats = {.size = sizeof(stats)};

	cr_assert_eq(wsmd_manager_start(m), 0);
	cr_expect_eq(wsmd_config_new(NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_config_file(NULL, "x"), WSMD_EINVAL);
	cr_expect_eq(wsmd_config_file(c, NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_config_env(c, NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_config_dev(NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_config_set(c, NULL, "1", NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_config_set(c, "workers", NULL, NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_config_listen(c, NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_config_check(NULL, NULL, NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_config_print(c, NULL, NULL, NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_config_print_initial(NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_manager_create(NULL, NULL, NULL, NULL, &m), WSMD_EINVAL);
	cr_expect_eq(wsmd_manager_create(c, NULL, NULL, NULL, NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_manager_start(NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_manager_stop(NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_manager_wait(NULL, 0, NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_manager_ended_fd(NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_manager_destroy(NULL), 0);
	cr_expect_eq(wsmd_manager_set_default(NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_manager_facts(m, NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_manager_address(m, 0, NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_manager_address(m, 0, text), WSMD_ENOENT);
	cr_expect_eq(wsmd_manager_send(NULL, &to_alice, &hello, NULL, NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_manager_send(m, NULL, &hello, NULL, NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_manager_send(m, &to_alice, NULL, NULL, NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_manager_join(m, &to_alice, NULL, NULL, NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_manager_ping(m, NULL, NULL, NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_manager_ping(m, "x", NULL, NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_manager_adopt(m, NULL, NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_manager_health_wait(m, NULL, NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_manager_stats(NULL, &stats), WSMD_EINVAL);
	cr_expect_eq(wsmd_manager_stats(m, NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_manager_stats_json(m, NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_connection_reply(NULL, WSMD_TEXT, "x", 1), WSMD_EINVAL);
	cr_expect_eq(wsmd_connection_close(NULL, 0, NULL), WSMD_EINVAL);
	cr_expect_str_eq(wsmd_connection_id(NULL), "");
	cr_expect_null(wsmd_connection_user(NULL));
	wsmd_config_free(c);
	wsmd_config_free(NULL);
	cr_expect_eq(wsmd_manager_destroy(m), 0);
}

/* Each is one change to what would be good. */
Test(manager, bad_targets_and_messages_are_refused)
{
	static char long_name[1100];
	static const char *const nobody[] = {NULL}, *const bob[] = {"bob"};
	const struct {
		struct wsmd_target to;
		const char *what;
	} targets[] = {
		{{.user = NULL}, "nobody"},
		{{.user = "a", .all = true}, "two at once"},
		{{.user = ""}, "an empty user"},
		{{.user = long_name}, "a long user"},
		{{.user = "a\xff"}, "a user that is not UTF-8"},
		{{.user = "a", .hub = "*"}, "the hub of all hubs"},
		{{.user = "a", .hub = "9"}, "a bad hub"},
		{{.user = "a", .hub = ""}, "an empty hub"},
		{{.connection = "abc"}, "a short id"},
		{{.group = ""}, "an empty group"},
		{{.group = long_name}, "a long group"},
		{{.group = "a\xc3"}, "a group that ends in half a character"},
		{{.all = true, .n_except_users = 1}, "users that are not there"},
		{{.all = true, .except_users = nobody, .n_except_users = 1}, "a user that is NULL"},
		{{.all = true, .except_connections = bob, .n_except_connections = 1}, "no id"},
		{{.all = true, .except_users = bob, .n_except_users = 1000}, "too many"},
		{{.all = true, .except_users = bob, .n_except_users = SIZE_MAX}, "very many"},
	};
	const struct {
		struct wsmd_message message;
		const char *what;
	} messages[] = {
		{{.opcode = WSMD_TEXT, .data = NULL, .len = 1}, "no bytes"},
		{{.opcode = WSMD_TEXT, .data = "\xff", .len = 1}, "not UTF-8"},
		{{.opcode = WSMD_TEXT, .data = "\xc3", .len = 1}, "half a character"},
		{{.opcode = (enum wsmd_opcode)0, .data = "x", .len = 1}, "opcode 0"},
		{{.opcode = (enum wsmd_opcode)8, .data = "x", .len = 1}, "a close frame"},
		{{.opcode = WSMD_BINARY, .data = "x", .len = (1u << 20) + 1}, "too long"},
		{{.opcode = WSMD_BINARY, .data = "x", .len = SIZE_MAX}, "very long"},
	};
	struct wsmd_manager *m = make_manager();

	memset(long_name, 'x', sizeof(long_name) - 1);
	cr_assert_eq(wsmd_manager_start(m), 0);
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		struct wsmd_target to = targets[i].to;

		to.size = sizeof(to);
		cr_expect_eq(wsmd_manager_send(m, &to, &hello, NULL, NULL), WSMD_EINVAL, "%s",
		             targets[i].what);
	}
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		struct wsmd_message message = messages[i].message;

		message.size = sizeof(message);
		cr_expect_eq(wsmd_manager_send(m, &to_alice, &message, NULL, NULL), WSMD_EINVAL,
		             "%s", messages[i].what);
	}
	cr_expect_eq(wsmd_manager_disconnect(m, &to_alice, long_name, NULL, NULL), WSMD_EINVAL);
	cr_expect_eq(wsmd_manager_destroy(m), 0);
}

Test(manager, sizes_of_structs_say_what_is_known)
{
	struct {
		struct wsmd_stats stats;
		uint64_t later;
	} newer = {.stats.size = sizeof(newer), .later = 7};
	struct {
		struct wsmd_message message;
		uint64_t later;
	} message = {.message = hello};
	struct wsmd_manager *m = make_manager();
	struct wsmd_stats stats = {.size = 0};
	struct wsmd_outcome outcome = {.size = sizeof(outcome)};

	cr_assert_eq(wsmd_manager_start(m), 0);
	cr_expect_eq(wsmd_manager_stats(m, &stats), WSMD_EINVAL);
	stats.size = sizeof(size_t);
	cr_expect_eq(wsmd_manager_stats(m, &stats), WSMD_EINVAL);
	stats.size = SIZE_MAX;
	cr_expect_eq(wsmd_manager_stats(m, &stats), WSMD_EINVAL);
	cr_expect_eq(wsmd_manager_stats(m, &newer.stats), 0);
	cr_expect_eq(newer.later, 7, "what we do not know is not touched");

	message.message.size = sizeof(message);
	cr_expect_eq(wsmd_manager_send_wait(m, &to_alice, &message.message, &outcome), 0);
	cr_expect_eq(outcome.error, WSMD_ENOENT);
	message.later = 1;
	cr_expect_eq(wsmd_manager_send_wait(m, &to_alice, &message.message, &outcome), WSMD_EINVAL,
	             "a wish that we do not know is not ignored");
	message.message.size = sizeof(size_t);
	cr_expect_eq(wsmd_manager_send_wait(m, &to_alice, &message.message, &outcome), WSMD_EINVAL);
	outcome.size = 1;
	cr_expect_eq(wsmd_manager_send_wait(m, &to_alice, &hello, &outcome), WSMD_EINVAL);
	cr_expect_eq(wsmd_manager_destroy(m), 0);
}

/* ---- calls that find no memory ---- */

static const struct wsmd_target somebody = {.size = sizeof(somebody), .user = "alice"};
static const char *const not_him[] = {"bob"};
static const struct wsmd_target many = {
	.size = sizeof(many), .group = "g", .except_users = not_him, .n_except_users = 1};

static int send_to_one(struct wsmd_manager *m)
{
	return wsmd_manager_send(m, &somebody, &hello, NULL, NULL);
}

static int send_to_many(struct wsmd_manager *m)
{
	return wsmd_manager_send_wait(m, &many, &hello, NULL);
}

static int join(struct wsmd_manager *m)
{
	return wsmd_manager_join_wait(m, &somebody, "g", NULL);
}

static int look(struct wsmd_manager *m)
{
	struct wsmd_health health = {.size = sizeof(health)};
	const int err = wsmd_manager_health_wait(m, "aaaaaaaaaaaaaaaaaaaaaaaaaa", &health);

	return err == WSMD_ENOENT ? 0 : err;
}

static int client; /* the last one that was adopted */

static int adopt(struct wsmd_manager *m)
{
	struct wsmd_adoption a = {.size = sizeof(a), .state = WSMD_ADOPT_UPGRADED, .user = "alice"};
	struct wsmd_stats stats = {.size = sizeof(stats)};
	int fds[2], err;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	a.fd = fds[1];
	err = wsmd_manager_adopt(m, &a, NULL);
	if (err < 0) {
		cr_expect(close(fds[0]) == 0 && close(fds[1]) == 0, "it stays the caller's");
		return err;
	}
	client = fds[0];
	while (wsmd_manager_stats(m, &stats) == 0 && stats.connections_active == 0)
		usleep(1000);
	return 0;
}

/* Whichever allocation of a call fails, it says so, and does nothing. */
Test(manager, whichever_allocation_fails_a_call_says_so)
{
	const struct {
		int (*call)(struct wsmd_manager *m);
		unsigned ways;
		const char *what;
	} calls[] = {
		{adopt, 1, "adopt"},
		{join, 4, "join: group, ask, request with its group"},
		{send_to_one, 3, "send: message, ask, request"},
		{send_to_many, 10,
	         "send: group, exception, message, ask, two requests with the first two"},
		{look, 3, "health: ask, request, row"},
	};
	const unsigned before = open_descriptors();
	struct wsmd_manager *m = make_manager();
	struct wsmd_stats stats = {.size = sizeof(stats)};
	char got[32];

	cr_assert_eq(wsmd_manager_start(m), 0);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		unsigned failures = 0;

		for (int err = WSMD_ENOMEM; err != 0; failures += err != 0) {
			heap_fail_at(failures + 1);
			err = calls[i].call(m);
			heap_fail_at(0);
			cr_assert(err == 0 || err == WSMD_ENOMEM, "%s: %s", calls[i].what,
			          wsmd_error_text(err));
		}
		cr_expect_eq(failures, calls[i].ways, "%s: %u", calls[i].what, failures);
	}
	/* He is there once, and heard what did not fail: once by name and once in the group. */
	cr_assert_eq(recv(client, got, 14, MSG_WAITALL), 14);
	cr_expect_eq(memcmp(got, "\x81\x05hello\x81\x05hello", 14), 0);
	cr_expect_eq(recv(client, got, 1, MSG_DONTWAIT), -1);
	cr_expect_eq(wsmd_manager_stats(m, &stats), 0);
	cr_expect_eq(stats.connections_total, 1);
	cr_expect_eq(stats.sends, 2);
	close(client);
	cr_expect_eq(wsmd_manager_destroy(m), 0);
	cr_expect_eq(open_descriptors(), before);
}

/* ---- sockets that cannot be adopted ---- */

Test(manager, what_is_no_connected_stream_stays_the_callers)
{
	struct wsmd_manager *m = make_manager();
	struct wsmd_adoption a = {.size = sizeof(a), .user = "alice"};
	int pipe_fds[2], datagram[2];

	cr_assert_eq(wsmd_manager_start(m), 0);
	cr_assert_eq(pipe(pipe_fds), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, datagram), 0);
	a.fd = -1;
	cr_expect_eq(wsmd_manager_adopt(m, &a, NULL), -EBADF);
	a.fd = pipe_fds[0];
	cr_expect_eq(wsmd_manager_adopt(m, &a, NULL), -ENOTSOCK);
	a.fd = datagram[0];
	cr_expect_eq(wsmd_manager_adopt(m, &a, NULL), -EPROTOTYPE);
	a.fd = socket(AF_INET, SOCK_STREAM, 0);
	cr_expect_eq(wsmd_manager_adopt(m, &a, NULL), -ENOTCONN);
	a.rest_len = 1;
	cr_expect_eq(wsmd_manager_adopt(m, &a, NULL), WSMD_EINVAL);
	a.rest = "x";
	a.rest_len = (64u << 10) + 1;
	cr_expect_eq(wsmd_manager_adopt(m, &a, NULL), WSMD_EINVAL);
	cr_expect_eq(close(a.fd), 0);
	for (int i = 0; i < 2; i++)
		cr_expect(close(pipe_fds[i]) == 0 && close(datagram[i]) == 0);
	cr_expect_eq(wsmd_manager_destroy(m), 0);
}

/* ---- too early, too late ---- */

static void expect_refused(struct wsmd_manager *m, int err, const char *when)
{
	struct wsmd_adoption a = {.size = sizeof(a), .user = "alice"};
	struct wsmd_health health = {.size = sizeof(health)};
	char *text;
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	a.fd = fds[0];
	cr_expect_eq(wsmd_manager_send(m, &to_alice, &hello, NULL, NULL), err, "%s", when);
	cr_expect_eq(wsmd_manager_send_wait(m, &to_alice, &hello, NULL), err, "%s", when);
	cr_expect_eq(wsmd_manager_disconnect(m, &to_alice, NULL, NULL, NULL), err, "%s", when);
	cr_expect_eq(wsmd_manager_join(m, &to_alice, "g", NULL, NULL), err, "%s", when);
	cr_expect_eq(wsmd_manager_ping(m, "aaaaaaaaaaaaaaaaaaaaaaaaaa", NULL, NULL), err, "%s",
	             when);
	cr_expect_eq(wsmd_manager_adopt(m, &a, NULL), err, "%s", when);
	cr_expect_eq(wsmd_manager_health_wait(m, "aaaaaaaaaaaaaaaaaaaaaaaaaa", &health), err, "%s",
	             when);
	cr_expect_eq(wsmd_manager_reload(m, NULL, NULL), err, "%s", when);
	cr_expect_eq(wsmd_manager_stats_json(m, &text), err, "%s", when);
	cr_expect(close(fds[0]) == 0 && close(fds[1]) == 0, "it stays the caller's");
}

Test(manager, before_start_and_after_stop)
{
	struct wsmd_manager *m = make_manager(), *other;
	struct wsmd_stats stats = {.size = sizeof(stats)};
	bool cut = true;

	cr_expect_eq(wsmd_manager_wait(m, 0, NULL), WSMD_ESTATE);
	expect_refused(m, WSMD_ESTATE, "before start");
	cr_expect_eq(wsmd_manager_stats(m, &stats), 0);
	cr_assert_eq(wsmd_manager_start(m), 0);
	cr_expect_eq(wsmd_manager_start(m), WSMD_ESTATE);
	cr_expect_eq(wsmd_manager_wait(m, 10, NULL), -ETIMEDOUT);

	cr_expect_null(wsmd_manager_default());
	cr_expect_eq(wsmd_manager_set_default(m), 0);
	other = make_manager();
	cr_expect_eq(wsmd_manager_set_default(other), -EBUSY);
	cr_expect_eq(wsmd_manager_destroy(other), 0);
	cr_expect_eq(wsmd_manager_default(), m);

	cr_expect_eq(wsmd_manager_stop(m), 0);
	cr_expect_eq(wsmd_manager_wait(m, -1, &cut), 0);
	cr_expect_not(cut);
	expect_refused(m, WSMD_ECLOSED, "after stop");
	cr_expect_eq(wsmd_manager_stats(m, &stats), 0);
	cr_expect_eq(wsmd_manager_stop(m), 0, "harmless");
	cr_expect_eq(wsmd_manager_wait(m, 0, NULL), 0);
	cr_expect_eq(wsmd_manager_destroy(m), 0);
	cr_expect_null(wsmd_manager_default());
}

Test(manager, faults_are_told)
{
	struct wsmd_config *c = make_config();
	struct wsmd_manager *m;

	cr_assert_eq(wsmd_config_set(c, "hubs.chat.on_message", "callback", NULL), 0);
	cr_expect_eq(wsmd_manager_create(c, &options, on_fault, NULL, &m), WSMD_ECONFIG);
	cr_expect(strstr(fault, "this one does not") != NULL, "%s", fault);
	cr_expect_eq(wsmd_config_check(c, NULL, NULL), WSMD_ECONFIG);
	cr_assert_eq(wsmd_config_handler(c), 0);
	cr_expect_eq(wsmd_config_check(c, NULL, NULL), 0);
	cr_assert_eq(wsmd_config_listen(c, "192.0.2.1:0"), 0);
	cr_assert_eq(wsmd_config_set(c, "hubs.chat.on_message", "echo", NULL), 0);
	cr_expect_eq(wsmd_manager_create(c, &options, on_fault, NULL, &m), -EADDRNOTAVAIL);
	cr_expect(strstr(fault, "no such address") != NULL, "%s", fault);
	wsmd_config_free(c);
}
