/* A program whose locale writes 1,5: a manager reads and prints 1.5 all the same. */
#include "wsmd/manager.h"

#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <locale.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HANG_S 20

static char folder[] = "/tmp/wsmd-locale-XXXXXX";
static char number[16]; /* as on_fault() and quiet() print 1.5 */

static void print_number(void)
{
	snprintf(number, sizeof(number), "%.1f", 1.5);
}

/* A locale made for the test; false: it cannot be made here. */
static bool have_comma(void)
{
	char command[256];
	bool done;

	cr_assert_not_null(mkdtemp(folder));
	snprintf(command, sizeof(command), "localedef -c -i de_DE -f UTF-8 %s/de_DE.UTF-8 2>&1",
	         folder);
	done = system(command) == 0;
	setenv("LOCPATH", folder, 1);
	return done && setlocale(LC_ALL, "de_DE.UTF-8") != NULL;
}

static void forget_comma(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", folder);
	cr_expect_eq(system(command), 0);
}

static void expect_comma(const char *when)
{
	print_number();
	cr_expect_str_eq(number, "1,5", "the program's own locale, %s", when);
}

static bool quiet(void *user, enum wsmd_log_level level, const char *line, size_t len)
{
	(void)user;
	(void)level;
	(void)line;
	(void)len;
	return true;
}

static char fault[512];

static void on_fault(void *user, const char *line)
{
	(void)user;
	snprintf(fault, sizeof(fault), "%s", line);
}

static struct wsmd_config *make_config(void)
{
	struct wsmd_config *c;

	cr_assert_eq(wsmd_config_new(&c), 0);
	cr_assert_eq(wsmd_config_env(c, "testing"), 0);
	cr_assert_eq(wsmd_config_listen(c, "127.0.0.1:0"), 0);
	cr_assert_eq(wsmd_config_set(c, "workers", "1", NULL), 0);
	cr_assert_eq(wsmd_config_set(c, "heartbeat.interval_s", "1.5", NULL), 0);
	cr_assert_eq(wsmd_config_set(c, "heartbeat.timeout_s", "3.25", NULL), 0);
	return c;
}

static char *print_config(const struct wsmd_config *c)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_eq(wsmd_config_print(c, out, on_fault, NULL), 0, "%s", fault);
	cr_expect_eq(wsmd_config_plan(c, out, on_fault, NULL), 0, "%s", fault);
	cr_expect_eq(wsmd_config_print_initial(out), 0);
	fclose(out);
	return text;
}

static void expect_words(const char *text, const char *word, const char *never)
{
	cr_expect_not_null(strstr(text, word), "%s in:\n%s", word, text);
	cr_expect_null(strstr(text, never), "%s in:\n%s", never, text);
}

static void get_metrics(struct wsmd_manager *m, char *dst, size_t cap)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
	const struct timeval wait = {.tv_sec = HANG_S};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	char address[WSMD_ADDRESS_BYTES];
	size_t len = 0;
	ssize_t n;

	cr_assert_eq(wsmd_manager_address(m, 0, address), 0);
	to.sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	cr_assert_eq(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	cr_assert_eq(send(fd, request, sizeof(request) - 1, 0), (ssize_t)sizeof(request) - 1);
	while ((n = recv(fd, dst + len, cap - 1 - len, 0)) > 0)
		len += (size_t)n;
	dst[len] = '\0';
	close(fd);
}

/* Every value of the metrics is a number as C writes it: nothing behind it, and no comma. */
static void expect_numbers(char *metrics)
{
	unsigned points = 0;

	for (char *line = strtok(strstr(metrics, "\r\n\r\n") + 4, "\n"); line != NULL;
	     line = strtok(NULL, "\n")) {
		const char *value = strrchr(line, ' ');

		if (line[0] == '#')
			continue;
		cr_assert_not_null(value, "%s", line);
		cr_expect_eq(strspn(value + 1, "0123456789.eE+-"), strlen(value + 1), "%s", line);
		points += strchr(value, '.') != NULL;
	}
	cr_expect_gt(points, 1);
}

Test(locale, a_comma_is_the_programs_own)
{
	static char metrics[1 << 18];
	const struct wsmd_options options = {.size = sizeof(options), .log = quiet};
	struct wsmd_manager *m;
	struct wsmd_config *c;
	char *text;

	if (!have_comma()) {
		forget_comma();
		cr_skip_test("no locale can be made here");
	}
	expect_comma("before");
	c = make_config();
	cr_assert_eq(wsmd_config_check(c, on_fault, NULL), 0, "%s", fault);
	text = print_config(c);
	expect_words(text, "\"interval_s\": 1.5,", "1,5");
	expect_words(text, "3.25", "3,25");
	free(text);
	expect_comma("after print");

	cr_assert_eq(wsmd_manager_create(c, &options, on_fault, NULL, &m), 0, "%s", fault);
	cr_assert_eq(wsmd_manager_start(m), 0);
	expect_comma("beside a manager");
	cr_assert_eq(wsmd_manager_stats_json(m, &text), 0);
	expect_words(text, "\"uptime_s\":0.", "\"uptime_s\":0,");
	wsmd_free(text);
	get_metrics(m, metrics, sizeof(metrics));
	expect_numbers(metrics);
	cr_expect_eq(wsmd_manager_reload(m, on_fault, NULL), 0, "%s", fault);
	cr_expect_eq(wsmd_manager_destroy(m), 0);

	cr_assert_eq(wsmd_config_set(c, "heartbeat.interval_s", "0", NULL), 0);
	cr_expect_eq(wsmd_config_check(c, on_fault, NULL), WSMD_ECONFIG);
	expect_words(fault, "0.05", "0,05");
	fault[0] = '\0';
	cr_expect_eq(wsmd_manager_create(c, &options, on_fault, NULL, &m), WSMD_ECONFIG);
	expect_words(fault, "0.05", "0,05");
	expect_comma("after all");
	wsmd_config_free(c);
	forget_comma();
}
