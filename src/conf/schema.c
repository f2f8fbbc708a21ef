/* The table of keys and how to find a row in it. */
#include "conf/schema.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"

static const char *const level_words[] = {[LOG_ERROR] = "error",
                                          [LOG_WARNING] = "warning",
                                          [LOG_INFO] = "info",
                                          [LOG_DEBUG] = "debug"};
static const char *const format_words[] = {[LOG_KV] = "kv", [LOG_JSON] = "json"};
static const char *const auth_words[] = {
	[AUTH_DENY] = "deny", [AUTH_OPEN] = "open", [AUTH_TOKEN] = "token"};
static const char *const legacy_words[] = {[LEGACY_REFUSE] = "refuse", [LEGACY_WARN] = "warn"};
static const char *const slow_words[] = {[SLOW_CLOSE] = "close",
                                         [SLOW_DROP_NEWEST] = "drop_newest",
                                         [SLOW_KEEP_NEWEST] = "keep_newest"};
static const char *const user_words[] = {
	[USER_REFUSE] = "refuse", [USER_CLOSE_OLDEST] = "close_oldest"};
static const char *const too_big_words[] = {[TOO_BIG_REFUSE] = "refuse", [TOO_BIG_LOWER] = "lower"};
static const char *const action_words[] = {
	[HUB_DROP] = "drop", [HUB_ECHO] = "echo", [HUB_CALLBACK] = "callback"};

#define IN(t, member)        .offset = offsetof(t, member), .width = sizeof(((t *)NULL)->member)
#define FIELD(member)        IN(struct conf, member)
#define WORDS(list)          .type = KEY_WORD, .words = (list), .n_words = ARRAY_LEN(list)
#define WHOLE(least, most)   .type = KEY_WHOLE, .min = (least), .max = (most)
#define SECONDS(least, most) .type = KEY_SECONDS, .min = (least), .max = (most)
#define DAY_S                86400
#define TICK_S               0.05

