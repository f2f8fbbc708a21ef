/* Rows, statistics and configuration as JSON. */
#include "server/render.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "stats/round_trips.h"
#include "wsmd/version.h"

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

/* 0 stands for "none yet". */
static json_t *round_trip_ms(uint32_t us)
{
	return us == 0 ? json_null() : json_real((double)us / US_PER_MS);
}

json_t *render_heartbeat(const struct heartbeat *h)
{
	return json_pack("{s:f, s:f, s:b}", "interval_s", (double)h->interval_ms / MS_PER_S,
	                 "timeout_s", (double)h->timeout_ms / MS_PER_S, "own", (int)!h->reset);
}

static void add_details(json_t *o, const struct conn_row *row)
{
	char when[TEXT_ISO8601];

	json_object_set_new(o, "transport", json_string(row->transport));
	json_object_set_new(o, "healthy", json_boolean(row->healthy));
	json_object_set_new(o, "suspect", json_boolean(row->suspect));
	json_object_set_new(o, "missed", number(row->missed));
	json_object_set_new(o, "ping_pending", json_boolean(row->ping_pending));
	json_object_set_new(o, "pings_sent", number(row->pings_sent));
	json_object_set_new(o, "pongs_received", number(row->pongs_received));
	json_object_set_new(o, "srtt_ms", round_trip_ms(row->srtt_us));
	json_object_set_new(o, "rttvar_ms", round_trip_ms(row->rttvar_us));
	json_object_set_new(o, "rtt_average_ms", round_trip_ms(row->rtt_average_us));
	json_object_set_new(o, "last_activity_at",
	                    json_string(text_iso8601(when, row->connected_wall_ms + row->age_ms -
	                                                           row->idle_ms)));
	json_object_set_new(o, "heartbeat", render_heartbeat(&row->heartbeat));
	json_object_set_new(o, "queue_peak_bytes", number(row->queue_peak_bytes));
	json_object_set_new(o, "skipped_messages", number(row->skipped_messages));
	json_object_set_new(o, "incomplete_bytes", number(row->incomplete_bytes));
}

static json_t *group_names(const struct conn_row *row, const char *names)
{
	json_t *list = json_array();
	const char *at = names + row->names_at;

	for (uint32_t i = 0; i < row->n_names; i++) {
		uint16_t len;

		memcpy(&len, at, sizeof(len));
		json_array_append_new(list, json_stringn(at + sizeof(len), len));
		at += sizeof(len) + len;
	}
	return list;
}

json_t *render_row(const struct conn_row *row, const char *names)
{
	char id[CONN_ID_TEXT], peer[NET_ADDR_TEXT], when[TEXT_ISO8601];
	json_t *o = json_object();

	conn_id_format(&row->id, id);
	json_object_set_new(o, "id", json_string(id));
	json_object_set_new(o, "hub", json_string(row->hub));
	json_object_set_new(o, "user",
	                    row->user_len > 0 ? json_stringn(row->user, row->user_len)
	                                      : json_null());
	json_object_set_new(o, "worker", number(row->worker));
	json_object_set_new(o, "peer", json_string(net_addr_format(&row->peer, peer)));
	json_object_set_new(o, "protocol", json_string(protocol_type_label(row->protocol)));
	json_object_set_new(o, "state", json_string(row->state));
	json_object_set_new(o, "connected_at",
	                    json_string(text_iso8601(when, row->connected_wall_ms)));
	json_object_set_new(o, "age_ms", number(row->age_ms));
	json_object_set_new(o, "idle_ms", number(row->idle_ms));
	json_object_set_new(o, "messages_in", number(row->messages_in));
	json_object_set_new(o, "messages_out", number(row->messages_out));
	json_object_set_new(o, "bytes_in", number(row->bytes_in));
	json_object_set_new(o, "bytes_out", number(row->bytes_out));
	json_object_set_new(o, "queue_bytes", number(row->queue_bytes));
	json_object_set_new(o, "score", number(row->score));
	json_object_set_new(o, "rtt_ms", round_trip_ms(row->rtt_us));
	if (names == NULL)
		return o;
	add_details(o, row);
	json_object_set_new(o, "groups_total", number(row->n_groups));
	json_object_set_new(o, "groups", group_names(row, names));
	return o;
}

/* ---- what became of a send ---- */

json_t *render_outcome(const struct outcome *o)
{
	json_t *all = json_object(), *reasons = json_object();

	json_object_set_new(all, "delivered", number(o->delivered));
	json_object_set_new(all, "queued", number(o->queued));
	json_object_set_new(all, "dropped", number(o->dropped));
	for (unsigned i = 0; i < DROP_REASON_COUNT; i++)
		if (o->dropped_for[i] > 0)
			json_object_set_new(reasons, drop_reason_label((enum drop_reason)i),
			                    number(o->dropped_for[i]));
	if (o->dropped > 0)
		json_object_set(all, "dropped_for", reasons);
	json_decref(reasons);
	if (o->user_seq > 0)
		json_object_set_new(all, "user_seq", number(o->user_seq));
	return all;
}

