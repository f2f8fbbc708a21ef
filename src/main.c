/* Options, then configuration, then server, then exit code. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/rcu.h"
#include "base/text.h"
#include "conf/conf.h"
#include "server/banner.h"
#include "server/server.h"
#include "wsmd/ctl.h"
#include "wsmd/version.h"

#define MAX_SETTINGS 256

enum option_id {
	OPTION_DEV = 256,
	OPTION_CONFIG,
	OPTION_LISTEN,
	OPTION_WORKERS,
	OPTION_CONTROL,
	OPTION_ENV,
	OPTION_SET,
	OPTION_CHECK,
	OPTION_INIT,
	OPTION_PRINT_CONFIG,
	OPTION_VERSION,
	OPTION_HELP,
};

/* One row: parsing, --help, nearest names. */
static const struct option_row {
	enum option_id id;
	const char *name, *argument, *help;
} rows[] = {
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
	{OPTION_VERSION, "version", NULL, "print the version, exit"},
	{OPTION_HELP, "help", NULL, "print this, exit"},
};

struct options {
	struct conf_args args;
	struct conf_setting settings[MAX_SETTINGS];
	bool check, init, print_config, version, help;
};

static void print_help(FILE *out)
{
	fprintf(out, "Usage: wsmd --dev | --config FILE [option ...]\n"
	             "       wsmd --check FILE\n"
	             "Keeps users' WebSockets and lets back ends send to them.\n\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char left[40];

		snprintf(left, sizeof(left), "--%s%s%s", rows[i].name, rows[i].argument ? " " : "",
		         rows[i].argument ? rows[i].argument : "");
		fprintf(out, "  %-22s %s\n", left, rows[i].help);
	}
	fprintf(out,
	        "\nSignals: TERM, INT: stop; HUP: read the configuration again.\n"
	        "Exit codes: 0 stopped; 1 could not start; 2 wrong command line; 3 stopped, but\n"
	        "connections were cut at the deadline.\n");
}

/* ---- options ---- */

static bool add_setting(struct options *o, const char *key, const char *value, const char *origin)
{
	if (o->args.n_settings == MAX_SETTINGS) {
		fprintf(stderr, "wsmd: more than %d settings on the command line\n", MAX_SETTINGS);
		return false;
	}
	o->settings[o->args.n_settings++] = (struct conf_setting){key, value, origin};
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
		o->args.dev = true;
		break;
	case OPTION_CONFIG:
		o->args.file = value;
		break;
	case OPTION_LISTEN:
		return add_setting(o, "listen", value, "--listen");
	case OPTION_WORKERS:
		return add_setting(o, "workers", value, "--workers");
	case OPTION_CONTROL:
		return add_setting(o, "control.path", value, "--control");
	case OPTION_ENV:
		o->args.env_name = value;
		break;
	case OPTION_SET:
		return add_key_value(o, value);
	case OPTION_CHECK:
		o->check = true;
		break;
	case OPTION_INIT:
		o->init = true;
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
	const char *names[ARRAY_LEN(rows)], *nearest;
	char safe[100];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		names[i] = rows[i].name;
	text_escape(safe, sizeof(safe), word, strlen(word));
	if (missing_argument) {
		fprintf(stderr, "wsmd: %s needs a value; see wsmd --help\n", safe);
		return;
	}
	word += strspn(word, "-");
	nearest = text_nearest(word, names, ARRAY_LEN(rows));
	if (nearest != NULL)
		fprintf(stderr, "wsmd: unknown option %s; did you mean --%s?\n", safe, nearest);
	else
		fprintf(stderr, "wsmd: unknown option %s; see wsmd --help\n", safe);
}

