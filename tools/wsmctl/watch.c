/* A picture of the daemon that keeps moving. */
#include "wsmctl/watch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <wsmd/ctl.h>

#include "wsmctl/mem.h"
#include "wsmctl/picture.h"
#include "wsmctl/report.h"
#include "wsmctl/terminal.h"
#include "wsmctl/value.h"

struct sample {
	json_t *stats;
	double at_s; /* monotonic */
};

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

static void paint(struct picture *picture, const struct sample *now, const struct sample *before,
                  double interval_s)
{
	const struct terminal_size size = terminal_size();
	char *text;
	size_t len;
	FILE *out = must(open_memstream(&text, &len));

	print_heading(out, now, interval_s);
	picture_print(picture, out, now->stats, before->stats, now->at_s - before->at_s,
	              size.columns, size.rows - 1 - HEADING_LINES);
	fclose(out);
	terminal_paint(text, size);
	free(text);
}

/* Returns: whether to go on */
static bool pause_until(double deadline_s)
{
	for (;;) {
		const int key = terminal_key(deadline_s);

		if (key == 'q' || key == 'Q')
			return false;
		if (key == TERMINAL_NO_KEY)
			return true;
	}
}

static void show(const struct invocation *in, struct picture *picture, const struct sample *now,
                 const struct sample *before, double interval_s)
{
	if (in->option[OPTION_JSON] != NULL) {
		char *text = must(json_dumps(now->stats, JSON_COMPACT | JSON_ENSURE_ASCII |
		                                                 JSON_REAL_PRECISION(15)));

		puts(text);
		free(text);
	} else if (terminal_shows_picture()) {
		paint(picture, now, before, interval_s);
	} else if (before->stats != NULL) {
		print_rates(now, before);
	}
	fflush(stdout);
}

int watch_run(struct invocation *in, double interval_s)
{
	struct sample before = {0}, now = {0};
	double next_s = terminal_now_s();
	struct picture picture;
	json_t *error = NULL;

	picture_init(&picture);
	terminal_open(isatty(STDOUT_FILENO) && in->option[OPTION_JSON] == NULL);
	do {
		now.stats = client_request(&in->client, "stats", NULL, &error);
		if (now.stats == NULL)
			break;
		now.at_s = terminal_now_s();
		show(in, &picture, &now, &before, interval_s);
		json_decref(before.stats);
		before = now;
		next_s = fmax(next_s + interval_s, terminal_now_s());
	} while (pause_until(next_s));
	terminal_close();
	json_decref(before.stats);
	picture_fini(&picture);
	return error != NULL ? report_error(in, error) : WSMD_CTL_OK;
}
