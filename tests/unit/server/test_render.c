/* JSON of the control protocol: the members that include/wsmd/ctl.h documents, and no others. */
#include "server/render.h"

#include <criterion/criterion.h>

#include <string.h>

#include "server/control.h"

static const char *const short_members[] = {
	"id",           "hub",          "user",        "worker",  "peer",     "state",
	"protocol",     "connected_at", "age_ms",      "idle_ms", "bytes_in", "messages_in",
	"messages_out", "bytes_out",    "queue_bytes", "score",   "rtt_ms",
};
static const char *const long_members[] = {
	"transport",        "healthy",          "suspect",          "missed",
	"ping_pending",     "pings_sent",       "pongs_received",   "srtt_ms",
	"rttvar_ms",        "rtt_average_ms",   "last_activity_at", "queue_peak_bytes",
	"incomplete_bytes", "skipped_messages", "groups_total",     "groups",
	"heartbeat",
};

static const struct conn_row row = {
	.id = {{'f', 'o', 'o', 'b', 'a', 'r'}},
	.hub = "chat",
	.user_len = 5,
	.user = "alice",
	.peer = {.family = 4, .ip = {127, 0, 0, 1}, .port = 4711},
	.protocol = PROTOCOL_WEBSOCKET,
	.state = "open",
	.transport = "tcp",
	.worker = 3,
	.connected_wall_ms = 1769904000123,
	.age_ms = 1001,
	.idle_ms = 1002,
	.messages_in = 1003,
	.messages_out = 1004,
	.bytes_in = 1ull << 40,
	.bytes_out = 1005,
	.queue_bytes = 1006,
	.incomplete_bytes = 1007,
	.pings_sent = 1008,
	.pongs_received = 1009,
	.missed = 1,
	.queue_peak_bytes = 1013,
	.score = 77,
	.healthy = true,
	.suspect = true,
	.rtt_us = 1010,
	.srtt_us = 1011,
	.rttvar_us = 1012,
	.rtt_average_us = 1014,
	.heartbeat = {.interval_ms = 1500, .timeout_ms = 60000},
	.ping_pending = true,
};

static json_int_t integer(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	cr_expect(json_is_integer(v), "%s", key);
	return json_integer_value(v);
}

static void expect_real(const json_t *o, const char *key, double value)
{
	const double is = json_real_value(json_object_get(o, key));

	cr_expect_float_eq(is, value, 1e-9, "%s is %g", key, is);
}

static void expect_text(const json_t *o, const char *key, const char *text)
{
	const char *is = json_string_value(json_object_get(o, key));

	cr_expect(is != NULL && strcmp(is, text) == 0, "%s is %s", key, is);
}

Test(render, a_row_has_its_documented_members)
{
	for (int detailed = 0; detailed <= 1; detailed++) {
		json_t *o = render_row(&row, detailed ? "" : NULL);
		size_t n = ARRAY_LEN(short_members);

		for (size_t i = 0; i < ARRAY_LEN(short_members); i++)
			cr_expect_not_null(json_object_get(o, short_members[i]), "%s",
			                   short_members[i]);
		for (size_t i = 0; i < ARRAY_LEN(long_members); i++)
			cr_expect_eq(json_object_get(o, long_members[i]) != NULL, detailed, "%s",
			             long_members[i]);
		n += detailed ? ARRAY_LEN(long_members) : 0;
		cr_expect_eq(json_object_size(o), n);
		json_decref(o);
	}
}

/* Names of groups are where the row says, behind those of other rows. */
Test(render, a_row_has_its_groups)
{
	const char names[] = "\1\0x\3\0abc\2\0\xc3\xa9";
	const struct conn_row r = {.n_groups = 5, .n_names = 2, .names_at = 3};
	json_t *o = render_row(&r, names), *groups = json_object_get(o, "groups");

	cr_expect_eq(integer(o, "groups_total"), 5);
	cr_assert_eq(json_array_size(groups), 2);
	cr_expect_str_eq(json_string_value(json_array_get(groups, 0)), "abc");
	cr_expect_str_eq(json_string_value(json_array_get(groups, 1)), "\xc3\xa9");
	json_decref(o);
}

