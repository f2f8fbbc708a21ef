/* For each key: what a reload reports, and what it takes over. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "bed.h"
#include "conf/value.h"

struct report {
	size_t n;
	char lines[4][VALUE_TEXT_MAX];
};

static void on_report(void *arg, const char *key, enum conf_change change, const char *was,
                      const char *is)
{
	struct report *r = arg;

	cr_assert_lt(r->n, ARRAY_LEN(r->lines));
	snprintf(r->lines[r->n++], VALUE_TEXT_MAX, "%s %s: %s -> %s",
	         change == CONF_APPLIED ? "reload" : "restart", key, was, is);
}

static struct bed old_bed, bed;

static void init(void)
{
	bed_init(&bed);
	bed_load(&old_bed, NULL, NULL);
}

static void fini(void)
{
	conf_free(old_bed.conf);
	bed_fini(&bed);
}

TestSuite(diff, .init = init, .fini = fini);

Test(diff, nothing)
{
	struct report r = {0};

	bed_load(&bed, NULL, NULL);
	conf_diff(old_bed.conf, bed.conf, on_report, &r);
	cr_expect_eq(r.n, 0);
}

Test(diff, each_key_alone)
{
	conf_keys_for_each(k)
	{
		char value[256], text[1024], name[KEY_TEXT_MAX], want[2 * VALUE_TEXT_MAX];
		char was[VALUE_TEXT_MAX] = "null", is[VALUE_TEXT_MAX];
		struct report r = {0};

		bed_nest(k, bed_other_value(k, value), text, sizeof(text));
		bed_load(&bed, text, NULL);
		if (!k->per_hub)
			value_format(k, old_bed.conf, was);
		value_format(k, k->per_hub ? (const void *)&bed.conf->hubs[1] : bed.conf, is);
		conf_diff(old_bed.conf, bed.conf, on_report, &r);
		cr_assert_eq(r.n, 1, "%s: %zu", k->name, r.n);
		snprintf(want, sizeof(want), "%s %s: %s -> %s", k->reload ? "reload" : "restart",
		         bed_key_name(k, name), was, is);
		cr_expect_str_eq(r.lines[0], want, "%s", r.lines[0]);
	}
}

/* After the merge only what needs a restart still differs from the file. */
Test(diff, merge_takes_what_a_reload_applies)
{
	conf_keys_for_each(k)
	{
		char value[256], text[1024];
		struct report left = {0}, taken = {0};
		struct conf *merged;

		bed_nest(k, bed_other_value(k, value), text, sizeof(text));
		bed_load(&bed, text, NULL);
		merged = conf_merge_reload(old_bed.conf, bed.conf);
		conf_diff(merged, bed.conf, on_report, &left);
		conf_diff(old_bed.conf, merged, on_report, &taken);
		cr_expect_eq(left.n, !k->reload, "%s", k->name);
		cr_expect_eq(taken.n, k->reload, "%s", k->name);
		conf_free(merged);
	}
}

Test(diff, merge_keeps_how_the_process_was_started)
{
	struct conf *merged;

	bed_load(&bed, NULL, &(struct conf_args){.env_name = "testing", .dev = true});
	merged = conf_merge_reload(old_bed.conf, bed.conf);
	cr_expect_eq(merged->env, ENV_PRODUCTION);
	cr_expect(!merged->dev);
	cr_expect_eq(merged->heartbeat.interval_ms, 1000);
	conf_free(merged);
}

static void expect_hubs(const char *was, const char *is, const char *const *lines)
{
	struct report r = {0};
	struct conf *old, *merged;
	size_t n = 0;

	bed_load(&bed, was, NULL);
	old = bed.conf;
	bed.conf = NULL;
	bed_load(&bed, is, NULL);
	conf_diff(old, bed.conf, on_report, &r);
	while (lines[n] != NULL)
		n++;
	cr_assert_eq(r.n, n, "%zu lines", r.n);
	for (size_t i = 0; i < n; i++)
		cr_expect_str_eq(r.lines[i], lines[i], "%s", r.lines[i]);
	merged = conf_merge_reload(old, bed.conf);
	r.n = 0;
	conf_diff(merged, bed.conf, on_report, &r);
	cr_expect_eq(r.n, 0);
	conf_free(merged);
	conf_free(old);
}

#define HUB(name, action) "\"" name "\": {\"on_message\": \"" action "\"}"
#define HUBS(rows)        "{\"hubs\": {" rows "}}"

Test(diff, hubs_come_and_go)
{
	expect_hubs("{}", HUBS(HUB("*", "echo")),
	            (const char *const[]){"reload hubs.*.on_message: \"drop\" -> \"echo\"", NULL});
	expect_hubs(HUBS(HUB("a", "echo") "," HUB("b", "echo") "," HUB("d", "drop")),
	            HUBS(HUB("b", "drop") "," HUB("c", "echo") "," HUB("d", "drop")),
	            (const char *const[]){"reload hubs.a.on_message: \"echo\" -> null",
	                                  "reload hubs.b.on_message: \"echo\" -> \"drop\"",
	                                  "reload hubs.c.on_message: null -> \"echo\"", NULL});
	expect_hubs(HUBS(HUB("z", "echo")), "{}",
	            (const char *const[]){"reload hubs.z.on_message: \"echo\" -> null", NULL});
}
