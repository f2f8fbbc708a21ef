/* The command line of wsmd: one table for parsing, --help, the man page and nearest names. */
#include "program/options.h"

#include <getopt.h>
#include <string.h>

#include "base/text.h"

const struct option_row option_rows[] = {
	{OPTION_DEV, "dev", NULL, "loopback only, no token: the user is whoever ?user=NAME says"},
	{OPTION_CONFIG, "config", "FILE", "read the configuration from FILE (JSON)"},
	{OPTION_LISTEN, "listen", "ADDR:PORT", "listen here; may be repeated; replaces the file's"},
	{OPTION_WORKERS, "workers", "N", "worker threads; 0: one per core"},
	{OPTION_CONTROL, "control", "PATH", "control socket for wsmctl"},
	{OPTION_ENV, "env", "NAME", "development, testing, staging or production"},
	{OPTION_SET, "set", "KEY=VALUE", "set any configuration key; may be repeated"},
	{OPTION_CHECK, "check", NULL,
         "check the configuration, say everything that is wrong, exit"},
	{OPTION_INIT, "init", NULL, "print a configuration to start from, exit"},
	{OPTION_PRINT_CONFIG, "print-config", NULL, "print the configuration in force, exit"},
	{OPTION_PLAN, "plan", NULL, "print the memory that the limits promise, exit"},
	{OPTION_VERSION, "version", NULL, "print the version, exit"},
	{OPTION_HELP, "help", NULL, "print this, exit"},
};
const size_t option_n_rows = ARRAY_LEN(option_rows);

void options_print_help(FILE *out)
{
	fprintf(out, "Usage: wsmd --dev | --config FILE [option ...]\n"
	             "       wsmd --check FILE\n"
	             "Keeps users' WebSockets and lets back ends send to them.\n\n");
	for (size_t i = 0; i < ARRAY_LEN(option_rows); i++) {
		char left[40];

		snprintf(left, sizeof(left), "--%s%s%s", option_rows[i].name,
		         option_rows[i].argument ? " " : "",
		         option_rows[i].argument ? option_rows[i].argument : "");
		fprintf(out, "  %-22s %s\n", left, option_rows[i].help);
	}
	fprintf(out,
	        "\nSignals: TERM, INT: stop; HUP: read the configuration again.\n"
	        "Exit codes: 0 stopped; 1 could not start; 2 wrong command line; 3 stopped, but\n"
	        "connections were cut at the deadline or by a second signal.\n");
}

static bool add_setting(struct options *o, const char *key, const char *value, const char *origin)
{
	if (o->n_settings == OPTIONS_MAX_SETTINGS) {
		fprintf(stderr, "wsmd: more than %d settings on the command line\n",
		        OPTIONS_MAX_SETTINGS);
		return false;
	}
	o->settings[o->n_settings++] = (struct option_setting){key, value, origin};
	return true;
}

/* "key=value" of --set; argv is ours to cut. */
static bool add_key_value(struct options *o, char *text)
{
	char *equals = strchr(text, '=');

	if (equals == NULL || equals == text) {
		fprintf(stderr, "wsmd: --set needs KEY=VALUE, got \"%s\"\n", text);
		return false;
	}
	*equals = '\0';
	return add_setting(o, text, equals + 1, "--set");
}

static bool take_option(struct options *o, int id, char *value)
{
	switch (id) {
	case OPTION_DEV:
		o->dev = true;
		break;
	case OPTION_CONFIG:
		o->file = value;
		break;
	case OPTION_LISTEN:
		return add_setting(o, "listen", value, "--listen");
	case OPTION_WORKERS:
		return add_setting(o, "workers", value, "--workers");
	case OPTION_CONTROL:
		return add_setting(o, "control.path", value, "--control");
	case OPTION_ENV:
		o->env_name = value;
		break;
	case OPTION_SET:
		return add_key_value(o, value);
	case OPTION_CHECK:
		o->check = true;
		break;
	case OPTION_INIT:
		o->init = true;
		break;
	case OPTION_PLAN:
		o->plan = true;
		break;
	case OPTION_PRINT_CONFIG:
		o->print_config = true;
		break;
	case OPTION_VERSION:
		o->version = true;
		break;
	default:
		o->help = true;
	}
	return true;
}

static void complain(const char *word, bool missing_argument)
{
	const char *names[ARRAY_LEN(option_rows)], *nearest;
	char safe[100];

	for (size_t i = 0; i < ARRAY_LEN(option_rows); i++)
		names[i] = option_rows[i].name;
	text_escape(safe, sizeof(safe), word, strlen(word));
	if (missing_argument) {
		fprintf(stderr, "wsmd: %s needs a value; see wsmd --help\n", safe);
		return;
	}
	if (word[0] != '-') {
		fprintf(stderr, "wsmd: unexpected word %s; see wsmd --help\n", safe);
		return;
	}
	word += strspn(word, "-");
	nearest = text_nearest(word, names, ARRAY_LEN(option_rows));
	if (nearest != NULL)
		fprintf(stderr, "wsmd: unknown option %s; did you mean --%s?\n", safe, nearest);
	else
		fprintf(stderr, "wsmd: unknown option %s; see wsmd --help\n", safe);
}

/* The word that getopt stumbled over: "-dev" is letters to it, and it is still at the first. */
static const char *culprit(char **argv)
{
	const char *at = argv[optind];
	const bool letters = at != NULL && at[0] == '-' && at[1] == optopt && at[2] != '\0';

	return optopt != 0 && letters ? at : argv[optind - 1];
}

bool options_parse(int argc, char **argv, struct options *o)
{
	struct option longs[ARRAY_LEN(option_rows) + 1] = {0};
	int id;

	for (size_t i = 0; i < ARRAY_LEN(option_rows); i++)
		longs[i] =
			(struct option){option_rows[i].name,
		                        option_rows[i].argument ? required_argument : no_argument,
		                        NULL, (int)option_rows[i].id};
	opterr = 0;
	while ((id = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (id == '?' || id == ':') {
			complain(culprit(argv), id == ':');
			return false;
		}
		if (!take_option(o, id, optarg))
			return false;
	}
	if (o->check && optind < argc && o->file == NULL)
		o->file = argv[optind++];
	if (optind == argc)
		return true;
	complain(argv[optind], false);
	return false;
}

static int apply(const struct options *o, struct wsmd_config *c)
{
	/* wsmctl looks for the daemon at the default path. */
	int err = wsmd_config_control(c);

	if (err == 0 && o->file != NULL)
		err = wsmd_config_file(c, o->file);
	if (err == 0 && o->env_name != NULL)
		err = wsmd_config_env(c, o->env_name);
	if (err == 0 && o->dev)
		err = wsmd_config_dev(c);
	for (size_t i = 0; i < o->n_settings && err == 0; i++) {
		const struct option_setting *s = &o->settings[i];

		if (strcmp(s->origin, "--listen") == 0)
			err = wsmd_config_listen(c, s->value);
		else
			err = wsmd_config_set(c, s->key, s->value, s->origin);
	}
	return err;
}

int options_configure(const struct options *o, struct wsmd_config **ret)
{
	struct wsmd_config *c;
	int err = wsmd_config_new(&c);

	if (err < 0)
		return err;
	err = apply(o, c);
	if (err < 0)
		wsmd_config_free(c);
	else
		*ret = c;
	return err;
}
