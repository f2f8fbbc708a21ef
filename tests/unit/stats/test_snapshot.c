/* Snapshots: published and copied out whole; every counter is in the Prometheus text once. */
#include "stats/snapshot.h"

#include <criterion/criterion.h>

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>

#include "base/rcu.h"
#include "heap.h"

/* Each value differs, and from those of the families' neighbours. */
static void fill(struct stats_snapshot *s, uint32_t n_workers)
{
	*s = (struct stats_snapshot){.uptime_ms = 123456,
	                             .memory_bytes = 987654321,
	                             .connections_limit = 1234,
	                             .n_workers = n_workers};
	for (unsigned i = 0; i < STAT_COUNT; i++)
		s->sum[i] = 1000000 + i;
	for (uint32_t i = 0; i < n_workers; i++) {
		s->worker[i].connections = 7000 + i;
		s->worker[i].inbox_depth = 8000 + i;
		for (unsigned k = 0; k < STAT_OF_WORKER_COUNT; k++)
			s->worker[i].value[k] = 9000 + STAT_OF_WORKER + k;
	}
}

static char *print(const struct stats_snapshot *s)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_not_null(out);
	stats_print_prometheus(s, out);
	cr_assert_eq(fclose(out), 0);
	return text;
}

static unsigned times(const char *text, const char *line)
{
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, line)) != NULL; at += strlen(line))
		n++;
	return n;
}