Test(render, a_row_has_its_values)
{
	json_t *o = render_row(&row, "");

	expect_text(o, "id", "mzxw6ytboiaaaaaaaaaaaaaaaa");
	expect_text(o, "hub", "chat");
	expect_text(o, "user", "alice");
	expect_text(o, "peer", "127.0.0.1:4711");
	expect_text(o, "protocol", "websocket");
	expect_text(o, "state", "open");
	expect_text(o, "connected_at", "2026-02-01T00:00:00.123Z");
	cr_expect_eq(integer(o, "worker"), 3);
	cr_expect_eq(integer(o, "age_ms"), 1001);
	cr_expect_eq(integer(o, "idle_ms"), 1002);
	cr_expect_eq(integer(o, "messages_in"), 1003);
	cr_expect_eq(integer(o, "messages_out"), 1004);
	cr_expect_eq(integer(o, "bytes_in"), (json_int_t)1 << 40);
	cr_expect_eq(integer(o, "bytes_out"), 1005);
	cr_expect_eq(integer(o, "queue_bytes"), 1006);
	cr_expect_eq(integer(o, "incomplete_bytes"), 1007);
	cr_expect_eq(integer(o, "pings_sent"), 1008);
	cr_expect_eq(integer(o, "pongs_received"), 1009);
	cr_expect_eq(integer(o, "missed"), 1);
	expect_real(o, "rtt_ms", 1.010);
	expect_real(o, "srtt_ms", 1.011);
	expect_real(o, "rttvar_ms", 1.012);
	expect_real(o, "rtt_average_ms", 1.014);
	expect_text(o, "transport", "tcp");
	expect_text(o, "last_activity_at", "2026-02-01T00:00:00.122Z");
	cr_expect_eq(integer(o, "queue_peak_bytes"), 1013);
	cr_expect_eq(integer(o, "score"), 77);
	expect_real(json_object_get(o, "heartbeat"), "interval_s", 1.5);
	expect_real(json_object_get(o, "heartbeat"), "timeout_s", 60);
	cr_expect(json_is_true(json_object_get(json_object_get(o, "heartbeat"), "own")));
	cr_expect(json_is_true(json_object_get(o, "healthy")));
	cr_expect(json_is_true(json_object_get(o, "suspect")));
	cr_expect(json_is_true(json_object_get(o, "ping_pending")));
	json_decref(o);
}

Test(render, what_is_not_known_is_null)
{
	struct conn_row r = row;
	json_t *o;

	r.user_len = 0;
	r.rtt_us = r.srtt_us = r.rttvar_us = r.rtt_average_us = 0;
	o = render_row(&r, "");
	cr_expect(json_is_null(json_object_get(o, "user")));
	cr_expect(json_is_null(json_object_get(o, "rtt_ms")));
	cr_expect(json_is_null(json_object_get(o, "srtt_ms")));
	cr_expect(json_is_null(json_object_get(o, "rttvar_ms")));
	cr_expect(json_is_null(json_object_get(o, "rtt_average_ms")));
	json_decref(o);
}

/* Quotes, a tab that got in otherwise, and two bytes for one letter. */
Test(render, names_survive_json)
{
	static const char name[] = "a\"b\\c\td\xc3\xbc";
	struct conn_row r = row;
	json_t *o, *back;
	char *text;

	memcpy(r.user, name, sizeof(name));
	r.user_len = sizeof(name) - 1;
	o = render_row(&r, NULL);
	text = json_dumps(o, JSON_COMPACT);
	cr_assert_not_null(text);
	back = json_loads(text, 0, NULL);
	expect_text(back, "user", name);
	json_decref(back);
	json_decref(o);
	free(text);
}

/* ---- statistics ---- */

static void expect_worker(const json_t *o, double share, double mean_us, json_int_t p50_us)
{
	cr_expect_float_eq(json_real_value(json_object_get(o, "share")), share, 1e-9);
	cr_expect_float_eq(json_real_value(json_object_get(o, "turn_mean_us")), mean_us, 1e-9);
	cr_expect_eq(integer(o, "turn_p50_us"), p50_us);
}

static json_t *statistics(struct stats_snapshot *s) ON_MAIN;
static json_t *statistics(struct stats_snapshot *s)
{
	struct conf *c = calloc(1, sizeof(*c));
	struct server *server = calloc(1, sizeof(*server));
	json_t *o;

	cr_assert(c != NULL && server != NULL);
	c->heartbeat.interval_ms = 25000;
	c->heartbeat.grace_factor = 1.2;
	c->limits.max_message_bytes = 1 << 20;
	atomic_init(&server->conf.now, c);
	server->fd_limit = 1000;
	server->n_workers = 2;
	o = render_stats(server, s);
	free(server);
	free(c);
	return o;
}