json_t *render_outcome_row(const struct outcome_row *row)
{
	char id[CONN_ID_TEXT];

	conn_id_format(&row->id, id);
	if (row->delivered)
		return json_pack("{s:s, s:s}", "id", id, "outcome", "delivered");
	return json_pack("{s:s, s:s, s:s}", "id", id, "outcome", "dropped", "reason",
	                 drop_reason_label(row->reason));
}

/* ---- statistics ---- */

static json_t *family(const struct stats_snapshot *s, unsigned base, unsigned n,
                      const char *(*label)(unsigned))
{
	json_t *o = json_object();

	for (unsigned i = 0; i < n; i++)
		json_object_set_new(o, label(i), number(s->sum[base + i]));
	return o;
}

/* A row of the counters table goes where its group says. */
static void add_counters(json_t *all, const struct stats_snapshot *s)
{
	for (unsigned i = 0; i < STAT_CLOSES; i++) {
		const struct stats_row *row = stats_row(i);

		json_object_set_new(json_object_get(all, row->group), row->name, number(s->sum[i]));
	}
}

static json_t *errors(const struct stats_snapshot *s)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < STATS_ERROR_COUNT; i++)
		json_object_set_new(o, stats_error_label(i), number(s->sum[stats_error_id(i)]));
	return o;
}

static json_t *worker(const struct stats_snapshot *s, uint32_t i)
{
	const struct stats_worker *w = &s->worker[i];
	uint64_t all = 0;
	json_t *o = json_object();

	for (uint32_t k = 0; k < s->n_workers; k++)
		all += s->worker[k].connections;
	json_object_set_new(o, "worker", number(i));
	json_object_set_new(o, "connections", number(w->connections));
	json_object_set_new(o, "share",
	                    json_real(all == 0 ? 0 : (double)w->connections / (double)all));
	json_object_set_new(o, "turns", number(w->turns));
	json_object_set_new(o, "turn_mean_us", json_real(stats_turn_mean_us(w)));
	json_object_set_new(o, "turn_p50_us", number(stats_turn_quantile_us(w, 0.5)));
	json_object_set_new(o, "turn_p99_us", number(stats_turn_quantile_us(w, 0.99)));
	json_object_set_new(o, "turn_max_us", number(stats_of_worker(w, STAT_TURN_MAX_US)));
	json_object_set_new(o, "inbox_depth", number(w->inbox_depth));
	json_object_set_new(o, "inbox_high", number(stats_of_worker(w, STAT_INBOX_HIGH)));
	return o;
}

static json_t *workers(const struct stats_snapshot *s)
{
	json_t *o = json_object(), *each = json_array();

	json_object_set_new(o, "count", number(s->n_workers));
	for (uint32_t i = 0; i < s->n_workers; i++)
		json_array_append_new(each, worker(s, i));
	json_object_set_new(o, "each", each);
	return o;
}

/* A row for each worker and pool; the utilisation is in_use / room. */
static json_t *pools(const struct stats_snapshot *s)
{
	json_t *each = json_array();

	for (uint32_t i = 0; i < s->n_workers; i++)
		for (unsigned p = 0; p < POOL_COUNT; p++) {
			const struct stats_worker *w = &s->worker[i];
			json_t *row = json_object();

			json_object_set_new(row, "worker", number(i));
			json_object_set_new(row, "pool", json_string(stats_pool_label(p)));
			json_object_set_new(row, "in_use",
			                    number(stats_of_worker(w, STAT_POOL_IN_USE + p)));
			json_object_set_new(row, "room",
			                    number(stats_of_worker(w, STAT_POOL_ROOM + p)));
			json_object_set_new(row, "reused",
			                    number(stats_of_worker(w, STAT_POOL_REUSED + p)));
			json_array_append_new(each, row);
		}
	return each;
}

static json_t *pool(const struct stats_snapshot *s)
{
	const uint64_t active = s->sum[STAT_CONNECTIONS_ACTIVE], limit = s->connections_limit;
	json_t *o = json_object();

	json_object_set_new(o, "connections", number(active));
	json_object_set_new(o, "connections_limit", number(limit));
	json_object_set_new(o, "connections_used",
	                    json_real(limit == 0 ? 0 : (double)active / (double)limit));
	json_object_set_new(o, "each", pools(s));
	return o;
}

/* What is in force, under the names of the configuration. */
static void add_settings(json_t *all, const struct server *s, const struct stats_snapshot *snapshot)
	ON_MAIN;
