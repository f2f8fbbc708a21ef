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
	sum[STAT_FRAMES_IN] =
		sum[STAT_MESSAGES_IN] + sum[STAT_CONTROL_IN] + sum[STAT_CONTINUATIONS_IN];
	sum[STAT_FRAMES_OUT] = sum[STAT_MESSAGES_OUT] + sum[STAT_CONTROL_OUT];
	for (unsigned i = 0; i < STAT_CLOSES; i++)
		if (rows[i].kind == STATS_gauge && sum[i] > INT64_MAX)
			sum[i] = 0;
}

uint64_t stats_turn_quantile_us(const struct stats_worker *w, double q)
{
	return ladder_quantile(&w->value[STAT_TURN_TIME - STAT_OF_WORKER], q,
	                       stats_of_worker(w, STAT_TURN_MAX_US));
}

double stats_turn_mean_us(const struct stats_worker *w)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < LADDER_STEPS; i++)
		n += stats_of_worker(w, STAT_TURN_TIME + i);
	return n == 0 ? 0 : (double)stats_of_worker(w, STAT_TURN_SUM_US) / (double)n;
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

const char *stats_pool_label(unsigned i)
{
	return pool_label((enum pool)i);
}

const char *stats_error_label(unsigned i)
{
	return i < WS_RULE_COUNT ? ws_rule_name((enum ws_rule)i)
	                         : http_fault_name((enum http_fault)(i - WS_RULE_COUNT + 1));
}

const char *stats_error_text(unsigned i)
{
	return i < WS_RULE_COUNT ? ws_rule_text((enum ws_rule)i)
	                         : http_fault_text((enum http_fault)(i - WS_RULE_COUNT + 1));
}

uint16_t stats_error_code(unsigned i)
{
	return i < WS_RULE_COUNT ? ws_rule_close_code((enum ws_rule)i)
	                         : http_fault_status((enum http_fault)(i - WS_RULE_COUNT + 1));
}

unsigned stats_error_id(unsigned i)
{
	return i < WS_RULE_COUNT ? STAT_RULES + i : STAT_FAULTS + i - WS_RULE_COUNT + 1;
}

static void print_errors(FILE *out, const struct stats_snapshot *s)
{
	print_head(out, "errors_total", false, "what peers did wrong, by cause");
	for (unsigned i = 0; i < STATS_ERROR_COUNT; i++)
		fprintf(out, "wsmd_errors_total{cause=\"%s\"} %" PRIu64 "\n", stats_error_label(i),
		        s->sum[stats_error_id(i)]);
}

static uint64_t connections_of(const struct stats_worker *w)
{
	return w->connections;
}

static uint64_t depth_of(const struct stats_worker *w)
{
	return w->inbox_depth;
}

static uint64_t high_of(const struct stats_worker *w)
{
	return stats_of_worker(w, STAT_INBOX_HIGH);
}

static void print_pool(FILE *out, const struct stats_snapshot *s, const char *name, bool gauge,
                       const char *help, unsigned base)
{
	print_head(out, name, gauge, help);
	for (uint32_t i = 0; i < s->n_workers; i++)
		for (unsigned p = 0; p < POOL_COUNT; p++)
			fprintf(out, "wsmd_%s{worker=\"%u\",pool=\"%s\"} %" PRIu64 "\n", name, i,
			        stats_pool_label(p), stats_of_worker(&s->worker[i], base + p));
}

/* A line for each second power of two: all steps would be hundreds for each worker. */
#define STEPS_A_LINE 4

/* @label "" or with its comma behind it, such as "worker=\"0\","; @count of each step */
static void print_ladder(FILE *out, const char *name, const char *label,
                         const uint64_t count[LADDER_STEPS], uint64_t sum_us)
{
	const int len = (int)strlen(label); /* without the comma where nothing follows */
	uint64_t n = 0;

	for (unsigned i = 0; i < LADDER_STEPS; i++) {
		n += count[i];
		if (i % STEPS_A_LINE == STEPS_A_LINE - 1)
			fprintf(out, "wsmd_%s_bucket{%sle=\"%.6f\"} %" PRIu64 "\n", name, label,
			        (double)ladder_end(i) / 1e6, n);
	}
	fprintf(out, "wsmd_%s_bucket{%sle=\"+Inf\"} %" PRIu64 "\n", name, label, n);
	fprintf(out, "wsmd_%s_sum{%.*s} %.6f\n", name, len > 0 ? len - 1 : 0, label,
	        (double)sum_us / 1e6);
	fprintf(out, "wsmd_%s_count{%.*s} %" PRIu64 "\n", name, len > 0 ? len - 1 : 0, label, n);
}

