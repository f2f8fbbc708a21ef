/* docs/statistics.md, from the tables. */
#include "stats/snapshot.h"

static const char *kind_text(enum stats_kind kind)
{
	switch (kind) {
	case STATS_gauge:
		return "gauge";
	case STATS_counter:
		return "counter";
	case STATS_counter_us:
		return "counter, microseconds (Prometheus: seconds)";
	}
	UNREACHABLE();
}

static void print_counters(FILE *out)
{
	fputs("| Name in `wsmctl stats --json` | Kind | Meaning |\n|---|---|---|\n", out);
	for (unsigned i = 0; i < STAT_CLOSES; i++) {
		const struct stats_row *row = stats_row(i);

		fprintf(out, "| `%s.%s` | %s | %s |\n", row->group, row->name, kind_text(row->kind),
		        row->help);
	}
}

/* What src/server/render.c adds to the tables. A system test looks here for every member. */
static const struct {
	const char *name, *help;
} others[] = {
	{"basic.version", "version of wsmd"},
	{"basic.environment", "profile of defaults: development, testing, staging or production"},
	{"basic.uptime_s", "seconds since the start (Prometheus: `wsmd_uptime_seconds`)"},
	{"basic.memory_bytes", "resident memory of the process (Prometheus: `wsmd_memory_bytes`)"},
	{"pool.connections", "the same as basic.connections_active"},
	{"pool.connections_limit",
         "connections that may be open at once (Prometheus: `wsmd_connections_limit`)"},
	{"pool.connections_used", "the share of them that is open, 0 to 1"},
	{"pool.each[].worker", "number of the worker, from 0"},
	{"pool.each[].pool", "which of its pools"},
	{"pool.each[].in_use", "objects in use (Prometheus: `wsmd_pool_in_use`)"},
	{"pool.each[].room",
         "objects that memory is held for; the utilisation is in_use / room (Prometheus: "
         "`wsmd_pool_room`)"},
	{"pool.each[].reused",
         "times that an object was used again (Prometheus: `wsmd_pool_reused_total`)"},
	{"health.score_mean", "mean of the scores of all connections; 0 when nobody is there"},
	{"health.rtt_mean_us",
         "mean of all measured round trips; null, as those below, before the first"},
	{"health.rtt_min_us", "the shortest of them"},
	{"health.rtt_max_us", "the longest of them"},
	{"health.rtt_p50_us", "half of them were not longer (Prometheus: `wsmd_rtt_seconds`)"},
	{"health.rtt_p90_us", "nine tenths of them were not longer"},
	{"health.rtt_p99_us", "99 of a hundred were not longer"},
	{"health.scores[]",
         "connections by the tens of their score: 0 to 9, 10 to 19, ... 90 to 99, 100 (Prometheus: "
         "`wsmd_connection_scores`)"},
	{"workers.count", "worker threads"},
	{"workers.reads_per_turn",
         "workers.reads / workers.turns, since the start (Prometheus: divide the rates of the "
         "counters)"},
	{"workers.writes_per_turn", "workers.writes / workers.turns"},
	{"workers.bytes_per_write", "basic.bytes_out / workers.writes"},
	{"workers.each[].worker", "number of the worker, from 0"},
	{"workers.each[].connections",
         "its open connections (Prometheus: `wsmd_worker_connections`)"},
	{"workers.each[].turns", "its event loop turns"},
	{"workers.each[].share", "its share of all open connections, 0 to 1"},
	{"workers.each[].turn_mean_us",
         "mean time of a turn, from waking up to its end (Prometheus: the histogram "
         "`wsmd_worker_turn_seconds`)"},
	{"workers.each[].turn_p50_us", "half of its turns took no longer, to within half of it"},
	{"workers.each[].turn_p99_us", "99 of 100 turns took no longer, to within half of it"},
	{"workers.each[].turn_max_us",
         "the longest turn so far (Prometheus: `wsmd_worker_turn_max_seconds`)"},
	{"workers.each[].inbox_depth",
         "items waiting in its inbox (Prometheus: `wsmd_worker_inbox_depth`)"},
	{"workers.each[].inbox_high",
         "the most items that one of its turns has found there (Prometheus: "
         "`wsmd_worker_inbox_high`)"},
};

static void print_others(FILE *out)
{
	fputs("\n## What is not counted\n\n"
	      "| Name in `wsmctl stats --json` | Meaning |\n|---|---|\n",
	      out);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		fprintf(out, "| `%s` | %s |\n", others[i].name, others[i].help);
}

static void print_settings(FILE *out)
{
	fputs("\n## What is configured: `heartbeat_config` and `limits`\n\n"
	      "Every key of the sections `heartbeat` and `limits` of "
	      "[configuration.md](configuration.md), as it is in\nforce, and:\n\n"
	      "| Name in `wsmctl stats --json` | Meaning |\n|---|---|\n"
	      "| `limits.max_connections` | limits.max_connections, or what the descriptors allow "
	      "when it is 0 |\n"
	      "| `limits.descriptors` | file descriptors that the process may open |\n",
	      out);
}