static void add_settings(json_t *all, const struct server *s, const struct stats_snapshot *snapshot)
{
	json_t *conf = render_conf(server_conf(s));
	json_t *limits = json_object_get(conf, "limits");

	json_object_set(all, "heartbeat_config", json_object_get(conf, "heartbeat"));
	json_object_set_new(limits, "max_connections", number(snapshot->connections_limit));
	json_object_set_new(limits, "descriptors", number(s->fd_limit));
	json_object_set(all, "limits", limits);
	json_decref(conf);
}

static void add_round_trips(json_t *health, const struct stats_snapshot *s)
{
	struct round_trips r;

	round_trips_sum(s, &r);
	const struct {
		const char *name;
		uint64_t us;
	} members[] = {
		{"rtt_mean_us", (uint64_t)(r.mean_us + 0.5)},
		{"rtt_min_us", r.min_us},
		{"rtt_max_us", r.max_us},
		{"rtt_p50_us", r.p50_us},
		{"rtt_p90_us", r.p90_us},
		{"rtt_p99_us", r.p99_us},
	};

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		json_object_set_new(health, members[i].name,
		                    r.count == 0 ? json_null() : number(members[i].us));
}

/* What is known of health besides the counters. */
static void add_health(json_t *health, const struct stats_snapshot *s)
{
	json_t *scores = json_array();
	uint64_t n = 0;

	for (unsigned i = 0; i < STAT_SCORE_COUNT; i++) {
		n += s->sum[STAT_SCORES + i];
		json_array_append_new(scores, number(s->sum[STAT_SCORES + i]));
	}
	json_object_set_new(health, "score_mean",
	                    json_real(n == 0 ? 0 : (double)s->sum[STAT_SCORE_SUM] / (double)n));
	json_object_set_new(health, "scores", scores);
	add_round_trips(health, s);
}

static json_t *mean(const struct stats_snapshot *s, unsigned of, unsigned by)
{
	return json_real(s->sum[by] == 0 ? 0 : (double)s->sum[of] / (double)s->sum[by]);
}

/* How well calls are saved: the more there is to do, the more a turn and a call should carry. */
static void add_means(json_t *workers, const struct stats_snapshot *s)
{
	json_object_set_new(workers, "reads_per_turn", mean(s, STAT_READS, STAT_TURNS));
	json_object_set_new(workers, "writes_per_turn", mean(s, STAT_WRITES, STAT_TURNS));
	json_object_set_new(workers, "bytes_per_write", mean(s, STAT_BYTES_OUT, STAT_WRITES));
}

json_t *render_stats(const struct server *s, const struct stats_snapshot *snapshot)
{
	const struct conf *c = server_conf(s);
	json_t *basic = json_object(), *all = json_object();

	json_object_set_new(basic, "version", json_string(WSMD_VERSION));
	json_object_set_new(basic, "environment", json_string(conf_env_name(c->env)));
	json_object_set_new(basic, "uptime_s", json_real((double)snapshot->uptime_ms / MS_PER_S));
	json_object_set_new(basic, "memory_bytes", number(snapshot->memory_bytes));
	json_object_set_new(all, "basic", basic);
	json_object_set_new(all, "protocol_distribution",
	                    json_pack("{s:o, s:o}", "now",
	                              family(snapshot, STAT_PROTOCOL_NOW, PROTOCOL_TYPE_COUNT,
	                                     stats_protocol_label),
	                              "ever",
	                              family(snapshot, STAT_PROTOCOL_EVER, PROTOCOL_TYPE_COUNT,
	                                     stats_protocol_label)));
	json_object_set_new(all, "health", json_object());
	json_object_set_new(all, "delivery", json_object());
	add_settings(all, s, snapshot);
	json_object_set_new(all, "workers", workers(snapshot));
	json_object_set_new(all, "pool", pool(snapshot));
	add_counters(all, snapshot);
	add_health(json_object_get(all, "health"), snapshot);
	add_means(json_object_get(all, "workers"), snapshot);
	json_object_set_new(basic, "closes",
	                    family(snapshot, STAT_CLOSES, CLOSE_REASON_COUNT, stats_close_label));
	json_object_set_new(basic, "errors", errors(snapshot));
	json_object_set_new(basic, "refusals",
	                    family(snapshot, STAT_REFUSALS, REFUSAL_COUNT, stats_refusal_label));
	return all;
}

json_t *render_conf(const struct conf *c)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	json_t *o = NULL;

	if (out == NULL)
		return NULL;
	const int err = conf_print(c, out);

	if (fclose(out) == 0 && err == 0)
		o = json_loadb(text, len, 0, NULL);
	free(text);
	return o;
}
