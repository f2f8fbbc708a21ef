/* Rows, statistics and configuration as JSON. */
#include "server/render.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "wsmd/version.h"

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

/* 0 stands for "none yet". */
static json_t *measured(uint32_t us)
{
	return us == 0 ? json_null() : number(us);
}

static void add_details(json_t *o, const struct conn_row *row)
{
	json_object_set_new(o, "pings_sent", number(row->pings_sent));
	json_object_set_new(o, "pongs_received", number(row->pongs_received));
	json_object_set_new(o, "ping_pending", json_boolean(row->ping_pending));
	json_object_set_new(o, "missed", number(row->missed));
	json_object_set_new(o, "rtt_us", measured(row->rtt_us));
	json_object_set_new(o, "rtt_min_us", measured(row->rtt_min_us));
	json_object_set_new(o, "rtt_max_us", measured(row->rtt_max_us));
	json_object_set_new(o, "incomplete_bytes", number(row->incomplete_bytes));
}

json_t *render_row(const struct conn_row *row, bool detailed)
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
	if (detailed)
		add_details(o, row);
	return o;
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

static json_t *workers(const struct stats_snapshot *s)
{
	json_t *o = json_object(), *each = json_array();

	json_object_set_new(o, "count", number(s->n_workers));
	for (uint32_t i = 0; i < s->n_workers; i++)
		json_array_append_new(each, json_pack("{s:i, s:I, s:I, s:I}", "worker", (int)i,
		                                      "connections",
		                                      (json_int_t)s->worker[i].connections, "turns",
		                                      (json_int_t)s->worker[i].turns, "inbox_depth",
		                                      (json_int_t)s->worker[i].inbox_depth));
	json_object_set_new(o, "each", each);
	return o;
}

static json_t *heartbeat_config(const struct conf *c)
{
	const struct conf_heartbeat *h = &c->heartbeat;

	return json_pack("{s:f, s:f, s:f, s:i, s:f}", "interval_s", h->interval_ms / 1000.0,
	                 "timeout_s", h->timeout_ms / 1000.0, "housekeeping_s",
	                 h->housekeeping_ms / 1000.0, "missed_limit", (int)h->missed_limit,
	                 "grace_factor", h->grace_factor);
}

static json_t *limits(const struct server *s) ON_MAIN;
static json_t *limits(const struct server *s)
{
	const struct conf_limits *l = &server_conf(s)->limits;
	const uint32_t room = server_fd_room(s->fd_limit, s->n_workers);
	json_t *o = json_object();

	json_object_set_new(o, "max_connections",
	                    number(l->max_connections == 0 ? room : l->max_connections));
	json_object_set_new(o, "max_connections_per_user", number(l->max_connections_per_user));
	json_object_set_new(o, "max_half_open", number(l->max_half_open));
	json_object_set_new(o, "max_message_bytes", number(l->max_message_bytes));
	json_object_set_new(o, "max_fragments", number(l->max_fragments));
	json_object_set_new(o, "send_queue_bytes", number(l->send_queue_bytes));
	json_object_set_new(o, "descriptors", number(s->fd_limit));
	return o;
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
	json_object_set_new(all, "heartbeat_config", heartbeat_config(c));
	json_object_set_new(all, "limits", limits(s));
	json_object_set_new(all, "workers", workers(snapshot));
	add_counters(all, snapshot);
	json_object_set_new(basic, "closes",
	                    family(snapshot, STAT_CLOSES, CLOSE_REASON_COUNT, stats_close_label));
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
