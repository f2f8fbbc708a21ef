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

void stats_print_reference(FILE *out)
{
	fputs("# Statistics\n\n"
	      "<!-- Printed from src/stats/counters.h, close_reason.h and refusal.h; the test "
	      "\"docs\" says when\n     this file is stale. -->\n\n"
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
	print_closes(out);
	print_refusals(out);
}
