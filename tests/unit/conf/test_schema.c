/* The table walked: each row's default, edges, wrong types and faults, so that a new row is
 * tested the moment it exists; and the defaults once more, written out. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "bed.h"
#include "conf/value.h"

static struct bed bed;

static void init(void)
{
	bed_init(&bed);
}

static void fini(void)
{
	bed_fini(&bed);
}

TestSuite(schema, .init = init, .fini = fini);

static bool is_number(const struct conf_key *k)
{
	return k->type == KEY_WHOLE || k->type == KEY_SECONDS || k->type == KEY_FACTOR;
}

/* The value text that @k has in @c. */
static const char *text_in(const struct conf_key *k, const struct conf *c, char buf[VALUE_TEXT_MAX])
{
	return value_format(k, k->per_hub ? (const void *)&c->hubs[0] : c, buf);
}

Test(schema, rows_are_consistent)
{
	conf_keys_for_each(k)
	{
		cr_expect_eq(schema_find(k->name), k, "%s is there twice", k->name);
		cr_expect_gt(strlen(k->help), 10, "%s", k->name);
		cr_expect(k->value[1] == NULL || (k->value[2] != NULL && k->value[3] != NULL), "%s",
		          k->name);
		cr_expect(!k->per_hub || k->reload, "%s: rows of hubs come and go", k->name);
		cr_expect(!is_number(k) || k->min < k->max, "%s", k->name);
		for (const struct conf_key *i = k + 1; i < conf_keys + conf_n_keys; i++) {
			if (!schema_same_section(i, k))
				continue;
			cr_expect(schema_same_section(i - 1, k), "%s: its section is torn",
			          i->name);
		}
	}
}

Test(schema, defaults_of_each_environment)
{
	for (int env = 0; env < CONF_ENVS; env++) {
		for (int dev = 0; dev < 2; dev++) {
			const char *name = conf_env_name((enum conf_env)env);

			bed_load(&bed, NULL, &(struct conf_args){.env_name = name, .dev = dev});
			cr_assert_eq(bed.err, 0);
			cr_expect_eq((int)bed.conf->env, env);
			cr_expect_eq(bed.conf->dev, dev);
			conf_keys_for_each(k)
			{
				const char *want = schema_default(k, (enum conf_env)env, dev);
				char text[VALUE_TEXT_MAX];

				if (strcmp(k->name, "workers") != 0)
					cr_expect_str_eq(text_in(k, bed.conf, text), want, "%s",
					                 k->name);
			}
		}
	}
}

/* behaviour: what each environment means for the heartbeat, in numbers */
Test(schema, heartbeat_profiles)
{
	static const struct {
		const char *env;
		uint32_t interval_ms, timeout_ms, missed, housekeeping_ms;
	} profiles[] = {
		{"development", 45000, 60000, 3, 60000},
		{"testing", 1000, 3000, 2, 1000},
		{"staging", 30000, 90000, 2, 120000},
		{"production", 25000, 75000, 2, 180000},
	};

	for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
		bed_load(&bed, NULL, &(struct conf_args){.env_name = profiles[i].env});
		cr_assert_eq(bed.err, 0);
		cr_expect_eq(bed.conf->heartbeat.interval_ms, profiles[i].interval_ms);
		cr_expect_eq(bed.conf->heartbeat.timeout_ms, profiles[i].timeout_ms);
		cr_expect_eq(bed.conf->heartbeat.missed_limit, profiles[i].missed);
		cr_expect_eq(bed.conf->heartbeat.housekeeping_ms, profiles[i].housekeeping_ms);
		cr_expect_eq(bed.conf->heartbeat.grace_factor, 1.2);
		cr_expect(bed.conf->heartbeat.adaptive);
	}
}

