/* Options, then configuration, then server, then exit code. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/rcu.h"
#include "conf/options.h"
#include "server/banner.h"
#include "server/server.h"
#include "wsmd/ctl.h"
#include "wsmd/version.h"

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

static void announce(const struct server *s, const char *program) ON_MAIN;
static void announce(const struct server *s, const char *program)
{
	const struct conf *c = server_conf(s);
	char address[NET_ADDR_TEXT];

	if (c->dev)
		banner_print(s, program, stderr);
	log_event(LOG_INFO, "control", "%s", c->control_path);
	for (uint32_t i = 0; i < s->n_listeners; i++) {
		const struct net_addr *at = &s->listeners[i].bound;

		log_event(LOG_INFO, "listening", "%s", net_addr_format(at, address));
		if (c->auth_mode == AUTH_OPEN && !net_addr_is_loopback(at))
			log_event(LOG_WARNING, "auth_open",
			          "auth.mode is open: whoever reaches %s is let in under any name",
			          address);
	}
	if (c->auth_mode == AUTH_DENY)
		log_event(LOG_WARNING, "auth_deny",
		          "auth.mode is deny: no client is let in; until there are tokens, "
		          "\"auth\": {\"mode\": \"open\"} lets everybody in, under any name");
}

static bool write_line(void *arg, enum log_level level, const char *line, size_t len)
{
	(void)arg;
	(void)level;
	return os_write_stderr(line, len);
}

static enum server_exit serve(const struct conf_args *args, const char *program) ON_MAIN;
static enum server_exit serve(const struct conf_args *args, const char *program)
{
	const struct server_setup setup = {
		.args = args,
		.conf = load(args),
		.sink = {.write = write_line, .wall_ms = os_wall_ms},
	};
	struct server *s;
	char fault[512];
	enum server_exit code;

	if (setup.conf == NULL)
		return SERVER_FAILED;
	if (server_new(&setup, &s, fault, sizeof(fault)) < 0) {
		fprintf(stderr, "wsmd: %s\n", fault);
		return SERVER_FAILED;
	}
	log_use(&s->log);
	if (server_start(s) < 0) {
		fprintf(stderr,
		        "wsmd: cannot start a thread; is the limit of processes too low?\n");
		os_unlink(server_conf(s)->control_path);
		os_exit(SERVER_FAILED); /* some threads run: nothing is lost by ending here */
	}
	announce(s, program);
	code = server_run(s);
	log_use(NULL);
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
	if (args->file != NULL)
		printf("%s: valid\n", args->file);
	else
		printf("no file was named; the defaults and the command line are valid\n");
	conf_free(c);
	return SERVER_STOPPED;
}

int main(int argc, char **argv)
{
	static struct options o; /* server_reload() reads the arguments again */
	enum server_exit code;

	role_enter(&role_main);
	if (!options_parse(argc, argv, &o))
		return SERVER_USAGE;
	if (o.help) {
		options_print_help(stdout);
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
		options_print_help(stderr);
		return SERVER_USAGE;
	}
	rcu_thread_enter();
	code = serve(&o.args, argv[0]);
	rcu_thread_leave();
	return (int)code;
}