/* Keys of one section stand together: printing opens and closes a section as it walks. */
const struct conf_key conf_keys[] = {
	{.name = "listen",
         .type = KEY_LISTEN,
         FIELD(listen),
         .value = {"[\"127.0.0.1:8080\"]"},
         .help = "addresses to accept connections on; a port alone, such as \"8080\", means all "
                 "IPv4 addresses; port 0 lets the kernel choose; with --dev loopback only"},
	{.name = "workers",
         WHOLE(0, 256),
         FIELD(workers),
         .value = {"0"},
         .help = "worker threads; 0: one for each core"},

	{.name = "control.path",
         .type = KEY_TEXT,
         FIELD(control_path),
         .value = {"\"\""},
         .help = "Unix socket for wsmctl; empty: the default path"},

	{.name = "log.level",
         WORDS(level_words),
         FIELD(log_level),
         .reload = true,
         .value = {"\"info\""},
         .help = "the least important events that are logged"},
	{.name = "log.format",
         WORDS(format_words),
         FIELD(log_format),
         .reload = true,
         .value = {"\"kv\""},
         .help = "kv: key=value pairs; json: one object for each line"},

	{.name = "auth.mode",
         WORDS(auth_words),
         FIELD(auth.mode),
         .reload = true,
         .value = {"\"deny\""},
         .dev = "\"open\"",
         .help = "token: the user is the sub of a signed JSON Web Token; open: anyone is the user "
                 "that ?user= names; deny: nobody is let in"},
	{.name = "auth.keys",
         .type = KEY_TEXT,
         FIELD(auth.keys),
         .reload = true,
         .value = {"\"\""},
         .help = "a file of keys that tokens are checked with, or a folder of such files: a JSON "
                 "Web Key Set, a public key in PEM (RSA or P-256), or else a secret of at least 32 "
                 "bytes; a change of them is noticed within seconds"},
	{.name = "auth.audience",
         .type = KEY_TEXT,
         FIELD(auth.audience),
         .reload = true,
         .value = {"\"\""},
         .help = "what the aud of a token must hold; empty: it is not looked at"},
	{.name = "auth.issuer",
         .type = KEY_TEXT,
         FIELD(auth.issuer),
         .reload = true,
         .value = {"\"\""},
         .help = "what the iss of a token must be; empty: it is not looked at"},
	{.name = "auth.clock_skew_s",
         SECONDS(0, 600),
         FIELD(auth.clock_skew_ms),
         .reload = true,
         .value = {"60"},
         .help = "by so much the clock of who signs tokens may be wrong"},
	{.name = "auth.origins",
         .type = KEY_ORIGINS,
         FIELD(auth.origins),
         .reload = true,
         .value = {"[]"},
         .help = "origins whose pages may connect, such as \"https://app.example.com\", beside the "
                 "server's own; \"*\": all; who sends no Origin is no page and is let in; with "
                 "--dev pages of this machine may connect, too"},

	{.name = "handshake.legacy_protocols",
         WORDS(legacy_words),
         FIELD(legacy_protocols),
         .reload = true,
         .value = {"\"warn\"", "\"warn\"", "\"warn\"", "\"refuse\""},
         .help = "clients that speak version 7 or 8, drafts of RFC 6455 with the same frames: "
                 "warn: "
                 "they are let in, and the log says so; refuse: they get 426"},

	{.name = "heartbeat.interval_s",
         SECONDS(TICK_S, DAY_S),
         FIELD(heartbeat.interval_ms),
         .reload = true,
         .value = {"45", "1", "30", "25"},
         .help = "a connection that was silent for so long is pinged"},
	{.name = "heartbeat.timeout_s",
         SECONDS(TICK_S, DAY_S),
         FIELD(heartbeat.timeout_ms),
         .reload = true,
         .value = {"60", "3", "90", "75"},
         .help = "a connection that was pinged and stays silent for this time times grace_factor "
                 "is dead; must be greater than the interval"},
	{.name = "heartbeat.housekeeping_s",
         SECONDS(TICK_S, DAY_S),
         FIELD(heartbeat.housekeeping_ms),
         .reload = true,
         .value = {"60", "1", "120", "180"},
         .help = "time between two summaries in the log"},
	{.name = "heartbeat.missed_limit",
         WHOLE(1, 10),
         FIELD(heartbeat.missed_limit),
         .reload = true,
         .value = {"3", "2", "2", "2"},
         .help = "a connection that stays silent is pinged so many times before it is dead; a "
                 "pong that does not come in its time makes it a suspect, and it is pinged again"},
	{.name = "heartbeat.adaptive",
         .type = KEY_SWITCH,
         FIELD(heartbeat.adaptive),
         .reload = true,
         .value = {"true"},
         .help = "true: a pong is missed after a time that follows the round trips of its "
                 "connection, at least 1 s times grace_factor; false: the missed_limit pings share "
                 "the time until the connection is dead equally"},
	{.name = "heartbeat.grace_factor",
         .type = KEY_FACTOR,
         .min = 1,
         .max = 10,
         FIELD(heartbeat.grace_factor),
         .reload = true,
         .value = {"1.2"},
         .help = "timeouts of heartbeats are multiplied by this"},

	{.name = "limits.max_connections",
         WHOLE(0, 10000000),
         FIELD(limits.max_connections),
         .reload = true,
         .value = {"0"},
         .help = "connections in all; 0: from the descriptor limit"},
	{.name = "limits.max_connections_per_user",
         WHOLE(1, 1000000),
         FIELD(limits.max_connections_per_user),
         .reload = true,
         .value = {"32"},
         .help = "connections of one user of one hub"},
	{.name = "limits.user_policy",
         WORDS(user_words),
         FIELD(limits.user_policy),
         .reload = true,
         .value = {"\"refuse\""},
         .help = "a newcomer whose user has as many connections as he may: refuse: with 429, "
                 "unless one "
                 "of them does not answer a ping and so loses its place; close_oldest: the "
                 "connection that came first is closed for it"},
	{.name = "limits.max_connections_per_address",
         WHOLE(0, 10000000),
         FIELD(limits.max_connections_per_address),
         .reload = true,
         .value = {"0"},
         .help = "connections from one IPv4 address or one IPv6 /64; 0: no limit; behind a proxy "
                 "everybody has the address of the proxy"},
	{.name = "limits.connections_per_s",
         WHOLE(0, 1000000),
         FIELD(limits.connections_per_s),
         .reload = true,
         .value = {"10000"},
         .help = "new connections in each second, and at once; whoever is more is told when to "
                 "come "
                 "back; 0: no limit"},
	{.name = "limits.max_groups_per_connection",
         WHOLE(0, 10000),
         FIELD(limits.max_groups_per_connection),
         .reload = true,
         .value = {"100"},
         .help = "groups that one connection may be in; 0: groups cannot be joined"},
	{.name = "limits.max_groups_per_hub",
         WHOLE(0, 1000000),
         FIELD(limits.max_groups_per_hub),
         .reload = true,
         .value = {"10000"},
         .help = "groups of one hub on one worker: no more are made there; 0: none"},
	{.name = "limits.max_half_open",
         WHOLE(1, 1000000),
         FIELD(limits.max_half_open),
         .reload = true,
         .value = {"4096"},
         .help = "connections whose handshake is not finished"},
	{.name = "limits.handshake_timeout_s",
         SECONDS(TICK_S, 300),
         FIELD(limits.handshake_timeout_ms),
         .reload = true,
         .value = {"5"},
         .help = "from accept to the end of the handshake; bytes do not extend it"},
	{.name = "limits.max_request_head_bytes",
         WHOLE(1024, 1048576),
         FIELD(limits.max_request_head_bytes),
         .reload = true,
         .value = {"16384"},
         .help = "request line and headers"},
	{.name = "limits.max_message_bytes",
         WHOLE(125, 1073741824),
         FIELD(limits.max_message_bytes),
         .reload = true,
         .value = {"1048576"},
         .help = "a longer message closes the connection with 1009"},
	{.name = "limits.max_fragments",
         WHOLE(1, 100000000),
         FIELD(limits.max_fragments),
         .reload = true,
         .value = {"262144"},
         .help = "frames of one message, empty ones included"},
	{.name = "limits.message_timeout_s",
         SECONDS(TICK_S, DAY_S),
         FIELD(limits.message_timeout_ms),
         .reload = true,
         .value = {"30"},
         .help = "from the first byte of a message to its last"},
	{.name = "limits.send_queue_bytes",
         WHOLE(1024, 1073741824),
         FIELD(limits.send_queue_bytes),
         .reload = true,
         .value = {"1048576"},
         .help = "unsent bytes of one connection; limits.slow_consumer says what becomes of a peer "
                 "for whom more waits"},
	{.name = "limits.socket_send_bytes",
         WHOLE(0, 1073741824),
         FIELD(limits.socket_send_bytes),
         .value = {"0"},
         .help = "bytes that the kernel may hold for a peer who does not read; it doubles the "
                 "number for its own bookkeeping; 0: the kernel adapts it"},
	{.name = "limits.socket_receive_bytes",
         WHOLE(0, 1073741824),
         FIELD(limits.socket_receive_bytes),
         .value = {"0"},
         .help = "bytes that the kernel may hold until they are read from a connection; it doubles "
                 "the number for its own bookkeeping; 0: the kernel adapts it"},
	{.name = "limits.slow_consumer",
         WORDS(slow_words),
         FIELD(limits.slow_consumer),
         .reload = true,
         .value = {"\"close\""},
         .help = "a peer whose send queue is full: close: with 1008; drop_newest: a message for "
                 "him is "
                 "refused, and its sender told; keep_newest: older messages are given up for it, "
                 "and counted; limits.write_timeout_s holds in any case"},
	{.name = "limits.write_timeout_s",
         SECONDS(TICK_S, DAY_S),
         FIELD(limits.write_timeout_ms),
         .reload = true,
         .value = {"10"},
         .help = "a peer that takes nothing for so long is closed"},
	{.name = "limits.close_timeout_s",
         SECONDS(TICK_S, DAY_S),
         FIELD(limits.close_timeout_ms),
         .reload = true,
         .value = {"5"},
         .help = "wait for the peer to finish the closing handshake"},
	{.name = "limits.control_frame_burst",
         WHOLE(1, 1000000),
         FIELD(limits.control_frame_burst),
         .reload = true,
         .value = {"128"},
         .help = "control frames a peer may send at once"},
	{.name = "limits.control_frames_per_s",
         WHOLE(0, 1000000),
         FIELD(limits.control_frames_per_s),
         .reload = true,
         .value = {"32"},
         .help = "control frames a peer may send for each second; 0: no limit"},
	{.name = "limits.message_burst",
         WHOLE(1, 1000000),
         FIELD(limits.message_burst),
         .reload = true,
         .value = {"100"},
         .help = "messages a peer may send at once, where limits.messages_per_s is not 0"},
	{.name = "limits.messages_per_s",
         WHOLE(0, 1000000),
         FIELD(limits.messages_per_s),
         .reload = true,
         .value = {"0"},
         .help = "messages a peer may send for each second; one who sends more is closed with "
                 "1008; 0: no limit"},
	{.name = "limits.inbox_items",
         WHOLE(16, 16777216),
         FIELD(limits.inbox_items),
         .value = {"65536"},
         .help = "messages that may wait for one worker"},
	{.name = "limits.memory_bytes",
         WHOLE(0, 1099511627776),
         FIELD(limits.memory_bytes),
         .value = {"0"},
         .help = "memory that the process may use, from 32 MiB on; 0: what the machine has, or the "
                 "control group leaves"},
	{.name = "limits.memory_high_water",
         .type = KEY_FACTOR,
         .min = 0.1,
         .max = 1,
         FIELD(limits.memory_high_water),
         .value = {"0.85"},
         .help = "above this share of limits.memory_bytes newcomers are refused, and then "
                 "connections that hold much are closed"},
	{.name = "limits.buffered_bytes",
         WHOLE(0, 1099511627776),
         FIELD(limits.buffered_bytes),
         .value = {"0"},
         .help = "memory for all send queues, unfinished messages and whatever else grows, over "
                 "all "
                 "connections; above it those that hold much are closed; 0: a quarter of "
                 "limits.memory_bytes"},
	{.name = "limits.when_too_big",
         WORDS(too_big_words),
         FIELD(limits.when_too_big),
         .value = {"\"refuse\""},
         .help = "limits.max_connections promises more than the memory holds: refuse to start, or "
                 "lower it"},

	{.name = "shutdown.deadline_s",
         SECONDS(TICK_S, 3600),
         FIELD(shutdown.deadline_ms),
         .reload = true,
         .value = {"10"},
         .help = "time to say goodbye before the process ends anyway"},

	{.name = "drain.rate_per_s",
         WHOLE(1, 1000000),
         FIELD(drain.rate_per_s),
         .reload = true,
         .value = {"1000"},
         .help = "connections closed in each second of a drain"},
	{.name = "drain.deadline_s",
         SECONDS(TICK_S, DAY_S),
         FIELD(drain.deadline_ms),
         .reload = true,
         .value = {"60"},
         .help = "what a drain has not closed by then is closed at once"},

	{.name = "recorder.events",
         WHOLE(0, 64),
         FIELD(recorder.events),
         .value = {"24"},
         .help = "the last events that are kept of each live connection, 16 bytes each; 0: none"},
	{.name = "recorder.closed_bytes",
         WHOLE(0, 1073741824),
         FIELD(recorder.closed_bytes),
         .value = {"8388608"},
         .help = "memory for records of ended connections, which `wsmctl why` reads; the newest "
                 "takes the place of the oldest; at least 4 KiB for each worker; 0: none are kept"},

	{.name = HUB_PATTERN ".on_message",
         WORDS(action_words),
         .per_hub = true,
         IN(struct conf_hub, on_message),
         .reload = true,
         .value = {"\"drop\""},
         .dev = "\"echo\"",
         .help = "what happens to a plain client's message; callback: a program that embeds wsmd "
                 "handles it; the hub \"*\" stands for all that are not named"},
};