Test(schema, defaults_in_their_fields)
{
	const struct net_addr addr = {.ip = {127, 0, 0, 1}, .port = 8080, .family = 4};
	const struct conf_limits *m;
	const struct conf *c;

	bed_load(&bed, NULL, NULL);
	c = bed.conf;
	m = &c->limits;
	cr_expect_eq(c->n_listen, 1);
	cr_expect_eq(memcmp(&c->listen[0], &addr, sizeof(addr)), 0);
	cr_expect_eq(c->workers, 4);
	cr_expect_str_eq(c->control_path, "");
	cr_expect_eq(c->log_level, LOG_INFO);
	cr_expect_eq(c->log_format, LOG_KV);
	cr_expect_eq(c->auth.mode, AUTH_DENY);
	cr_expect_eq(m->max_connections, 0);
	cr_expect_eq(m->max_connections_per_user, 32);
	cr_expect_eq(m->max_half_open, 4096);
	cr_expect_eq(m->handshake_timeout_ms, 5000);
	cr_expect_eq(m->max_request_head_bytes, 16384);
	cr_expect_eq(m->max_message_bytes, 1048576);
	cr_expect_eq(m->max_fragments, 262144);
	cr_expect_eq(m->message_timeout_ms, 30000);
	cr_expect_eq(m->send_queue_bytes, 1048576);
	cr_expect_eq(m->write_timeout_ms, 10000);
	cr_expect_eq(m->close_timeout_ms, 5000);
	cr_expect_eq(m->control_frame_burst, 128);
	cr_expect_eq(m->control_frames_per_s, 32);
	cr_expect_eq(m->inbox_items, 65536);
	cr_expect_eq(m->max_connections_per_address, 0);
	cr_expect_eq(m->connections_per_s, 10000);
	cr_expect_eq(m->message_burst, 100);
	cr_expect_eq(m->messages_per_s, 0);
	cr_expect_eq(m->slow_consumer, SLOW_CLOSE);
	cr_expect_eq(m->user_policy, USER_REFUSE);
	cr_expect_eq(m->memory_bytes, 0);
	cr_expect_eq(m->memory_high_water, 0.85);
	cr_expect_eq(m->buffered_bytes, 0);
	cr_expect_eq(m->when_too_big, TOO_BIG_REFUSE);
	cr_expect_eq(c->shutdown.deadline_ms, 10000);
	cr_expect_eq(c->drain.rate_per_s, 1000);
	cr_expect_eq(c->drain.deadline_ms, 60000);
	cr_expect_eq(c->recorder.events, 24);
	cr_expect_eq(c->recorder.closed_bytes, 8 << 20);
	cr_expect_eq(c->n_hubs, 1);
	cr_expect_eq(conf_hub_action(c, "chat", 4), HUB_DROP);

	bed_load(&bed, NULL, &(struct conf_args){.dev = true, .env_name = "production"});
	cr_expect_eq(bed.conf->auth.mode, AUTH_OPEN);
	cr_expect_eq(conf_hub_action(bed.conf, "chat", 4), HUB_ECHO);
}

/* Only a restart changes these; everything else follows a reload. */
Test(schema, what_needs_a_restart)
{
	static const char *const restart[] = {"listen",
	                                      "workers",
	                                      "control.path",
	                                      "limits.inbox_items",
	                                      "limits.memory_bytes",
	                                      "limits.socket_receive_bytes",
	                                      "limits.socket_send_bytes",
	                                      "limits.memory_high_water",
	                                      "limits.buffered_bytes",
	                                      "limits.when_too_big",
	                                      "recorder.events",
	                                      "recorder.closed_bytes"};
	size_t n = 0;

	conf_keys_for_each(k) n += !k->reload;
	cr_expect_eq(n, ARRAY_LEN(restart));
	for (size_t i = 0; i < ARRAY_LEN(restart); i++)
		cr_expect(!schema_find(restart[i])->reload, "%s", restart[i]);
}

static bool stores(const struct conf_key *k, double d, struct conf *c, char text[VALUE_TEXT_MAX])
{
	json_t *v = json_real(d);
	const bool ok = value_store(k, c, v);

	json_decref(v);
	value_format(k, c, text);
	return ok;
}

Test(schema, numbers_at_their_edges)
{
	conf_keys_for_each(k)
	{
		const double step = k->type == KEY_WHOLE ? 1 : 0.001;
		char text[VALUE_TEXT_MAX];
		struct conf *c = bed.conf;

		if (!is_number(k))
			continue;
		bed_load(&bed, NULL, NULL);
		c = bed.conf;
		cr_expect(stores(k, k->min, c, text), "%s least", k->name);
		cr_expect_float_eq(strtod(text, NULL), k->min, 1e-9, "%s is %s", k->name, text);
		cr_expect(stores(k, k->max, c, text), "%s most", k->name);
		cr_expect_float_eq(strtod(text, NULL), k->max, 1e-9, "%s is %s", k->name, text);
		cr_expect(!stores(k, k->min - step, c, text), "%s below", k->name);
		cr_expect(!stores(k, k->max + step, c, text), "%s above", k->name);
		cr_expect(!stores(k, 1e300, c, text), "%s huge", k->name);
		cr_expect(!stores(k, -1e300, c, text), "%s negative", k->name);
		cr_expect_eq(stores(k, k->max - 0.5, c, text), k->type != KEY_WHOLE, "%s", k->name);
		if (k->type == KEY_WHOLE)
			cr_expect_float_eq(strtod(text, NULL), k->max, 0.1, "%s was touched",
			                   k->name);
	}
}

/* @value in the file at @k: one fault, on the line of the key, with what is expected and @found. */
static void expect_refusal(const struct conf_key *k, const char *value, const char *found)
{
	char text[1024], name[KEY_TEXT_MAX], line[1024], expected[VALUE_EXPECT_MAX];

	bed_nest(k, value, text, sizeof(text));
	bed_load(&bed, text, NULL);
	snprintf(line, sizeof(line), BED_FILE ":3: %s: expected %s, found %s",
	         bed_key_name(k, name), value_expect(k, expected), found);
	bed_expect_faults(&bed, (const char *const[]){line, NULL}, k->name);
}