static void print_ladder_head(FILE *out, const char *name, const char *help)
{
	fprintf(out, "# HELP wsmd_%s %s\n# TYPE wsmd_%s histogram\n", name, help, name);
}

static void print_turns(FILE *out, const struct stats_snapshot *s)
{
	print_ladder_head(out, "worker_turn_seconds", "how long the turns of each worker took");
	for (uint32_t i = 0; i < s->n_workers; i++) {
		const struct stats_worker *w = &s->worker[i];
		char label[32];

		snprintf(label, sizeof(label), "worker=\"%u\",", i);
		print_ladder(out, "worker_turn_seconds", label,
		             &w->value[STAT_TURN_TIME - STAT_OF_WORKER],
		             stats_of_worker(w, STAT_TURN_SUM_US));
	}
	print_head(out, "worker_turn_max_seconds", true, "the longest turn of each worker so far");
	for (uint32_t i = 0; i < s->n_workers; i++)
		fprintf(out, "wsmd_worker_turn_max_seconds{worker=\"%u\"} %.6f\n", i,
		        (double)stats_of_worker(&s->worker[i], STAT_TURN_MAX_US) / 1e6);
}

static const char *score_label(unsigned i)
{
	static const char *const labels[STAT_SCORE_COUNT] = {"0",  "10", "20", "30", "40", "50",
	                                                     "60", "70", "80", "90", "100"};

	ASSERT(i < STAT_SCORE_COUNT);
	return labels[i];
}

static void print_workers(FILE *out, const struct stats_snapshot *s)
{
	static const struct {
		const char *name, *help;
		uint64_t (*value)(const struct stats_worker *w);
	} gauges[] = {
		{"worker_connections", "open connections of each worker", connections_of},
		{"worker_inbox_depth", "items waiting in the inbox of each worker", depth_of},
		{"worker_inbox_high", "the most items that a turn of each worker has found",
	         high_of},
	};

	for (size_t g = 0; g < ARRAY_LEN(gauges); g++) {
		print_head(out, gauges[g].name, true, gauges[g].help);
		for (uint32_t i = 0; i < s->n_workers; i++)
			fprintf(out, "wsmd_%s{worker=\"%u\"} %" PRIu64 "\n", gauges[g].name, i,
			        gauges[g].value(&s->worker[i]));
	}
	print_turns(out, s);
	print_pool(out, s, "pool_in_use", true, "objects of each pool in use", STAT_POOL_IN_USE);
	print_pool(out, s, "pool_room", true, "objects of each pool that memory is held for",
	           STAT_POOL_ROOM);
	print_pool(out, s, "pool_reused_total", false,
	           "times that an object of each pool was used again", STAT_POOL_REUSED);
}

void stats_print_prometheus(const struct stats_snapshot *s, FILE *out)
{
	print_head(out, "uptime_seconds", true, "time since start");
	fprintf(out, "wsmd_uptime_seconds %.3f\n", (double)s->uptime_ms / 1000);
	print_head(out, "connections_limit", true, "connections that may be open at once");
	fprintf(out, "wsmd_connections_limit %" PRIu64 "\n", s->connections_limit);
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
	print_errors(out, s);
	print_family(out, s, "connection_scores", true,
	             "connections, by the tens of their health score", "score", STAT_SCORES,
	             STAT_SCORE_COUNT, score_label);
	print_ladder_head(out, "rtt_seconds", "round trips of pings");
	print_ladder(out, "rtt_seconds", "", &s->sum[STAT_RTT], s->sum[STAT_RTT_SUM_US]);
	print_workers(out, s);
}
