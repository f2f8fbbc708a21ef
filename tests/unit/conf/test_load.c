/* The layers and which of them wins, the command line's ways to say a value, and the number of
 * workers. */
#include <criterion/criterion.h>
#include <string.h>

#include "bed.h"

static struct bed bed;

static void init(void)
{
	bed_init(&bed);
}

static void fini(void)
{
	bed_fini(&bed);
}

TestSuite(load, .init = init, .fini = fini);

#define LISTEN(a)                                                                                  \
	{                                                                                          \
		"listen", (a), "--listen"                                                          \
	}
#define SET(key, val)                                                                              \
	{                                                                                          \
		(key), (val), "--set"                                                              \
	}

static void load_with(const char *text, const struct conf_setting *settings, size_t n)
{
	bed_load(&bed, text,
	         &(struct conf_args){
			 .env_name = "production", .n_settings = n, .settings = settings});
}

Test(load, each_layer_wins_over_the_one_before)
{
	const struct conf_setting set[] = {SET("heartbeat.interval_s", "7"),
	                                   SET("heartbeat.interval_s", "8.5")};
	static const char file[] = "{\"heartbeat\": {\"interval_s\": 6}}";

	load_with(NULL, NULL, 0);
	cr_expect_eq(bed.conf->heartbeat.interval_ms, 25000);
	load_with(file, NULL, 0);
	cr_expect_eq(bed.conf->heartbeat.interval_ms, 6000);
	load_with(file, set, 1);
	cr_expect_eq(bed.conf->heartbeat.interval_ms, 7000);
	load_with(file, set, 2);
	cr_expect_eq(bed.conf->heartbeat.interval_ms, 8500, "the last one");
	cr_expect_eq(bed.conf->heartbeat.timeout_ms, 75000, "others keep their profile");
}

Test(load, the_file_wins_over_dev)
{
	const struct conf_setting set[] = {SET("auth.mode", "open")};
	static const char file[] = "{\"auth\": {\"mode\": \"deny\"},"
				   " \"hubs\": {\"*\": {\"on_message\": \"drop\"}}}";

	bed_load(&bed, file, &(struct conf_args){.dev = true});
	cr_expect_eq(bed.conf->auth.mode, AUTH_DENY);
	cr_expect_eq(bed.conf->hubs[0].on_message, HUB_DROP);
	bed_load(&bed, file, &(struct conf_args){.dev = true, .n_settings = 1, .settings = set});
	cr_expect_eq(bed.conf->auth.mode, AUTH_OPEN);
}

Test(load, seconds_are_rounded_to_milliseconds)
{
	bed_set(&bed,
	        (const char *const[]){"drain.deadline_s=0.0504", "limits.close_timeout_s=1.0005",
	                              "shutdown.deadline_s=1e1", NULL});
	cr_assert_eq(bed.err, 0);
	cr_expect_eq(bed.conf->drain.deadline_ms, 50);
	cr_expect_eq(bed.conf->limits.close_timeout_ms, 1001);
	cr_expect_eq(bed.conf->shutdown.deadline_ms, 10000);
}

Test(load, settings_are_json_or_bare_words)
{
	bed_set(&bed, (const char *const[]){
			      "log.level=debug", "log.format=\"json\"",
			      "control.path=/run/x y/true=false", "hubs.chat.on_message=echo",
			      "hubs.a.b.on_message=\"echo\"", "hubs.*.on_message=drop",
			      "limits.max_connections= 12 ", NULL});
	cr_assert_eq(bed.err, 0);
	cr_expect_eq(bed.conf->log_level, LOG_DEBUG);
	cr_expect_eq(bed.conf->log_format, LOG_JSON);
	cr_expect_str_eq(bed.conf->control_path, "/run/x y/true=false");
	cr_expect_eq(bed.conf->limits.max_connections, 12);
	cr_expect_eq(bed.conf->n_hubs, 3);
	cr_expect_eq(conf_hub_action(bed.conf, "a.b", 3), HUB_ECHO);
	cr_expect_eq(conf_hub_action(bed.conf, "a", 1), HUB_DROP);
	bed_set(&bed, (const char *const[]){"control.path=123", NULL});
	cr_expect_str_eq(bed.conf->control_path, "123");
	bed_set(&bed, (const char *const[]){"control.path=", NULL});
	cr_expect_str_eq(bed.conf->control_path, "");
}

static void expect_ports(const uint16_t *ports, size_t n)
{
	cr_assert_eq(bed.err, 0, "%s", bed.faults.n ? bed.faults.lines[0] : "");
	cr_assert_eq(bed.conf->n_listen, n, "%u addresses", bed.conf->n_listen);
	for (size_t i = 0; i < n; i++)
		cr_expect_eq(bed.conf->listen[i].port, ports[i], "%zu: %u", i,
		             bed.conf->listen[i].port);
}
#define EXPECT_PORTS(...)                                                                          \
	expect_ports((const uint16_t[]){__VA_ARGS__},                                              \
	             sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t))

