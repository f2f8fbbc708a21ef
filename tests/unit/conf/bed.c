/* A configuration file of its own for each test. */
#include "bed.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "conf/value.h"

void bed_init(struct bed *b)
{
	*b = (struct bed){.dir = "/tmp/wsmd-conf-XXXXXX"};
	cr_assert_not_null(mkdtemp(b->dir));
	cr_assert_eq(chdir(b->dir), 0);
}

static void forget(struct bed *b)
{
	conf_free(b->conf);
	b->conf = NULL;
	conf_faults_fini(&b->faults);
}

void bed_fini(struct bed *b)
{
	forget(b);
	unlink(BED_FILE);
	cr_expect_eq(rmdir(b->dir), 0);
}

void bed_write(const char *text, size_t len)
{
	FILE *f = fopen(BED_FILE, "w");

	cr_assert_not_null(f);
	cr_assert_eq(fwrite(text, 1, len, f), len);
	cr_assert_eq(fclose(f), 0);
}

void bed_load(struct bed *b, const char *text, const struct conf_args *args)
{
	struct conf_args own = args ? *args : (struct conf_args){.env_name = "production"};

	forget(b);
	if (text != NULL) {
		bed_write(text, strlen(text));
		own.file = BED_FILE;
	}
	b->err = conf_load(&own, 4, &b->conf, &b->faults);
	cr_assert_eq(b->err == 0, b->conf != NULL);
	cr_assert_eq(b->err == 0, b->faults.n == 0);
}

void bed_set(struct bed *b, const char *const *settings)
{
	struct conf_setting list[32];
	char keys[32][256];
	size_t n = 0;

	for (; settings[n] != NULL; n++) {
		const char *equals = strchr(settings[n], '=');

		cr_assert_lt(n, 32);
		snprintf(keys[n], sizeof(keys[n]), "%.*s", (int)(equals - settings[n]),
		         settings[n]);
		list[n] = (struct conf_setting){keys[n], equals + 1, "--set"};
	}
	bed_load(b, NULL,
	         &(struct conf_args){.env_name = "production", .n_settings = n, .settings = list});
}

void bed_expect_faults(const struct bed *b, const char *const *lines, const char *what)
{
	size_t n = 0;

	while (lines[n] != NULL)
		n++;
	for (size_t i = 0; i < n && i < b->faults.n; i++)
		cr_expect_str_eq(b->faults.lines[i], lines[i], "%s:\n  got      %s\n  expected %s",
		                 what, b->faults.lines[i], lines[i]);
	cr_expect_eq(b->faults.n, n, "%s: %zu faults instead of %zu, the next is %s", what,
	             b->faults.n, n, b->faults.n > n ? b->faults.lines[n] : lines[b->faults.n]);
}

const char *bed_other_value(const struct conf_key *k, char buf[256])
{
	switch (k->type) {
	case KEY_WHOLE:
		snprintf(buf, 256, "%.0f", k->max);
		break;
	case KEY_SECONDS:
		/* Small for the interval, large for the timeout: both stay allowed. */
		snprintf(buf, 256, "%g", strstr(k->name, "interval") ? 0.125 : k->max - 0.25);
		break;
	case KEY_FACTOR:
		snprintf(buf, 256, "%g", k->min + (k->max - k->min) / 4);
		break;
	case KEY_WORD:
		for (size_t i = 0; i < k->n_words; i++) {
			snprintf(buf, 256, "\"%s\"", k->words[i]);
			if (strcmp(buf, schema_default(k, ENV_PRODUCTION, false)) != 0)
				break;
		}
		break;
	case KEY_SWITCH:
		snprintf(buf, 256, "%s", strcmp(k->value[0], "true") == 0 ? "false" : "true");
		break;
	case KEY_TEXT:
		snprintf(buf, 256, "\"/run/a \\\"b\\\" \\\\ \\n\\u00fc/x\"");
		break;
	case KEY_LISTEN:
		snprintf(buf, 256, "[\"0.0.0.0:0\", \"[::1]:65535\"]");
		break;
	case KEY_ORIGINS:
		snprintf(buf, 256, "[\"https://app.example.com:8443\", \"*\"]");
		break;
	}
	return buf;
}

void bed_nest(const struct conf_key *k, const char *value, char *buf, size_t cap)
{
	const int len = (int)schema_section_len(k);

	if (k->per_hub)
		snprintf(buf, cap, "{\"hubs\":\n{\"chat\": {\n\"%s\": %s}}}", schema_leaf(k),
		         value);
	else if (len > 0)
		snprintf(buf, cap, "{\"%.*s\":\n{\n\"%s\": %s}}", len, k->name, schema_leaf(k),
		         value);
	else
		snprintf(buf, cap, "{\n\n\"%s\": %s}", k->name, value);
}

const char *bed_key_name(const struct conf_key *k, char buf[KEY_TEXT_MAX])
{
	if (k->per_hub)
		snprintf(buf, KEY_TEXT_MAX, "hubs.chat.%s", schema_leaf(k));
	else
		snprintf(buf, KEY_TEXT_MAX, "%s", k->name);
	return buf;
}