static void expect_once(const char *text, const char *fmt, ...) PRINTF(2, 3);
static void expect_once(const char *text, const char *fmt, ...)
{
	char line[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	cr_expect_eq(times(text, line), 1, "%u times: %s", times(text, line), line);
}

Test(snapshot, every_row_is_printed_once)
{
	static struct stats_snapshot s;

	fill(&s, 2);

	char *text = print(&s);

	for (unsigned i = 0; i < STAT_CLOSES; i++) {
		char value[32];
		const bool seconds = stats_row(i)->kind == STATS_counter_us;

		snprintf(value, sizeof(value), seconds ? " %.6f\n" : " %.0f\n",
		         (double)s.sum[i] / (seconds ? 1e6 : 1));
		/* The sum of round trips is that of their histogram, too. */
		cr_expect_eq(times(text, value), i == STAT_RTT_SUM_US ? 2 : 1, "%s%s",
		             stats_row(i)->name, value);
	}
	for (unsigned i = 0; i < CLOSE_REASON_COUNT; i++)
		expect_once(text, "\nwsmd_closes_total{reason=\"%s\"} %" PRIu64 "\n",
		            close_reason_label((enum close_reason)i), s.sum[STAT_CLOSES + i]);
	for (unsigned i = 0; i < REFUSAL_COUNT; i++)
		expect_once(text, "\nwsmd_refusals_total{cause=\"%s\"} %" PRIu64 "\n",
		            refusal_label((enum refusal)i), s.sum[STAT_REFUSALS + i]);
	for (unsigned i = 0; i < PROTOCOL_TYPE_COUNT; i++) {
		const char *label = protocol_type_label((enum protocol_type)i);

		expect_once(text, "\nwsmd_protocol_connections{protocol=\"%s\"} %" PRIu64 "\n",
		            label, s.sum[STAT_PROTOCOL_NOW + i]);
		expect_once(text,
		            "\nwsmd_protocol_connections_total{protocol=\"%s\"} %" PRIu64 "\n",
		            label, s.sum[STAT_PROTOCOL_EVER + i]);
	}
	for (unsigned i = 0; i < STAT_SCORE_COUNT; i++)
		expect_once(text, "\nwsmd_connection_scores{score=\"%u\"} %" PRIu64 "\n", 10 * i,
		            s.sum[STAT_SCORES + i]);
	expect_once(text, "\nwsmd_worker_connections{worker=\"1\"} 7001\n");
	expect_once(text, "\nwsmd_worker_inbox_depth{worker=\"0\"} 8000\n");
	for (unsigned i = 0; i < STATS_ERROR_COUNT; i++)
		expect_once(text, "\nwsmd_errors_total{cause=\"%s\"} %" PRIu64 "\n",
		            stats_error_label(i), s.sum[stats_error_id(i)]);
	for (unsigned p = 0; p < POOL_COUNT; p++) {
		expect_once(text, "\nwsmd_pool_in_use{worker=\"1\",pool=\"%s\"} %u\n",
		            stats_pool_label(p), 9000 + STAT_POOL_IN_USE + p);
		expect_once(text, "\nwsmd_pool_room{worker=\"1\",pool=\"%s\"} %u\n",
		            stats_pool_label(p), 9000 + STAT_POOL_ROOM + p);
		expect_once(text, "\nwsmd_pool_reused_total{worker=\"1\",pool=\"%s\"} %u\n",
		            stats_pool_label(p), 9000 + STAT_POOL_REUSED + p);
	}
	expect_once(text, "\nwsmd_worker_inbox_high{worker=\"0\"} %u\n", 9000 + STAT_INBOX_HIGH);
	expect_once(text, "\nwsmd_worker_turn_max_seconds{worker=\"0\"} 0.00%u\n",
	            9000 + STAT_TURN_MAX_US);
	expect_once(text, "\nwsmd_connections_limit 1234\n");
	expect_once(text, "\nwsmd_memory_bytes 987654321\n");
	expect_once(text, "\nwsmd_uptime_seconds 123.456\n");
	free(text);
}

Test(snapshot, names_as_prometheus_wants_them)
{
	static const char *const lines[] = {
		"# TYPE wsmd_connections_active gauge\n",
		"# TYPE wsmd_connections_total counter\n", /* not _total_total */
		"# TYPE wsmd_messages_in_total counter\n",
		"# TYPE wsmd_rtt_sum_seconds_total counter\n",
		"\nwsmd_rtt_sum_seconds_total 1.500000\n",
		"\nwsmd_messages_in_total 18446744073709551615\n",
	};
	static struct stats_snapshot s;

	s.sum[STAT_RTT_SUM_US] = 1500000;
	s.sum[STAT_MESSAGES_IN] = UINT64_MAX;

	char *text = print(&s);

	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		cr_expect_eq(times(text, lines[i]), 1, "%s", lines[i]);
	free(text);
}

/* Each family once: HELP, TYPE, then at least one sample of its name, then the next family. */
Test(snapshot, text_is_well_formed)
{
	static struct stats_snapshot s;
	char name[100] = "", *save = NULL, *text;
	unsigned samples = 1, families = 0;

	fill(&s, STATS_MAX_WORKERS);
	text = print(&s);
	cr_assert_eq(text[strlen(text) - 1], '\n');
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char word[100], rest[200];

		if (sscanf(line, "# HELP %99s %199[^\n]", word, rest) == 2) {
			cr_assert_gt(samples, 0, "%s has no sample", name);
			strcpy(name, word);
			samples = 0;
			families++;
		} else if (sscanf(line, "# TYPE %99s %199s", word, rest) == 2) {
			cr_assert_str_eq(word, name);
			cr_assert(strcmp(rest, "gauge") == 0 || strcmp(rest, "counter") == 0 ||
			          strcmp(rest, "histogram") == 0);
		} else {
			cr_assert_eq(sscanf(line, "%99[a-z0-9_]%199[^\n]", word, rest), 2, "%s",
			             line);
			cr_assert_eq(strncmp(word, name, strlen(name)), 0);
			cr_assert(word[strlen(name)] == '\0' ||
			          strstr("_bucket_sum_count", word + strlen(name)) != NULL);
			cr_assert(rest[0] == ' ' || rest[0] == '{', "%s", line);
			samples++;
		}
	}
	cr_assert_eq(families, STAT_CLOSES + 18);
	free(text);
}

Test(snapshot, promtool_accepts_it)
{
	static struct stats_snapshot s;
	FILE *out;
	char *text;

	if (system("promtool --version >/dev/null 2>&1") != 0)
		cr_skip("promtool is not installed");
	fill(&s, 3);
	text = print(&s);
	out = popen("promtool check metrics >&2", "w");
	cr_assert_not_null(out);
	cr_assert_geq(fputs(text, out), 0);

	const int status = pclose(out);

	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "promtool complains, see above");
	free(text);
}

