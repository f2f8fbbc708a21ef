/* From argv to an invocation; each mistake is answered with the nearest right thing. */
#include "wsmctl/words.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include <wsmd/ctl.h>

#include "base/text.h"
#include "wsmctl/mem.h"
#include "wsmctl/report.h"

#define MIN_SECONDS 0.1
#define MAX_SECONDS 86400
#define MAX_COUNT   1e9

static bool is_number(const char *text, double min, double max)
{
	char *end;
	double value;

	/* strtod() would take " 1", "0x1", "inf" and "nan" as well. */
	if (*text == '\0' || text[strspn(text, "0123456789.")] != '\0')
		return false;
	value = strtod(text, &end);
	return *end == '\0' && value >= min && value <= max;
}

static bool is_seconds(const char *text)
{
	return is_number(text, MIN_SECONDS, MAX_SECONDS);
}

static bool is_utf8(const char *text)
{
	json_t *string = json_string(text);
	const bool valid = string != NULL;

	json_decref(string);
	return valid;
}

static int check_value(const struct invocation *in, const struct option_row *row, const char *value)
{
	long ignored_s;

	switch (row->kind) {
	case VALUE_NONE:
		break;
	case VALUE_PATH:
		if (*value == '\0')
			return report_usage(in, "%s needs a path, not an empty word", row->name);
		break;
	case VALUE_TEXT:
	case VALUE_LIST:
		if (!is_utf8(value))
			return report_usage(in, "%s is not UTF-8: %s", row->name, value);
		break;
	case VALUE_COUNT:
		if (strchr(value, '.') != NULL || !is_number(value, 1, MAX_COUNT))
			return report_usage(in,
			                    "%s needs a whole number from 1 to %.0f, not \"%s\"",
			                    row->name, MAX_COUNT, value);
		break;
	case VALUE_DURATION:
		if (!duration_parse(value, &ignored_s))
			return report_usage(
				in,
				"%s needs a time such as 90, 15m, 12h or 7d, from a second "
				"to a year, not \"%s\"",
				row->name, value);
		break;
	case VALUE_SECONDS:
	case VALUE_SECONDS_OPTIONAL:
		if (!is_seconds(value))
			return report_usage(in, "%s needs seconds from %g to %d, not \"%s\"",
			                    row->name, MIN_SECONDS, MAX_SECONDS, value);
		break;
	}
	return WSMD_CTL_OK;
}

static int unknown_option(const struct invocation *in, const char *name)
{
	const char *names[OPTION_COUNT], *nearest;

	for (size_t i = 0; i < OPTION_COUNT; i++)
		names[i] = option_rows[i].name;
	nearest = text_nearest(name, names, OPTION_COUNT);
	if (nearest != NULL)
		return report_usage(in, "there is no option %s; did you mean %s?", name, nearest);
	return report_usage(in, "there is no option %s; wsmctl help lists them", name);
}

static int find_option(const char *name)
{
	if (strcmp(name, "-h") == 0)
		return OPTION_HELP;
	for (int i = 0; i < OPTION_COUNT; i++) {
		if (strcmp(option_rows[i].name, name) == 0)
			return i;
	}
	return -1;
}

/* @next  the word behind the option, or NULL */
static bool value_is_next_word(const struct option_row *row, const char *next)
{
	if (row->kind == VALUE_NONE || next == NULL)
		return false;
	return row->kind != VALUE_SECONDS_OPTIONAL || next[strspn(next, "0123456789.")] == '\0';
}

/* @equals: what stands behind "=", or NULL; *i moves when the next word is taken as the value */
static int read_option(struct invocation *in, const char *name, const char *equals, char **argv,
                       int *i)
{
	const int id = find_option(name);
	const struct option_row *row;
	const char *value = equals;

	if (id < 0)
		return unknown_option(in, name);
	row = &option_rows[id];
	if (row->kind == VALUE_NONE && equals != NULL)
		return report_usage(in, "%s takes no value", row->name);
	if (equals == NULL && value_is_next_word(row, argv[*i + 1]))
		value = argv[++*i];
	if (value == NULL && row->kind != VALUE_NONE && row->kind != VALUE_SECONDS_OPTIONAL)
		return report_usage(in, "%s needs a value: %s %s", row->name, row->name,
		                    row->value);
	in->option[id] = value != NULL ? value : "";
	if (row->kind == VALUE_LIST)
		in->list[in->n_list++] = value;
	return value != NULL ? check_value(in, row, value) : WSMD_CTL_OK;
}