static const char *protocol_meaning(enum protocol_type t)
{
	switch (t) {
	case PROTOCOL_WEBSOCKET:
		return "WebSocket connections, RFC 6455";
	case PROTOCOL_LEGACY:
		return "WebSocket connections of the drafts with version 7 or 8";
	case PROTOCOL_HTTP:
		return "HTTP requests answered with a page; `now` is 0";
	case PROTOCOL_UNKNOWN:
		return "requests that are not valid HTTP/1.1; `now` is 0";
	case PROTOCOL_TYPE_COUNT:
		break;
	}
	UNREACHABLE();
}

static void print_protocols(FILE *out)
{
	fputs("\n## What clients speak: `protocol_distribution.now` and "
	      "`protocol_distribution.ever`\n\n"
	      "In Prometheus `wsmd_protocol_connections` and `wsmd_protocol_connections_total`.\n\n"
	      "| Label | Meaning |\n|---|---|\n",
	      out);
	for (int i = 0; i < PROTOCOL_TYPE_COUNT; i++) {
		const enum protocol_type t = (enum protocol_type)i;

		fprintf(out, "| `%s` | %s |\n", protocol_type_label(t), protocol_meaning(t));
	}
}

static void print_closes(FILE *out)
{
	fputs("\n## Why connections ended: `basic.closes`\n\n"
	      "| Label | Close code | Meaning |\n|---|---|---|\n",
	      out);
	for (int i = 0; i < CLOSE_REASON_COUNT; i++) {
		const enum close_reason r = (enum close_reason)i;
		char code[8] = "-";

		if (close_reason_code(r) != 0)
			snprintf(code, sizeof(code), "%u", close_reason_code(r));
		fprintf(out, "| `%s` | %s | %s |\n", close_reason_label(r), code,
		        close_reason_text(r));
	}
}

static void print_refusals(FILE *out)
{
	fputs("\n## Why connections were refused: `basic.refusals`\n\n"
	      "| Label | Status | What the client is told |\n|---|---|---|\n",
	      out);
	for (int i = 0; i < REFUSAL_COUNT; i++) {
		const enum refusal r = (enum refusal)i;
		char status[8] = "-";

		if (refusal_status(r) != 0)
			snprintf(status, sizeof(status), "%u", refusal_status(r));
		fprintf(out, "| `%s` | %s | %s |\n", refusal_label(r), status, refusal_text(r));
	}
}

static void print_pools(FILE *out)
{
	fputs("\n## The pools of a worker: `pool.each[].pool`\n\n"
	      "| Label | Objects |\n|---|---|\n",
	      out);
	for (int i = 0; i < POOL_COUNT; i++)
		fprintf(out, "| `%s` | %s |\n", pool_label((enum pool)i), pool_text((enum pool)i));
}

static void print_errors(FILE *out)
{
	fputs("\n## What peers did wrong: `basic.errors`\n\n"
	      "In Prometheus `wsmd_errors_total`. Of a WebSocket, the rule that was broken; it has "
	      "a close code. Of a\nrequest, what is wrong with it; it has a status.\n\n"
	      "| Label | Code or status | Meaning |\n|---|---|---|\n",
	      out);
	for (unsigned i = 0; i < STATS_ERROR_COUNT; i++)
		fprintf(out, "| `%s` | %u | %s |\n", stats_error_label(i), stats_error_code(i),
		        stats_error_text(i));
}

static void print_alerts(FILE *out)
{
	fputs("\n## What to be woken for\n\n"
	      "| Alert | When | Severity |\n|---|---|---|\n"
	      "| delivery success | `delivered` / (`delivered` + `dropped` + `no_such_target`) "
	      "below "
	      "95 % | warning |\n"
	      "| | below 90 % | critical |\n"
	      "| drop rate | `dropped` / (`delivered` + `dropped`) above 5 % | warning |\n"
	      "| isolation, order | `isolation_violations` or `order_violations` above 0: a bug in "
	      "wsmd | critical |\n"
	      "| room | `pool.connections_used` above 90 % | warning |\n\n"
	      "As rules for Prometheus: [wsmd.rules.yml](wsmd.rules.yml).\n",
	      out);
}

void stats_print_reference(FILE *out)
{
	fputs("# Statistics\n\n"
	      "<!-- Printed by src/stats/reference.c; the test \"docs\" says when this file is "
	      "stale. -->\n\n"
	      "Three forms of the same numbers: `wsmctl stats` (a table), `wsmctl stats --json`, "
	      "and "
	      "`/metrics`\n(Prometheus). In Prometheus a name gets `wsmd_` in front, a counter "
	      "`_total` behind; causes and\nreasons are labels. Counters never go back; gauges are "
	      "0 "
	      "again when everybody has left. `/metrics`\nis at most a second old, `wsmctl stats` "
	      "is "
	      "of this moment.\n\n",
	      out);
	print_counters(out);
	print_others(out);
	print_settings(out);
	print_protocols(out);
	print_closes(out);
	print_refusals(out);
	print_errors(out);
	print_pools(out);
	print_alerts(out);
}