Test(schema, numbers_beyond_their_edges_are_faults)
{
	conf_keys_for_each(k)
	{
		char value[32];

		if (!is_number(k))
			continue;
		snprintf(value, sizeof(value), "%.15g", k->min - 1);
		expect_refusal(k, value, value);
		snprintf(value, sizeof(value), "%.15g", k->max + 1);
		expect_refusal(k, value, value);
		expect_refusal(k, "1000000000000000000000000000000", "1e+30");
		if (k->type == KEY_WHOLE) {
			snprintf(value, sizeof(value), "%.15g", k->min + 0.5);
			expect_refusal(k, value, value);
		}
	}
}

Test(schema, wrong_types_are_faults)
{
	conf_keys_for_each(k)
	{
		if (k->type != KEY_SWITCH) {
			expect_refusal(k, "true", "true");
			expect_refusal(k, "false", "false");
		}
		expect_refusal(k, "null", "null");
		expect_refusal(k, "{\"a\": 1}", "an object");
		if (k->type == KEY_LISTEN)
			expect_refusal(k, "[]", "a list of 0");
		else
			expect_refusal(k, "[1, 2]", "a list of 2");
		if (is_number(k))
			expect_refusal(k, "\"5\"", "\"5\"");
		else
			expect_refusal(k, "5", "5");
	}
}

Test(schema, each_word_is_taken_and_no_other)
{
	static const struct conf_setting keys = {
		.key = "auth.keys", .value = "x", .origin = "--set"};
	static const struct conf_args with_keys = {
		.env_name = "production", .has_handler = true, .n_settings = 1, .settings = &keys};

	conf_keys_for_each(k)
	{
		if (k->type != KEY_WORD)
			continue;
		for (size_t i = 0; i < k->n_words; i++) {
			char text[256], value[64], now[VALUE_TEXT_MAX];
			const struct conf *c;

			snprintf(value, sizeof(value), "\"%s\"", k->words[i]);
			bed_nest(k, value, text, sizeof(text));
			bed_load(&bed, text, &with_keys);
			cr_assert_eq(bed.err, 0, "%s = %s", k->name, value);
			c = bed.conf;
			value_format(k, k->per_hub ? (const void *)&c->hubs[1] : c, now);
			cr_expect_str_eq(now, value, "%s", k->name);
		}
		expect_refusal(k, "\"\"", "\"\"");
		expect_refusal(k, "\"Drop\\u00e9\\n\"", "\"Drop\xc3\xa9\\x0a\"");
	}
}

Test(schema, another_value_of_each_key_is_taken)
{
	conf_keys_for_each(k)
	{
		char value[256], text[1024], now[VALUE_TEXT_MAX], before[VALUE_TEXT_MAX];

		bed_load(&bed, NULL, NULL);
		text_in(k, bed.conf, before);
		bed_nest(k, bed_other_value(k, value), text, sizeof(text));
		bed_load(&bed, text, NULL);
		cr_assert_eq(bed.err, 0, "%s = %s: %s", k->name, value,
		             bed.faults.n ? bed.faults.lines[0] : "");
		value_format(k, k->per_hub ? (const void *)&bed.conf->hubs[1] : bed.conf, now);
		cr_expect_str_neq(now, before, "%s", k->name);
	}
}

Test(schema, the_longest_path_fits)
{
	char text[512], path[CONTROL_PATH_MAX + 1], now[VALUE_TEXT_MAX];
	const struct conf_key *k = schema_find("control.path");

	memset(path, 1, sizeof(path)); /* a control byte: the longest escape */
	path[CONTROL_PATH_MAX - 1] = '\0';
	json_t *v = json_string(path);
	bed_load(&bed, NULL, NULL);
	cr_expect(value_store(k, bed.conf, v));
	cr_expect_str_eq(bed.conf->control_path, path);
	cr_expect_eq(strlen(value_format(k, bed.conf, now)), 6 * (CONTROL_PATH_MAX - 1) + 2);
	json_decref(v);

	memset(path, 'p', CONTROL_PATH_MAX);
	path[CONTROL_PATH_MAX] = '\0';
	snprintf(text, sizeof(text), "{\"control\": {\"path\": \"%s\"}}", path);
	bed_load(&bed, text, NULL);
	cr_expect_eq(bed.faults.n, 1);
}

Test(schema, nearest)
{
	static const struct {
		const char *word, *nearest;
	} cases[] = {
		{"limits.max_mesage_bytes", "limits.max_message_bytes"},
		{"limit", "limits"},
		{"hub", "hubs"},
		{"worker", "workers"},
		{"max_message_bytes", "limits.max_message_bytes"},
		{"heartbeat.max_connections", "limits.max_connections"},
		{"hubs.{hub}.onmessage", "hubs.{hub}.on_message"},
		{"drain.deadline", "drain.deadline_s"},
		{"tls.certificate_chain_file", NULL},
		{"zzz", NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char got[KEY_TEXT_MAX] = "";
		const bool found = schema_nearest(cases[i].word, got);

		cr_expect_eq(found, cases[i].nearest != NULL, "%s: %s", cases[i].word, got);
		if (found && cases[i].nearest != NULL)
			cr_expect_str_eq(got, cases[i].nearest, "%s: %s", cases[i].word, got);
	}
}