/* Buckets are cumulative, and the last one is the count. */
Test(snapshot, turns_are_a_histogram)
{
	static const char *const lines[] = {
		"wsmd_worker_turn_seconds_bucket{worker=\"0\",le=\"0.000003\"} 2\n",
		"wsmd_worker_turn_seconds_bucket{worker=\"0\",le=\"0.000015\"} 2\n",
		"wsmd_worker_turn_seconds_bucket{worker=\"0\",le=\"0.000063\"} 7\n",
		"wsmd_worker_turn_seconds_bucket{worker=\"0\",le=\"+Inf\"} 8\n",
		"wsmd_worker_turn_seconds_sum{worker=\"0\"} 1.500000\n",
		"wsmd_worker_turn_seconds_count{worker=\"0\"} 8\n",
	};
	static struct stats_snapshot s;
	uint64_t *steps = &s.worker[0].value[STAT_TURN_TIME - STAT_OF_WORKER];
	char *text;

	s.n_workers = 1;
	steps[ladder_step(1)] = 1;
	steps[ladder_step(3)] = 1;
	steps[ladder_step(40)] = 5;
	steps[LADDER_STEPS - 1] = 1;
	s.worker[0].value[STAT_TURN_SUM_US - STAT_OF_WORKER] = 1500000;
	text = print(&s);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		cr_expect_eq(times(text, lines[i]), 1, "%s%s", lines[i], text);
	free(text);
}

/* Nobody counts them twice. */
Test(snapshot, frames_are_added_up)
{
	uint64_t sum[STAT_COUNT] = {0};

	sum[STAT_MESSAGES_IN] = 100;
	sum[STAT_CONTROL_IN] = 20;
	sum[STAT_CONTINUATIONS_IN] = 3;
	sum[STAT_MESSAGES_OUT] = 5000;
	sum[STAT_CONTROL_OUT] = 400;
	stats_settle(sum);
	cr_assert_eq(sum[STAT_FRAMES_IN], 123);
	cr_assert_eq(sum[STAT_FRAMES_OUT], 5400);
}

/* A connection that came and went between the reading of two blocks. */
Test(snapshot, a_gauge_is_never_below_zero)
{
	uint64_t sum[STAT_COUNT] = {0};

	sum[STAT_CONNECTIONS_ACTIVE] = (uint64_t)-1;
	sum[STAT_QUEUE_BYTES] = INT64_MAX;
	sum[STAT_BYTES_IN] = UINT64_MAX;
	stats_settle(sum);
	cr_assert_eq(sum[STAT_CONNECTIONS_ACTIVE], 0);
	cr_assert_eq(sum[STAT_QUEUE_BYTES], INT64_MAX);
	cr_assert_eq(sum[STAT_BYTES_IN], UINT64_MAX, "a counter means what it says");
}

/* ---- the cell ---- */

Test(stats_cell, what_was_published_last_is_read)
{
	static struct stats_snapshot got;
	struct stats_cell cell = {NULL};

	rcu_thread_enter();
	got.uptime_ms = 42;
	cr_assert_not(stats_cell_read(&cell, &got));
	cr_assert_eq(got.uptime_ms, 42, "untouched");
	for (uint64_t i = 1; i <= 3; i++) {
		struct stats_snapshot *next = calloc(1, sizeof(*next));

		cr_assert_not_null(next);
		fill(next, (uint32_t)i);
		next->uptime_ms = i;
		stats_cell_publish(&cell, next);
		cr_assert_eq(heap_blocks(), 1, "the last one is gone");
		cr_assert(stats_cell_read(&cell, &got));
		cr_assert_eq(memcmp(&got, next, sizeof(got)), 0);
	}
	stats_cell_publish(&cell, NULL);
	cr_assert_eq(heap_blocks(), 0);
	cr_assert_not(stats_cell_read(&cell, &got));
	stats_cell_publish(&cell, NULL);
	rcu_thread_leave();
}
