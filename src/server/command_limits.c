/* limits: every limit, where it comes from, how near it is, and how often it was hit. */
#include <string.h>

#include "conf/schema.h"
#include "conf/value.h"
#include "server/command.h"

#define PREFIX   "limits."
#define MAX_HITS 3

#define REFUSED(why)   (STAT_REFUSALS + (unsigned)(why))
#define CLOSED(reason) (STAT_CLOSES + (unsigned)(reason))

/* Beyond what the configuration says of a key. */
static const struct limit_row {
	const char *key;
	unsigned hits[MAX_HITS]; /* counters; 0, which is a gauge, ends the list */
	unsigned now;            /* a gauge; 0: none */
} rows[] = {
	{.key = "max_connections", .hits = {REFUSED(REFUSE_CONNECTIONS)}},
	{.key = "max_connections_per_user",
         .hits = {REFUSED(REFUSE_USER_CONNECTIONS), CLOSED(CLOSE_REPLACED), CLOSED(CLOSE_EVICTED)}},
	{.key = "max_connections_per_address", .hits = {REFUSED(REFUSE_ADDRESS_CONNECTIONS)}},
	{.key = "connections_per_s", .hits = {REFUSED(REFUSE_CONNECTION_RATE)}},
	{.key = "max_groups_per_connection", .hits = {STAT_JOINS_REFUSED_CONNECTION}},
	{.key = "max_groups_per_hub", .hits = {STAT_JOINS_REFUSED_HUB}},
	{.key = "max_request_head_bytes", .hits = {REFUSED(REFUSE_HEAD_TOO_LARGE)}},
	{.key = "max_half_open", .hits = {REFUSED(REFUSE_HALF_OPEN)}, .now = STAT_HALF_OPEN},
	{.key = "handshake_timeout_s", .hits = {REFUSED(REFUSE_HANDSHAKE_TIMEOUT)}},
	{.key = "max_message_bytes", .hits = {CLOSED(CLOSE_TOO_BIG)}},
	{.key = "max_fragments", .hits = {CLOSED(CLOSE_FRAGMENTS)}},
	{.key = "message_timeout_s", .hits = {CLOSED(CLOSE_MESSAGE_TIMEOUT)}},
	{.key = "send_queue_bytes", .hits = {STAT_QUEUE_FULL}},
	{.key = "write_timeout_s", .hits = {CLOSED(CLOSE_WRITE_TIMEOUT)}},
	{.key = "control_frames_per_s", .hits = {CLOSED(CLOSE_RATE)}},
	{.key = "messages_per_s", .hits = {CLOSED(CLOSE_MESSAGE_RATE)}},
	{.key = "close_timeout_s", .hits = {STAT_CLOSE_TIMEOUTS}},
	{.key = "inbox_items", .hits = {STAT_INBOX_FULL}},
	{.key = "memory_bytes", .hits = {STAT_MEMORY_FULL}},
	{.key = "buffered_bytes", .hits = {STAT_SHED_ROUNDS}, .now = STAT_QUEUE_BYTES},
};

static const struct limit_row *find_row(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].key, key) == 0)
			return &rows[i];
	return NULL;
}

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

/* A bound that the configuration leaves to the machine has a value of its own. */
static void add_effective(const struct server *s, json_t *o, const char *key) ON_MAIN;
static void add_effective(const struct server *s, json_t *o, const char *key)
{
	const struct conf_limits *l = &server_conf(s)->limits;
	const struct plan *p = &s->plan;

	if (strcmp(key, "max_connections") == 0) {
		const uint32_t n = server_connections_limit(s);

		json_object_set_new(o, "value", number(n));
		if (n != l->max_connections)
			json_object_set_new(o, "from",
			                    json_string(n == p->room ? "memory" : "descriptors"));
	} else if (strcmp(key, "memory_bytes") == 0 && l->memory_bytes == 0) {
		json_object_set_new(o, "value", number(p->memory));
		json_object_set_new(o, "from", json_string("machine"));
	} else if (strcmp(key, "buffered_bytes") == 0 && l->buffered_bytes == 0) {
		json_object_set_new(o, "value", number(p->buffered));
		json_object_set_new(o, "from", json_string("memory"));
	}
}

static uint64_t fullest_inbox(const struct server *s) ON_MAIN;
static uint64_t fullest_inbox(const struct server *s)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < s->n_workers; i++) {
		const uint64_t n = inbox_depth(s->worker_inboxes[i]);

		most = n > most ? n : most;
	}
	return most;
}

/* How near it is: now, and at most so far. */
static void add_nearness(const struct server *s, json_t *o, const char *key,
                         const struct limit_row *row, const uint64_t *sum) ON_MAIN;
static void add_nearness(const struct server *s, json_t *o, const char *key,
                         const struct limit_row *row, const uint64_t *sum)
{
	const uint64_t n = sum[STAT_CONNECTIONS_ACTIVE];

	if (strcmp(key, "max_connections") == 0) {
		json_object_set_new(o, "now", number(n));
		json_object_set_new(o, "peak",
		                    number(n > s->memory.most_conns ? n : s->memory.most_conns));
	} else if (strcmp(key, "memory_bytes") == 0) {
		json_object_set_new(o, "now", number(s->memory.used));
		json_object_set_new(o, "peak", number(s->memory.peak));
	} else if (strcmp(key, "inbox_items") == 0) {
		json_object_set_new(o, "now", number(fullest_inbox(s)));
	} else if (row != NULL && row->now != 0) {
		json_object_set_new(o, "now", number(sum[row->now]));
	}
}

static void add_hits(json_t *o, const struct limit_row *row, const uint64_t *sum)
{
	uint64_t hits = 0;

	if (row == NULL)
		return;
	for (int i = 0; i < MAX_HITS && row->hits[i] != 0; i++)
		hits += sum[row->hits[i]];
	json_object_set_new(o, "hits", number(hits));
}

static json_t *make_limit(const struct server *s, const struct conf_key *k, const uint64_t *sum)
	ON_MAIN;
static json_t *make_limit(const struct server *s, const struct conf_key *k, const uint64_t *sum)
{
	const struct conf *c = server_conf(s);
	const char *key = k->name + strlen(PREFIX);
	const struct limit_row *row = find_row(key);
	char text[VALUE_TEXT_MAX];
	json_t *o = json_object();
	bool usual;

	value_format(k, c, text);
	usual = strcmp(text, schema_default(k, c->env, c->dev)) == 0;
	json_object_set_new(o, "limit", json_string(key));
	json_object_set_new(o, "value", json_loads(text, JSON_DECODE_ANY, NULL));
	json_object_set_new(o, "from", json_string(usual ? "default" : "configuration"));
	json_object_set_new(o, "now", json_null());
	json_object_set_new(o, "peak", json_null());
	json_object_set_new(o, "hits", json_null());
	add_effective(s, o, key);
	add_nearness(s, o, key, row, sum);
	add_hits(o, row, sum);
	return o;
}

void command_limits(struct server *s, struct control *c, json_t *args)
{
	struct stats_snapshot *now = malloc(sizeof(*now));
	json_t *list = json_array();

	(void)args;
	server_publish_stats(s);
	if (now == NULL || !stats_cell_read(&s->snapshot, now)) {
		control_fail(s, c, "internal", "out of memory", NULL, NULL);
		json_decref(list);
		free(now);
		return;
	}
	conf_keys_for_each(k)
	{
		if (strncmp(k->name, PREFIX, strlen(PREFIX)) == 0)
			json_array_append_new(list, make_limit(s, k, now->sum));
	}
	control_reply(s, c, json_pack("{s:o}", "limits", list));
	free(now);
}