/* An option that the command does not know might widen what the operator meant to narrow. */
static int check_options(const struct invocation *in)
{
	const unsigned known = OPTIONS_COMMON | in->command->options;

	for (int id = 0; id < OPTION_COUNT; id++) {
		if (in->option[id] != NULL && (known & OPTION_BIT(id)) == 0)
			return report_usage(in, "%s does not take %s; see wsmctl help %s",
			                    in->command->name, option_rows[id].name,
			                    in->command->name);
	}
	return WSMD_CTL_OK;
}

int words_no_command(const struct invocation *in, const char *name)
{
	const char *nearest = command_nearest(name);

	if (nearest != NULL)
		return report_usage(in, "there is no command %s; did you mean %s?", name, nearest);
	return report_usage(in, "there is no command %s; wsmctl help lists them", name);
}

static int take_word(struct invocation *in, const char *word)
{
	if (!is_utf8(word))
		return report_usage(in, "not UTF-8: %s", word);
	if (in->command != NULL) {
		in->args[in->n_args++] = word;
		return WSMD_CTL_OK;
	}
	in->command = command_find(word);
	return in->command != NULL ? WSMD_CTL_OK : words_no_command(in, word);
}

static int take_option(struct invocation *in, char **argv, int *i)
{
	const char *word = argv[*i], *equals = strchr(word, '=');
	char *name;
	int rc;

	if (equals == NULL)
		return read_option(in, word, NULL, argv, i);
	name = must(strndup(word, (size_t)(equals - word)));
	rc = read_option(in, name, equals + 1, argv, i);
	free(name);
	return rc;
}

/* A mistake may stand before --json, and is told as JSON all the same. */
static bool wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const int id = find_option(argv[i]);

		if (id == OPTION_JSON)
			return true;
		if (id >= 0 && value_is_next_word(&option_rows[id], argv[i + 1]))
			i++;
	}
	return false;
}

int words_read(struct invocation *in, int argc, char **argv)
{
	bool only_words = false;

	in->option[OPTION_JSON] = wants_json(argc, argv) ? "" : NULL;
	for (int i = 1; i < argc; i++) {
		int rc = WSMD_CTL_OK;

		if (only_words || argv[i][0] != '-' || argv[i][1] == '\0')
			rc = take_word(in, argv[i]);
		else if (strcmp(argv[i], "--") == 0)
			only_words = true;
		else
			rc = take_option(in, argv, &i);
		if (rc != WSMD_CTL_OK)
			return rc;
	}
	return WSMD_CTL_OK;
}

static int extra_word(const struct invocation *in, const char *word)
{
	const struct command *c = in->command;
	const bool takes_user = (c->options & OPTION_BIT(OPTION_USER)) != 0;

	if (takes_user && in->option[OPTION_USER] == NULL)
		return report_usage(in, "%s has no use for \"%s\"; did you mean --user %s?",
		                    c->name, word, word);
	if (takes_user || c->max_args > 0)
		return report_usage(
			in, "%s has no use for \"%s\"; a text of several words needs quotes",
			c->name, word);
	return report_usage(in, "%s has no use for \"%s\"", c->name, word);
}

int words_fit(const struct invocation *in)
{
	const struct command *c = in->command;

	if (c == NULL)
		return report_usage(in, "which command? wsmctl help lists them");
	if (in->n_args < c->min_args)
		return report_usage(in, "%s needs more words: wsmctl %s %s", c->name, c->name,
		                    c->usage);
	if (in->n_args > c->max_args)
		return extra_word(in, in->args[c->max_args]);
	return check_options(in);
}