Test(render, statistics_have_their_groups_and_every_counter)
{
	static const char *const groups[] = {"basic",
	                                     "protocol_distribution",
	                                     "health",
	                                     "delivery",
	                                     "heartbeat_config",
	                                     "limits",
	                                     "workers",
	                                     "pool"};
	struct stats_snapshot *s = calloc(1, sizeof(*s));
	json_t *o;

	role_enter(&role_main);
	cr_assert_not_null(s);
	s->n_workers = 2;
	s->connections_limit = 30;
	for (unsigned i = 0; i < STAT_COUNT; i++)
		s->sum[i] = 1000 + i;
	o = statistics(s);
	cr_expect_eq(json_object_size(o), ARRAY_LEN(groups));
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		cr_expect(json_is_object(json_object_get(o, groups[i])), "%s", groups[i]);
	for (unsigned i = 0; i < STAT_CLOSES; i++) {
		const struct stats_row *r = stats_row(i);

		cr_expect_eq(integer(json_object_get(o, r->group), r->name), 1000 + i, "%s",
		             r->name);
	}

	const json_t *basic = json_object_get(o, "basic");
	const json_t *protocols = json_object_get(o, "protocol_distribution");

	cr_expect_eq(json_object_size(json_object_get(basic, "closes")), CLOSE_REASON_COUNT);
	cr_expect_eq(integer(json_object_get(basic, "closes"), "kicked"),
	             1000 + STAT_CLOSES + CLOSE_KICKED);
	cr_expect_eq(json_object_size(json_object_get(basic, "refusals")), REFUSAL_COUNT);
	cr_expect_eq(integer(json_object_get(basic, "refusals"), "version"),
	             1000 + STAT_REFUSALS + REFUSE_VERSION);
	cr_expect_eq(integer(json_object_get(protocols, "now"), "websocket"),
	             1000 + STAT_PROTOCOL_NOW + PROTOCOL_WEBSOCKET);
	cr_expect_eq(integer(json_object_get(protocols, "ever"), "http"),
	             1000 + STAT_PROTOCOL_EVER + PROTOCOL_HTTP);
	cr_expect_eq(json_object_size(json_object_get(basic, "errors")), STATS_ERROR_COUNT);
	cr_expect_eq(integer(json_object_get(basic, "errors"), "text_utf8"),
	             1000 + stat_rule(WS_RULE_TEXT_UTF8));
	cr_expect_eq(integer(json_object_get(basic, "errors"), "bare_lf"),
	             1000 + stat_fault(HTTP_BARE_LF));
	cr_expect_eq(integer(json_object_get(o, "limits"), "max_connections"), 30);
	cr_expect_eq(integer(json_object_get(o, "limits"), "max_message_bytes"), 1 << 20);
	cr_expect_eq(integer(json_object_get(o, "limits"), "descriptors"), 1000);
	cr_expect_eq(json_real_value(json_object_get(json_object_get(o, "heartbeat_config"),
	                                             "grace_factor")),
	             1.2);
	cr_expect_eq(json_array_size(json_object_get(json_object_get(o, "workers"), "each")), 2);
	cr_expect_eq(json_array_size(json_object_get(json_object_get(o, "pool"), "each")),
	             2 * POOL_COUNT);
	json_decref(o);
	free(s);
}

/* What is told of each worker, and nothing is divided by 0. */
Test(render, workers_and_pools)
{
	struct stats_snapshot *s = calloc(1, sizeof(*s));
	const json_t *nodes;
	json_t *o, *each;

	role_enter(&role_main);
	cr_assert_not_null(s);
	s->n_workers = 2;
	o = statistics(s);
	each = json_object_get(json_object_get(o, "workers"), "each");
	expect_worker(json_array_get(each, 0), 0, 0, 0);
	cr_expect_eq(
		json_real_value(json_object_get(json_object_get(o, "pool"), "connections_used")),
		0);
	json_decref(o);

	s->connections_limit = 8;
	s->sum[STAT_CONNECTIONS_ACTIVE] = 4;
	s->worker[0].connections = 1;
	s->worker[1].connections = 3;
	s->worker[1].value[STAT_TURN_TIME + ladder_step(100) - STAT_OF_WORKER] = 3;
	s->worker[1].value[STAT_TURN_TIME + ladder_step(700) - STAT_OF_WORKER] = 1;
	s->worker[1].value[STAT_TURN_SUM_US - STAT_OF_WORKER] = 1000;
	s->worker[1].value[STAT_TURN_MAX_US - STAT_OF_WORKER] = 700;
	s->worker[1].value[STAT_INBOX_HIGH - STAT_OF_WORKER] = 9;
	s->worker[1].value[STAT_POOL_REUSED + (unsigned)POOL_SEND_NODES - STAT_OF_WORKER] = 11;
	o = statistics(s);
	each = json_object_get(json_object_get(o, "workers"), "each");
	expect_worker(json_array_get(each, 0), 0.25, 0, 0);
	expect_worker(json_array_get(each, 1), 0.75, 250, 117);
	cr_expect_eq(integer(json_array_get(each, 1), "turn_p99_us"), 700, "not above the longest");
	cr_expect_eq(integer(json_array_get(each, 1), "inbox_high"), 9);
	cr_expect_eq(
		json_real_value(json_object_get(json_object_get(o, "pool"), "connections_used")),
		0.5);
	nodes = json_array_get(json_object_get(json_object_get(o, "pool"), "each"),
	                       POOL_COUNT + POOL_SEND_NODES);
	expect_text(nodes, "pool", "send_nodes");
	cr_expect_eq(integer(nodes, "worker"), 1);
	cr_expect_eq(integer(nodes, "reused"), 11);
	json_decref(o);
	free(s);
}