static bool parse_options(int argc, char **argv, struct options *o)
{
	struct option longs[ARRAY_LEN(rows) + 1] = {0};
	int id;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		longs[i] = (struct option){rows[i].name,
		                           rows[i].argument ? required_argument : no_argument, NULL,
		                           (int)rows[i].id};
	opterr = 0;
	while ((id = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (id == '?' || id == ':') {
			complain(argv[optind - 1], id == ':');
			return false;
		}
		if (!take_option(o, id, optarg))
			return false;
	}
	o->args.settings = o->settings;
	if (o->check && optind + 1 == argc && o->args.file == NULL)
		o->args.file = argv[optind++];
	if (optind == argc)
		return true;
	complain(argv[optind], false);
	return false;
}

/* ---- configuration ---- */

static struct conf *load(const struct conf_args *args)
{
	struct conf_faults faults = {0};
	struct conf *c = NULL;
	const int err = conf_load(args, os_cpus(), &c, &faults);

	for (size_t i = 0; i < faults.n; i++)
		fprintf(stderr, "wsmd: %s\n", faults.lines[i]);
	if (err < 0 && faults.n == 0)
		fprintf(stderr, "wsmd: %s\n", err_text(err));
	conf_faults_fini(&faults);
	if (err < 0)
		return NULL;
	if (c->control_path[0] == '\0' &&
	    wsmd_ctl_default_path(c->control_path, sizeof(c->control_path)) < 0) {
		fprintf(stderr, "wsmd: the default control path is too long; choose one with "
		                "--control PATH\n");
		conf_free(c);
		return NULL;
	}
	return c;
}

/* Whoever starts wsmd bare wants to know how. */
static bool says_how_to_run(const struct options *o)
{
	return o->args.dev || o->args.file != NULL || o->args.n_settings > 0;
}

/* ---- the server ---- */

static void announce(const struct server *s) ON_MAIN;
static void announce(const struct server *s)
{
	const struct conf *c = server_conf(s);
	char address[NET_ADDR_TEXT];

	if (c->dev)
		banner_print(s, stderr);
	for (uint32_t i = 0; i < s->n_listeners; i++) {
		const struct net_addr *at = &s->listeners[i].bound;

		log_event(LOG_INFO, "listening", "%s", net_addr_format(at, address));
		if (c->auth_mode == AUTH_OPEN && !net_addr_is_loopback(at))
			log_event(LOG_WARNING, "open",
			          "auth.mode is open: whoever reaches %s is let in under any name",
			          address);
	}
	if (c->auth_mode == AUTH_DENY)
		log_event(LOG_WARNING, "closed",
		          "auth.mode is deny: no client is let in; see docs/configuration.md");
}

static enum server_exit serve(const struct conf_args *args) ON_MAIN;
static enum server_exit serve(const struct conf_args *args)
{
	struct conf *conf = load(args);
	struct server *s;
	char fault[512];
	enum server_exit code;

	if (conf == NULL)
		return SERVER_FAILED;
	if (server_new(args, conf, &s, fault, sizeof(fault)) < 0) {
		fprintf(stderr, "wsmd: %s\n", fault);
		return SERVER_FAILED;
	}
	if (server_start(s) < 0) {
		fprintf(stderr,
		        "wsmd: cannot start a thread; is the limit of processes too low?\n");
		os_unlink(server_conf(s)->control_path);
		os_exit(SERVER_FAILED); /* some threads run: nothing is lost by ending here */
	}
	announce(s);
	code = server_run(s);
	server_free(s);
	return code;
}

static int print_conf(const struct conf_args *args)
{
	struct conf *c = load(args);
	int err;

	if (c == NULL)
		return SERVER_FAILED;
	err = conf_print(c, stdout);
	conf_free(c);
	return err < 0 ? SERVER_FAILED : SERVER_STOPPED;
}

static int check_conf(const struct conf_args *args)
{
	struct conf *c = load(args);

	if (c == NULL)
		return SERVER_FAILED;
	printf("%s: valid\n", args->file != NULL ? args->file : "configuration");
	conf_free(c);
	return SERVER_STOPPED;
}

int main(int argc, char **argv)
{
	static const struct log_sink sink = {.write = os_write_stderr, .wall_ms = os_wall_ms};
	static struct options o; /* server_reload() reads the arguments again */
	enum server_exit code;

	role_enter(&role_main);
	if (!parse_options(argc, argv, &o))
		return SERVER_USAGE;
	if (o.help) {
		print_help(stdout);
		return SERVER_STOPPED;
	}
	if (o.version) {
		printf("wsmd %s\n", WSMD_VERSION);
		return SERVER_STOPPED;
	}
	if (o.init)
		return conf_print_initial(stdout) < 0 ? SERVER_FAILED : SERVER_STOPPED;
	if (o.check)
		return check_conf(&o.args);
	if (o.print_config)
		return print_conf(&o.args);
	if (!says_how_to_run(&o)) {
		print_help(stderr);
		return SERVER_USAGE;
	}
	log_open(&sink);
	rcu_thread_enter();
	code = serve(&o.args);
	rcu_thread_leave();
	return code;
}