const size_t conf_n_keys = ARRAY_LEN(conf_keys);

static_assert(ARRAY_LEN(conf_keys) <= CONF_KEYS_MAX, "the loader has a place for each key");
static_assert(sizeof(enum log_level) == sizeof(uint32_t), "words are stored as 32 bits");

const struct conf_key *schema_find(const char *name)
{
	conf_keys_for_each(k)
	{
		if (strcmp(k->name, name) == 0)
			return k;
	}
	return NULL;
}

size_t schema_section_len(const struct conf_key *k)
{
	const char *dot = strchr(k->name, '.');

	return dot ? (size_t)(dot - k->name) : 0;
}

bool schema_same_section(const struct conf_key *a, const struct conf_key *b)
{
	const size_t len = schema_section_len(a);

	return schema_section_len(b) == len && memcmp(a->name, b->name, len) == 0;
}

bool schema_is_section(const char *name)
{
	const size_t len = strlen(name);

	conf_keys_for_each(k)
	{
		if (len > 0 && schema_section_len(k) == len && memcmp(k->name, name, len) == 0)
			return true;
	}
	return false;
}

/* A key that was written without its section, or in a wrong one. */
static const char *nearest_leaf(const char *name)
{
	const char *leaves[CONF_KEYS_MAX], *leaf = strrchr(name, '.');

	for (size_t i = 0; i < conf_n_keys; i++)
		leaves[i] = schema_leaf(&conf_keys[i]);
	leaf = text_nearest(leaf ? leaf + 1 : name, leaves, conf_n_keys);
	for (size_t i = 0; i < conf_n_keys && leaf != NULL; i++) {
		if (leaves[i] == leaf)
			return conf_keys[i].name;
	}
	return NULL;
}

bool schema_nearest(const char *name, char ret[KEY_TEXT_MAX])
{
	char sections[CONF_KEYS_MAX][KEY_TEXT_MAX];
	const char *names[2 * CONF_KEYS_MAX], *nearest;
	size_t n = 0;

	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *k = &conf_keys[i];
		const int len = (int)schema_section_len(k);

		names[n++] = k->name;
		snprintf(sections[i], KEY_TEXT_MAX, "%.*s", len, k->name);
		if (len > 0)
			names[n++] = sections[i];
	}
	nearest = text_nearest(name, names, n);
	if (nearest == NULL)
		nearest = nearest_leaf(name);
	if (nearest == NULL)
		return false;
	snprintf(ret, KEY_TEXT_MAX, "%s", nearest);
	return true;
}

const char *schema_default(const struct conf_key *k, enum conf_env env, bool dev)
{
	if (dev && k->dev != NULL)
		return k->dev;
	return k->value[env] ? k->value[env] : k->value[0];
}

const char *schema_leaf(const struct conf_key *k)
{
	const char *dot = strrchr(k->name, '.');

	return dot ? dot + 1 : k->name;
}
