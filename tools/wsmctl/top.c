/* top: how the daemon is, and below it the connections that come first by a key. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <wsmd/ctl.h>

#include "base/macros.h"
#include "wsmctl/command.h"
#include "wsmctl/mem.h"
#include "wsmctl/printable.h"
#include "wsmctl/report.h"
#include "wsmctl/table.h"
#include "wsmctl/terminal.h"
#include "wsmctl/value.h"

#define INTERVAL_S  1
#define HEAD_LINES  6   /* with an empty one, and the titles of the columns */
#define FILTER_ROOM 124 /* what wsmd takes, and its end */
#define KEY_ESCAPE  27
#define KEY_DELETE  127
#define KEY_BACK    8

static const struct {
	char key;
	const char *sort;
} orders[] = {{'r', "rate"}, {'t', "rtt"}, {'s', "score"}, {'w', "queue"}, {'i', "idle"}};

/* What matters most stays longest; 80 columns have room for all without a rank. */
static const char *const members[] = {
	"id",      "user", "rate_per_s", "rtt_ms", "score",       "queue_bytes",
	"idle_ms", "hub",  "age_ms",     "peer",   "messages_in", "messages_out",
};
static const struct table_column columns[] = {
	{.title = "CONNECTION"},
	{.title = "USER", .cut_to = 8},
	{.title = "RATE", .right = true},
	{.title = "RTT", .right = true},
	{.title = "SCORE", .right = true},
	{.title = "QUEUED", .right = true},
	{.title = "IDLE", .right = true, .drop_rank = 1},
	{.title = "HUB", .cut_to = 8, .drop_rank = 2},
	{.title = "AGE", .right = true, .drop_rank = 3},
	{.title = "PEER", .drop_rank = 4},
	{.title = "MSGS IN", .right = true, .drop_rank = 5},
	{.title = "MSGS OUT", .right = true, .drop_rank = 5},
};
static_assert(ARRAY_LEN(members) == ARRAY_LEN(columns), "one member for each column");

struct top {
	struct invocation *in;
	const char *sort;
	bool reverse;
	bool typing;              /* a filter: keys are its letters */
	char filter[FILTER_ROOM]; /* in force, or being typed */
	json_t *stats, *before;   /* two samples, of ... */
	double at_s, before_s;    /* ... these moments, monotonic */
	json_t *rows;             /* the answer to ls */
};

/* ---- asking ---- */

/* Returns: NULL, or what went wrong */
static json_t *ask_rows(struct top *t)
{
	const struct terminal_size size = terminal_size();
	const size_t room = size.rows > HEAD_LINES + 2 ? size.rows - HEAD_LINES - 1 : 1;
	const char *match = t->typing || t->filter[0] == '\0' ? NULL : t->filter;
	json_t *error = NULL, *rows;

	rows = client_request(
		&t->in->client, "ls",
		must(json_pack("{s:s, s:s*, s:s*, s:b, s:I}", "sort", t->sort, "hub",
	                       t->in->option[OPTION_HUB], "match", match, "reverse", t->reverse,
	                       "limit", (json_int_t)(room < 1000 ? room : 1000))),
		&error);
	if (rows != NULL) {
		json_decref(t->rows);
		t->rows = rows;
	}
	return error;
}

static json_t *ask_stats(struct top *t)
{
	json_t *error = NULL, *stats = client_request(&t->in->client, "stats", NULL, &error);

	if (stats == NULL)
		return error;
	json_decref(t->before);
	t->before = t->stats;
	t->before_s = t->at_s;
	t->stats = stats;
	t->at_s = terminal_now_s();
	return NULL;
}

/* ---- painting ---- */

static const json_t *stat(const json_t *stats, const char *group, const char *name)
{
	return json_object_get(json_object_get(stats, group), name);
}

static void print_stat(FILE *out, const struct top *t, const char *label, const char *group,
                       const char *name)
{
	char *text = value_text(name, stat(t->stats, group, name));

	fprintf(out, "%s%s", label, text);
	free(text);
}

static void print_rate(FILE *out, const struct top *t, const char *label, const char *name)
{
	const json_t *now = stat(t->stats, "basic", name), *before = stat(t->before, "basic", name);
	const double seconds = t->at_s - t->before_s;
	char *text =
		before == NULL || seconds <= 0
			? must(strdup("-"))
			: value_rate(name, (json_number_value(now) - json_number_value(before)) /
	                                           seconds);

	fprintf(out, "%s%s", label, text);
	free(text);
}

