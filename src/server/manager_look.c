/* Health of a connection, statistics of a manager. */
#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "server/ask.h"
#include "server/call.h"
#include "server/manager.h"
#include "server/render.h"
#include "server/sized.h"

/* ---- health ---- */

static void describe(const struct conn_row *row, struct wsmd_health *h)
{
	*h = (struct wsmd_health){
		.healthy = row->healthy,
		.suspect = row->suspect,
		.ping_pending = row->ping_pending,
		.score = row->score,
		.missed = row->missed,
		.worker = row->worker,
		.rtt_us = row->rtt_us,
		.srtt_us = row->srtt_us,
		.rttvar_us = row->rttvar_us,
		.rtt_average_us = row->rtt_average_us,
		.connected_at_ms = row->connected_wall_ms,
		.age_ms = row->age_ms,
		.idle_ms = row->idle_ms,
		.messages_in = row->messages_in,
		.messages_out = row->messages_out,
		.bytes_in = row->bytes_in,
		.bytes_out = row->bytes_out,
		.queue_bytes = row->queue_bytes,
		.queue_peak_bytes = row->queue_peak_bytes,
		.skipped_messages = row->skipped_messages,
		.pings_sent = row->pings_sent,
		.pongs_received = row->pongs_received,
	};
	conn_id_format(&row->id, h->id);
	snprintf(h->hub, sizeof(h->hub), "%s", row->hub);
	memcpy(h->user, row->user, row->user_len);
	net_addr_format(&row->peer, h->peer);
	snprintf(h->protocol, sizeof(h->protocol), "%s", protocol_type_label(row->protocol));
	snprintf(h->transport, sizeof(h->transport), "%s", row->transport);
	snprintf(h->state, sizeof(h->state), "%s", row->state);
}

int wsmd_manager_health_wait(struct wsmd_manager *m, const char *connection,
                             struct wsmd_health *ret)
{
	const struct ask_what what = {.kind = REQUEST_LIST};
	struct target t = {.kind = TARGET_CONNECTION};
	struct ask_waiter waiter = {0};
	const struct ask model = {.waiter = &waiter};
	struct wsmd_health health;
	int err = manager_may_wait(m);

	if (err == 0)
		err = sized_check(ret, SIZED_LEAST(struct wsmd_health, skipped_messages));
	if (err < 0)
		return err;
	if (connection == NULL ||
	    !conn_id_parse(connection, strnlen(connection, CONN_ID_TEXT), &t.id))
		return WSMD_EINVAL;
	err = ask_workers(m->server, &model, &t, &what);
	if (err < 0)
		return err;
	ask_wait(&waiter);
	if (!waiter.has_row)
		return WSMD_ENOENT;
	describe(&waiter.row, &health);
	sized_write(ret, &health, sizeof(health));
	return 0;
}

/* ---- statistics ---- */

static uint64_t sum_of(const uint64_t *sum, unsigned from, unsigned n)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < n; i++)
		total += sum[from + i];
	return total;
}

int wsmd_manager_stats(struct wsmd_manager *m, struct wsmd_stats *ret)
{
	uint64_t sum[STAT_COUNT] = {0};
	int err = sized_check(ret, SIZED_LEAST(struct wsmd_stats, closes));
	struct wsmd_stats stats;

	if (m == NULL || err < 0)
		return WSMD_EINVAL;
	for (uint32_t i = 0; i < m->server->n_blocks; i++)
		stats_sum(sum, &m->server->blocks[i]);
	stats_settle(sum);
	stats = (struct wsmd_stats){
		.uptime_ms = os_now_ms() - m->server->started_ms,
		.connections_active = sum[STAT_CONNECTIONS_ACTIVE],
		.users_active = sum[STAT_USERS_ACTIVE],
		.connections_total = sum[STAT_CONNECTIONS_TOTAL],
		.messages_in = sum[STAT_MESSAGES_IN],
		.messages_out = sum[STAT_MESSAGES_OUT],
		.bytes_in = sum[STAT_BYTES_IN],
		.bytes_out = sum[STAT_BYTES_OUT],
		.sends = sum[STAT_SENDS],
		.delivered = sum[STAT_DELIVERED],
		.dropped = sum[STAT_DROPPED],
		.no_target = sum[STAT_NO_TARGET],
		.unsent = sum[STAT_UNSENT],
		.queue_bytes = sum[STAT_QUEUE_BYTES],
		.pings_sent = sum[STAT_PINGS_SENT],
		.pongs_received = sum[STAT_PONGS_RECEIVED],
		.dropped_dead = sum[STAT_DROPPED_DEAD],
		.refusals = sum_of(sum, STAT_REFUSALS, REFUSAL_COUNT),
		.closes = sum_of(sum, STAT_CLOSES, CLOSE_REASON_COUNT),
	};
	sized_write(ret, &stats, sizeof(stats));
	return 0;
}

struct stats_call {
	struct call call;
	char *text; /* NULL: out of memory */
};

static void run_stats(struct server *s, struct call *c) ON_MAIN;
static void run_stats(struct server *s, struct call *c)
{
	struct stats_call *call = CONTAINER_OF(c, struct stats_call, call);
	struct stats_snapshot *now = malloc(sizeof(*now));
	json_t *all;

	server_publish_stats(s);
	if (now != NULL && stats_cell_read(&s->snapshot, now)) {
		all = render_stats(s, now);
		call->text = all == NULL ? NULL : json_dumps(all, JSON_COMPACT);
		json_decref(all);
	}
	free(now);
}

int wsmd_manager_stats_json(struct wsmd_manager *m, char **ret)
{
	struct stats_call c = {.call.run = run_stats};
	int err = ret == NULL ? WSMD_EINVAL : manager_may_wait(m);

	if (err == 0)
		err = call_main(m->server, &c.call);
	if (err < 0)
		return err;
	if (c.text == NULL)
		return WSMD_ENOMEM;
	*ret = c.text;
	return 0;
}

void wsmd_free(void *p)
{
	free(p);
}
