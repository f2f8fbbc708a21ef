/* What is printed loads again as what it was; and the reference page is up to date. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bed.h"
#include "conf/hubs.h"
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

TestSuite(print, .init = init, .fini = fini);

static char *printed(const struct conf *c)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_eq(c ? conf_print(c, out) : conf_print_initial(out), 0);
	cr_assert_eq(fclose(out), 0);
	return text;
}

/* Print the loaded snapshot and load that with other defaults below it: byte for byte the same? */
static void expect_round_trip(const char *what)
{
	struct conf *was = bed.conf;
	char *text;

	cr_assert_eq(bed.err, 0, "%s: %s", what, bed.faults.n ? bed.faults.lines[0] : "");
	bed.conf = NULL;
	text = printed(was);
	bed_load(&bed, text, &(struct conf_args){.env_name = "testing"});
	cr_assert_eq(bed.err, 0, "%s: %s", what, bed.faults.n ? bed.faults.lines[0] : "");
	bed.conf->env = was->env;
	bed.conf->dev = was->dev;
	cr_expect_eq(bed.conf->n_hubs, was->n_hubs);
	cr_expect_eq(memcmp(bed.conf, was, hubs_conf_bytes(was->n_hubs)), 0, "%s:\n%s", what, text);
	free(text);
	conf_free(was);
}

Test(print, defaults_load_again)
{
	for (int env = 0; env < CONF_ENVS; env++) {
		for (int dev = 0; dev < 2; dev++) {
			bed_load(&bed, NULL,
			         &(struct conf_args){.env_name = conf_env_name((enum conf_env)env),
			                             .dev = dev});
			expect_round_trip(conf_env_name((enum conf_env)env));
		}
	}
}

Test(print, each_other_value_loads_again)
{
	conf_keys_for_each(k)
	{
		char value[256], text[1024];

		bed_nest(k, bed_other_value(k, value), text, sizeof(text));
		bed_load(&bed, text, NULL);
		expect_round_trip(k->name);
	}
}

Test(print, awkward_values_load_again)
{
	bed_set(&bed,
	        (const char *const[]){
			"heartbeat.grace_factor=1.1000000000000003", "drain.deadline_s=86399.999",
			"limits.close_timeout_s=0.051", "hubs.a]`.on_message=echo",
			"hubs.Z.on_message=drop",
			"listen=[\"[fe80::1]:1\",\"1.2.3.4:0\",\"[::ffff:1.2.3.4]:7\"]", NULL});
	expect_round_trip("awkward");
	for (uint32_t ms = 50; ms < 20000; ms += 7) {
		const struct conf_key *k = schema_find("drain.deadline_s");
		char text[VALUE_TEXT_MAX];
		json_t *v;

		bed.conf->drain.deadline_ms = ms;
		v = json_real(strtod(value_format(k, bed.conf, text), NULL));
		cr_assert(value_store(k, bed.conf, v));
		cr_expect_eq(bed.conf->drain.deadline_ms, ms, "%s", text);
		json_decref(v);
	}
}

Test(print, form)
{
	static const char beginning[] =
		"{\n  \"listen\": [\"127.0.0.1:8080\"],\n  \"workers\": 4,\n"
		"  \"control\": {\n    \"path\": \"\"\n  },\n  \"log\": {\n"
		"    \"level\": \"info\",\n    \"format\": \"kv\"\n  },\n";
	static const char end[] =
		"  \"hubs\": {\n    \"*\": {\n      \"on_message\": \"drop\"\n    }\n"
		"  }\n}\n";
	char *text;

	bed_load(&bed, NULL, NULL);
	text = printed(bed.conf);
	cr_expect_eq(strncmp(text, beginning, strlen(beginning)), 0, "%s", text);
	cr_expect_str_eq(text + strlen(text) - strlen(end), end);
	free(text);
}

/* A file that pinned what depends on --env and --dev would switch them off unseen. */
Test(print, initial_file_changes_nothing)
{
	static const char *const envs[] = {"development", "testing", "staging", "production"};
	char *text = printed(NULL);

	for (size_t i = 0; i < 2 * ARRAY_LEN(envs); i++) {
		const struct conf_args args = {.env_name = envs[i / 2], .dev = i % 2 == 1};
		struct conf *without;

		bed_load(&bed, NULL, &args);
		cr_assert_eq(bed.err, 0);
		without = bed.conf;
		bed.conf = NULL;
		bed_load(&bed, text, &args);
		cr_assert_eq(bed.err, 0, "%s\n%s", bed.faults.n ? bed.faults.lines[0] : "", text);
		cr_expect_eq(memcmp(bed.conf, without, hubs_conf_bytes(1)), 0, "%s", envs[i / 2]);
		conf_free(without);
	}
	free(text);
}

Test(print, initial_file_names_each_key)
{
	char *text = printed(NULL);

	cr_expect(strstr(text, "\"workers\": 0,") != NULL, "not the number of this machine");
	conf_keys_for_each(k)
	{
		char line[VALUE_TEXT_MAX], quoted[6 * VALUE_TEXT_MAX];

		snprintf(line, sizeof(line), "%s: %s", schema_leaf(k), k->help);
		value_quote(quoted, sizeof(quoted), line);
		quoted[strlen(quoted) - 1] = '\0';
		cr_expect(strstr(text, quoted) != NULL, "%s", quoted);
		snprintf(line, sizeof(line), "\"%s\": ", schema_leaf(k));
		cr_expect_eq(strstr(text, line) != NULL, !schema_default_varies(k), "%s", line);
	}
	free(text);
}

Test(print, a_full_disk_is_an_error)
{
	FILE *full = fopen("/dev/full", "w");

	bed_load(&bed, NULL, NULL);
	cr_expect_eq(conf_print(bed.conf, full), -EIO);
	cr_expect_eq(conf_print_initial(full), -EIO);
	cr_expect_eq(conf_print_reference(full), -EIO);
	fclose(full);
}

Test(print, reference_page_is_current)
{
	char *want, page[65536];
	size_t len, n;
	FILE *out = open_memstream(&want, &len), *in = fopen(DOCS_DIR "/configuration.md", "r");

	cr_assert_eq(conf_print_reference(out), 0);
	fclose(out);
	cr_assert_not_null(in, "docs/configuration.md is missing");
	n = fread(page, 1, sizeof(page), in);
	fclose(in);
	cr_expect(
		n == len && memcmp(page, want, len) == 0,
		"docs/configuration.md is stale: tests/unit/conf/conf_print_reference in the build "
		"directory prints it");
	conf_keys_for_each(k) cr_expect(strstr(want, k->name) != NULL, "%s", k->name);
	free(want);
}
