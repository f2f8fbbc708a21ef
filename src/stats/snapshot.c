/* Publishing and rendering a snapshot. */
#include "stats/snapshot.h"

#include <inttypes.h>
#include <string.h>

#include "base/rcu.h"

void stats_cell_publish(struct stats_cell *cell, struct stats_snapshot *next)
{
	struct stats_snapshot *last = rcu_swap(&cell->now, next);

	if (last == NULL)
		return;
	rcu_wait();
	free(last);
}

bool stats_cell_read(struct stats_cell *cell, struct stats_snapshot *ret)
{
	rcu_enter();
	const struct stats_snapshot *now = rcu_load(&cell->now);

	if (now != NULL)
		*ret = *now;
	rcu_leave();
	return now != NULL;
}

static const struct stats_row rows[STAT_CLOSES] = {
#define X(id, group, name, kind, help) [id] = {#group, #name, help, STATS_##kind},
	COUNTERS(X)
#undef X
};

const struct stats_row *stats_row(unsigned id)
{
	ASSERT(id < STAT_CLOSES);
	return &rows[id];
}

void stats_settle(uint64_t sum[STAT_COUNT])
{
	for (unsigned i = 0; i < STAT_CLOSES; i++)
		if (rows[i].kind == STATS_gauge && sum[i] > INT64_MAX)
			sum[i] = 0;
}

static void print_head(FILE *out, const char *name, bool gauge, const char *help)
{
	fprintf(out, "# HELP wsmd_%s %s\n# TYPE wsmd_%s %s\n", name, help, name,
	        gauge ? "gauge" : "counter");
}

/* Prometheus wants counters to end in _total and times in seconds; JSON keeps our names. */
static void print_scalar(FILE *out, const struct stats_row *row, uint64_t value)
{
	const char *total = strstr(row->name, "_total");
	const int len = (int)(total != NULL ? (size_t)(total - row->name) : strlen(row->name));
	char name[64];

	switch (row->kind) {
	case STATS_gauge:
		print_head(out, row->name, true, row->help);
		fprintf(out, "wsmd_%s %" PRIu64 "\n", row->name, value);
		break;
	case STATS_counter:
		snprintf(name, sizeof(name), "%.*s_total", len, row->name);
		print_head(out, name, false, row->help);
		fprintf(out, "wsmd_%s %" PRIu64 "\n", name, value);
		break;
	case STATS_counter_us:
		snprintf(name, sizeof(name), "%.*s_seconds_total", len - 3, row->name);
		print_head(out, name, false, row->help);
		fprintf(out, "wsmd_%s %.6f\n", name, (double)value / 1e6);
		break;
	}
}

static void print_family(FILE *out, const struct stats_snapshot *s, const char *name, bool gauge,
                         const char *help, const char *label, unsigned base, unsigned n,
                         const char *(*label_of)(unsigned))
{
	print_head(out, name, gauge, help);
	for (unsigned i = 0; i < n; i++)
		fprintf(out, "wsmd_%s{%s=\"%s\"} %" PRIu64 "\n", name, label, label_of(i),
		        s->sum[base + i]);
}

const char *stats_close_label(unsigned i)
{
	return close_reason_label((enum close_reason)i);
}

const char *stats_refusal_label(unsigned i)
{
	return refusal_label((enum refusal)i);
}

const char *stats_protocol_label(unsigned i)
{
	return protocol_type_label((enum protocol_type)i);
}

static void print_workers(FILE *out, const struct stats_snapshot *s)
{
	print_head(out, "worker_connections", true, "open connections of each worker");
	for (uint32_t i = 0; i < s->n_workers; i++)
		fprintf(out, "wsmd_worker_connections{worker=\"%u\"} %" PRIu64 "\n", i,
		        s->worker[i].connections);
	print_head(out, "worker_inbox_depth", true, "items waiting in the inbox of each worker");
	for (uint32_t i = 0; i < s->n_workers; i++)
		fprintf(out, "wsmd_worker_inbox_depth{worker=\"%u\"} %" PRIu64 "\n", i,
		        s->worker[i].inbox_depth);
}

void stats_print_prometheus(const struct stats_snapshot *s, FILE *out)
{
	print_head(out, "uptime_seconds", true, "time since start");
	fprintf(out, "wsmd_uptime_seconds %.3f\n", (double)s->uptime_ms / 1000);
	print_head(out, "memory_bytes", true, "resident memory of the process");
	fprintf(out, "wsmd_memory_bytes %" PRIu64 "\n", s->memory_bytes);
	for (unsigned i = 0; i < STAT_CLOSES; i++)
		print_scalar(out, &rows[i], s->sum[i]);
	print_family(out, s, "closes_total", false, "connections ended, by reason", "reason",
	             STAT_CLOSES, CLOSE_REASON_COUNT, stats_close_label);
	print_family(out, s, "refusals_total", false, "connections refused, by cause", "cause",
	             STAT_REFUSALS, REFUSAL_COUNT, stats_refusal_label);
	print_family(out, s, "protocol_connections", true, "open connections, by protocol",
	             "protocol", STAT_PROTOCOL_NOW, PROTOCOL_TYPE_COUNT, stats_protocol_label);
	print_family(out, s, "protocol_connections_total", false, "connections ever, by protocol",
	             "protocol", STAT_PROTOCOL_EVER, PROTOCOL_TYPE_COUNT, stats_protocol_label);
	print_workers(out, s);
}