static void print_head(FILE *out, const struct top *t)
{
	char *filter = printable(t->filter, strlen(t->filter));

	print_stat(out, t, "wsmd ", "basic", "version");
	print_stat(out, t, ", up ", "basic", "uptime_s");
	print_stat(out, t, ", memory ", "basic", "memory_bytes");
	print_stat(out, t, ", connections ", "basic", "connections_active");
	print_stat(out, t, ", users ", "basic", "users_active");
	print_rate(out, t, "\nin ", "messages_in");
	print_rate(out, t, " msg/s, ", "bytes_in");
	print_rate(out, t, "/s   out ", "messages_out");
	print_rate(out, t, " msg/s, ", "bytes_out");
	print_stat(out, t, "/s   queued ", "delivery", "queue_bytes");
	print_stat(out, t, "\nscore mean ", "health", "score_mean");
	print_stat(out, t, "   rtt p50 ", "health", "rtt_p50_us");
	print_stat(out, t, ", p99 ", "health", "rtt_p99_us");
	if (t->typing)
		fprintf(out, "\nusers whose name contains: %s_   (Enter, Esc)\n\n", filter);
	else
		fprintf(out,
		        "\nby %s%s%s%s: r)ate t)rip s)core w)aiting i)dle R)everse /)filter "
		        "q)uit\n\n",
		        t->sort, t->reverse ? ", reversed" : "",
		        *filter != '\0' ? ", users with " : "", filter);
	free(filter);
}

static void print_rows(FILE *out, const struct top *t, size_t width)
{
	struct table table;
	const json_t *row;
	size_t i;

	table_init(&table, columns, ARRAY_LEN(columns));
	json_array_foreach(json_object_get(t->rows, "connections"), i, row)
	{
		for (size_t k = 0; k < ARRAY_LEN(members); k++)
			table_add(&table, value_text(members[k], json_object_get(row, members[k])));
	}
	if (i == 0)
		fputs("no connections\n", out);
	else
		table_print(&table, out, width);
	table_fini(&table);
}

static void paint(const struct top *t)
{
	const struct terminal_size size = terminal_size();
	char *text;
	size_t len;
	FILE *out = must(open_memstream(&text, &len));

	print_head(out, t);
	print_rows(out, t, size.columns);
	fclose(out);
	terminal_paint(text, size);
	free(text);
}

/* ---- keys ---- */

/* A filter beyond ASCII is for --match: letters come byte by byte. */
static void type(struct top *t, int key)
{
	const size_t len = strlen(t->filter);

	if (key == KEY_ESCAPE)
		t->filter[0] = '\0';
	if (key == KEY_ESCAPE || key == '\n' || key == '\r')
		t->typing = false;
	else if ((key == KEY_DELETE || key == KEY_BACK) && len > 0)
		t->filter[len - 1] = '\0';
	else if (key >= ' ' && key < KEY_DELETE && len + 1 < sizeof(t->filter)) {
		t->filter[len] = (char)key;
		t->filter[len + 1] = '\0';
	}
}

/* Returns: whether to go on */
static bool press(struct top *t, int key)
{
	if (t->typing) {
		type(t, key);
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(orders); i++)
		if (key == orders[i].key)
			t->sort = orders[i].sort;
	if (key == 'R')
		t->reverse = !t->reverse;
	if (key == '/') {
		t->typing = true;
		memset(t->filter, 0, sizeof(t->filter));
	}
	return key != 'q' && key != 'Q';
}

/* Until the next look is due; after a key the rows are asked for at once. */
static bool attend(struct top *t, double next_s, json_t **ret_error)
{
	for (;;) {
		const int key = terminal_key(next_s);

		if (key == TERMINAL_NO_KEY)
			return true;
		if (key >= 0 && !press(t, key))
			return false;
		*ret_error = ask_rows(t);
		if (*ret_error != NULL)
			return false;
		paint(t);
	}
}

int top_run(struct invocation *in)
{
	struct top t = {.in = in, .sort = "rate"};
	double next_s = terminal_now_s();
	json_t *error = NULL;

	if (in->option[OPTION_JSON] != NULL || !isatty(STDOUT_FILENO))
		return report_usage(in, "top needs a terminal; ls --sort KEY lists the same once");
	if (in->option[OPTION_SORT] != NULL)
		t.sort = in->option[OPTION_SORT];
	t.reverse = in->option[OPTION_REVERSE] != NULL;
	if (in->option[OPTION_MATCH] != NULL && strlen(in->option[OPTION_MATCH]) >= FILTER_ROOM)
		return report_usage(in, "--match takes at most %d bytes", FILTER_ROOM - 1);
	if (in->option[OPTION_MATCH] != NULL)
		snprintf(t.filter, sizeof(t.filter), "%s", in->option[OPTION_MATCH]);
	/* The first look may fail; then there is nothing to paint, and a sentence to read. */
	error = ask_stats(&t);
	if (error == NULL)
		error = ask_rows(&t);
	if (error != NULL)
		goto done;
	terminal_open(true);
	do {
		paint(&t);
		next_s = fmax(next_s + INTERVAL_S, terminal_now_s());
		if (!attend(&t, next_s, &error))
			break;
		error = ask_stats(&t);
		if (error == NULL)
			error = ask_rows(&t);
	} while (error == NULL);
	terminal_close();
done:
	json_decref(t.stats);
	json_decref(t.before);
	json_decref(t.rows);
	return error != NULL ? report_error(in, error) : WSMD_CTL_OK;
}