Test(load, listen_is_replaced_once_and_then_added_to)
{
	static const char file[] = "{\"listen\": [\"127.0.0.1:1\", \"[::1]:2\"]}";
	const struct conf_setting set[] = {LISTEN("127.0.0.1:3"),
	                                   LISTEN("4"),
	                                   LISTEN("[::1]:5"),
	                                   SET("listen", "[\"127.0.0.1:6\", \":7\"]"),
	                                   SET("listen", "127.0.0.1:8"),
	                                   SET("listen", "9"),
	                                   LISTEN("localhost:0"),
	                                   LISTEN("11")};

	load_with(file, NULL, 0);
	EXPECT_PORTS(1, 2);
	load_with(file, set, 1);
	EXPECT_PORTS(3);
	load_with(file, set, 3);
	EXPECT_PORTS(3, 4, 5);
	cr_expect_eq(bed.conf->listen[2].family, 6);
	load_with(file, set, 4);
	EXPECT_PORTS(6, 7);
	load_with(file, set, 5);
	EXPECT_PORTS(8);
	load_with(file, set, 6);
	EXPECT_PORTS(9);
	load_with(file, set, 8);
	EXPECT_PORTS(0, 11);
}

/* Port 0 may be named again and again. */
Test(load, listen_bound)
{
	struct conf_setting set[CONF_MAX_LISTEN + 1];
	char text[1024] = "{\"listen\": [\"0\"";

	for (size_t i = 0; i < ARRAY_LEN(set); i++)
		set[i] = (struct conf_setting)LISTEN("0");
	load_with(NULL, set, CONF_MAX_LISTEN);
	cr_expect_eq(bed.conf->n_listen, CONF_MAX_LISTEN);
	load_with(NULL, set, CONF_MAX_LISTEN + 1);
	bed_expect_faults(&bed,
	                  (const char *const[]){
				  "--listen 0: one address too many; at most 16 are allowed", NULL},
	                  "--listen");
	for (size_t i = 1; i < CONF_MAX_LISTEN; i++)
		strcat(text, ", \"0\"");
	strcat(text, "]}");
	bed_load(&bed, text, NULL);
	cr_expect_eq(bed.conf->n_listen, CONF_MAX_LISTEN);
	strcpy(text + strlen(text) - 2, ", \"0\"]}");
	bed_load(&bed, text, NULL);
	bed_expect_faults(
		&bed,
		(const char *const[]){BED_FILE
	                              ":1: listen: expected a list of 1 to 16 addresses such as "
	                              "[\"127.0.0.1:8080\"], found a list of 17",
	                              NULL},
		"file");
}

Test(load, workers_are_never_none)
{
	static const struct {
		const char *set;
		uint32_t cpus, workers;
	} cases[] = {
		{"0", 6, 6},      {"0", 0, 1}, {"0", 256, 256},
		{"0", 1000, 256}, {"3", 6, 3}, {"256", 1, 256},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct conf_setting set = SET("workers", cases[i].set);
		const struct conf_args args = {.n_settings = 1, .settings = &set};
		struct conf_faults faults = {0};
		struct conf *c = NULL;

		cr_assert_eq(conf_load(&args, cases[i].cpus, &c, &faults), 0);
		cr_expect_eq(c->workers, cases[i].workers, "case %zu: %u", i, c->workers);
		conf_free(c);
		conf_faults_fini(&faults);
	}
}

Test(load, comments_are_ignored_everywhere)
{
	bed_load(&bed,
	         "{\"_comment\": {\"workers\": \"x\"}, \"workers\": 7,"
	         " \"log\": {\"_comment\": [1, {\"_comment\": 2}], \"level\": \"error\"},"
	         " \"hubs\": {\"_comment\": null, \"chat\": {\"_comment\": \"]}\", \"on_message\": "
	         "\"echo\"}}}",
	         NULL);
	cr_assert_eq(bed.err, 0);
	cr_expect_eq(bed.conf->workers, 7);
	cr_expect_eq(bed.conf->log_level, LOG_ERROR);
	cr_expect_eq(conf_hub_action(bed.conf, "chat", 4), HUB_ECHO);
}

Test(load, an_empty_object_is_the_defaults)
{
	bed_load(&bed, " {\n}\n", NULL);
	cr_assert_eq(bed.err, 0);
	cr_expect_eq(bed.conf->heartbeat.interval_ms, 25000);
	cr_expect_eq(bed.conf->n_hubs, 1);
}

Test(load, dev_listens_on_loopback_only)
{
	const struct conf_setting fine[] = {LISTEN("127.9.9.9:0"), LISTEN("[::1]:0"),
	                                    LISTEN("localhost:1")};

	/* What the command line replaced does not count. */
	bed_load(&bed, "{\"listen\": [\"0.0.0.0:80\"]}",
	         &(struct conf_args){.dev = true, .n_settings = 3, .settings = fine});
	cr_assert_eq(bed.err, 0);
	cr_expect(bed.conf->dev);
	cr_expect_eq(bed.conf->n_listen, 3);
}

Test(load, timeout_just_above_interval)
{
	bed_set(&bed,
	        (const char *const[]){"heartbeat.interval_s=3", "heartbeat.timeout_s=3.001", NULL});
	cr_expect_eq(bed.err, 0);
	bed_set(&bed,
	        (const char *const[]){"heartbeat.interval_s=3", "heartbeat.timeout_s=3", NULL});
	cr_expect_eq(bed.faults.n, 1);
}
