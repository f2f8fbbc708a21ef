/* A picture of the daemon that keeps moving. */
#include "wsmctl/watch.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <wsmd/ctl.h>

#include "wsmctl/mem.h"
#include "wsmctl/picture.h"
#include "wsmctl/printable.h"
#include "wsmctl/report.h"
#include "wsmctl/value.h"

#define CURSOR_HIDE  "\033[?25l"
#define CURSOR_SHOW  "\033[?25h"
#define SCREEN_CLEAR "\033[2J"
#define HOME         "\033[H"
#define LINE_END     "\033[K"
#define SCREEN_END   "\033[J"

/* What a signal handler needs to leave the terminal as it was. */
static struct {
	struct termios was;
	bool keys;    /* stdin is set to single keys */
	bool picture; /* stdout shows a picture, without a cursor */
} terminal;

static void terminal_restore(void)
{
	if (terminal.keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal.was);
	if (terminal.picture)
		(void)!write(STDOUT_FILENO, CURSOR_SHOW, strlen(CURSOR_SHOW));
	terminal.keys = terminal.picture = false;
}

static void on_signal(int signo)
{
	(void)signo;
	/* To be stopped is how watching ends, so it is no failure. */
	terminal_restore();
	_exit(WSMD_CTL_OK);
}

static void terminal_prepare(bool picture)
{
	struct sigaction action = {.sa_handler = on_signal};
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct termios keys;

	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &action, NULL);
	if (!picture)
		return;
	terminal.picture = true;
	fputs(CURSOR_HIDE SCREEN_CLEAR, stdout);
	if (tcgetattr(STDIN_FILENO, &terminal.was) != 0)
		return;
	keys = terminal.was;
	keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	terminal.keys = true;
	tcsetattr(STDIN_FILENO, TCSANOW, &keys);
}

struct sample {
	json_t *stats;
	double at_s; /* monotonic */
};

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static const json_t *basic(const struct sample *s, const char *name)
{
	return json_object_get(json_object_get(s->stats, "basic"), name);
}

static void print_rates(const struct sample *now, const struct sample *before)
{
	static const struct {
		const char *counter, *shown_as;
	} rates[] = {
		{"connections_total", "opened_per_s"},  {"messages_in", "messages_in_per_s"},
		{"messages_out", "messages_out_per_s"}, {"bytes_in", "bytes_in_per_s"},
		{"bytes_out", "bytes_out_per_s"},
	};
	const double seconds = now->at_s - before->at_s;
	const time_t wall = time(NULL);
	struct tm utc;
	char stamp[32];

	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&wall, &utc));
	printf("%s connections=%lld", stamp,
	       (long long)json_integer_value(basic(now, "connections_active")));
	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		const json_int_t change = json_integer_value(basic(now, rates[i].counter)) -
		                          json_integer_value(basic(before, rates[i].counter));

		printf(" %s=%.1f", rates[i].shown_as, (double)change / seconds);
	}
	putchar('\n');
}

#define HEADING_LINES 2

static void print_heading(FILE *out, const struct sample *now, double interval_s)
{
	char *version = value_text("", basic(now, "version"));
	char *uptime = value_text("uptime_s", basic(now, "uptime_s"));
	char *memory = value_text("memory_bytes", basic(now, "memory_bytes"));

	fprintf(out, "wsmd %s, up %s, memory %s, every %g s; q ends\n\n", version, uptime, memory,
	        interval_s);
	free(memory);
	free(version);
	free(uptime);
}

/* Over the last picture, line by line, so that nothing flickers; what is too tall is left out. */
static void paint(struct picture *picture, const struct sample *now, const struct sample *before,
                  double interval_s)
{
	struct winsize size = {0};
	char *text, *line;
	size_t len, rows, columns;
	FILE *out = must(open_memstream(&text, &len));

	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	rows = size.ws_row > HEADING_LINES + 1 ? size.ws_row : 24;
	columns = size.ws_col > 0 ? size.ws_col : 80;
	print_heading(out, now, interval_s);
	picture_print(picture, out, now->stats, before->stats, now->at_s - before->at_s, columns,
	              rows - 1 - HEADING_LINES);
	fclose(out);
	fputs(HOME, stdout);
	line = text;
	for (size_t row = 1; *line != '\0'; row++) {
		const size_t bytes = strcspn(line, "\n");
		size_t width, shown;

		if (row == rows - 1 && line[bytes] != '\0' && line[bytes + 1] != '\0') {
			printf("(more than fits)" LINE_END "\n");
			break;
		}
		line[bytes] = '\0';
		shown = printable_fit(line, columns, &width);
		printf("%.*s" LINE_END "\n", (int)shown, line);
		line += bytes + 1;
	}
	fputs(SCREEN_END, stdout);
	free(text);
}

/* Returns: whether to go on */
static bool pause_until(double deadline_s)
{
	/* A negative descriptor is one that poll() does not look at. */
	struct pollfd keys = {.fd = terminal.keys ? STDIN_FILENO : -1, .events = POLLIN};
	double left_ms;

	while ((left_ms = ceil((deadline_s - now_s()) * 1e3)) > 0) {
		char key = 0;

		if (poll(&keys, 1, (int)left_ms) <= 0)
			continue;
		if (read(STDIN_FILENO, &key, 1) <= 0)
			keys.fd = -1;
		if (key == 'q' || key == 'Q')
			return false;
	}
	return true;
}

static void show(const struct invocation *in, struct picture *picture, const struct sample *now,
                 const struct sample *before, double interval_s)
{
	if (in->option[OPTION_JSON] != NULL) {
		char *text = must(json_dumps(now->stats, JSON_COMPACT | JSON_ENSURE_ASCII |
		                                                 JSON_REAL_PRECISION(15)));

		puts(text);
		free(text);
	} else if (terminal.picture) {
		paint(picture, now, before, interval_s);
	} else if (before->stats != NULL) {
		print_rates(now, before);
	}
	fflush(stdout);
}

int watch_run(struct invocation *in, double interval_s)
{
	struct sample before = {0}, now = {0};
	double next_s = now_s();
	struct picture picture;
	json_t *error = NULL;

	picture_init(&picture);
	terminal_prepare(isatty(STDOUT_FILENO) && in->option[OPTION_JSON] == NULL);
	do {
		now.stats = client_request(&in->client, "stats", NULL, &error);
		if (now.stats == NULL)
			break;
		now.at_s = now_s();
		show(in, &picture, &now, &before, interval_s);
		json_decref(before.stats);
		before = now;
		next_s = fmax(next_s + interval_s, now_s());
	} while (pause_until(next_s));
	terminal_restore();
	json_decref(before.stats);
	picture_fini(&picture);
	return error != NULL ? report_error(in, error) : WSMD_CTL_OK;
}
