/* Options, then configuration, then server, then exit code. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "conf/options.h"
#include "server/banner.h"
#include "server/plan.h"
#include "server/server.h"
#include "wsmd/ctl.h"
#include "wsmd/version.h"

enum exit_code {
	EXIT_STOPPED = 0, /* asked to stop, everybody was seen off */
	EXIT_FAILED = 1,  /* could not start: configuration, address, memory */
	EXIT_USAGE = 2,   /* the command line is wrong */
	EXIT_CUT = 3, /* stopped, but connections were cut at the deadline or by a second signal */
};

#define FOREVER_MS 60000 /* signals and the end wake us */

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

static bool write_line(void *arg, enum log_level level, const char *line, size_t len)
{
	(void)arg;
	(void)level;
	return os_write_stderr(line, len);
}

/* Until the server has ended. The second signal cuts off who is still there, the third is not
 * waited for. */
static enum exit_code obey_signals(struct server *s, int signals)
{
	struct os_event events[2];
	const int poll = os_poll_new();
	unsigned stops = 0;

	if (poll < 0 || os_poll_add(poll, signals, OS_READ, 0) < 0 ||
	    os_poll_add(poll, s->ended_fd, OS_READ, 1) < 0)
		os_exit(EXIT_FAILED);
	while (!atomic_load_explicit(&s->ended, memory_order_acquire)) {
		(void)os_poll_wait(poll, events, 2, FOREVER_MS);
		for (enum os_signal sig; (sig = os_signal_read(signals)) != OS_SIGNAL_NONE;) {
			if (sig == OS_SIGNAL_STOP && ++stops == 3)
				os_exit(EXIT_CUT);
			server_want(s, sig == OS_SIGNAL_RELOAD ? SERVER_WANT_RELOAD
			               : stops == 1            ? SERVER_WANT_STOP
			                                       : SERVER_WANT_CUT);
		}
	}
	os_close(poll);
	return server_join(s) ? EXIT_CUT : EXIT_STOPPED;
}

static enum exit_code serve(const struct conf_args *args, const char *program) ON_MAIN;
static enum exit_code serve(const struct conf_args *args, const char *program)
{
	const struct server_setup setup = {
		.args = args,
		.conf = load(args),
		.sink = {.write = write_line, .wall_ms = os_wall_ms},
	};
	struct server *s;
	char fault[512];
	enum exit_code code = EXIT_FAILED;
	int signals;

	if (setup.conf == NULL)
		return EXIT_FAILED;
	if (server_new(&setup, &s, fault, sizeof(fault)) < 0) {
		fprintf(stderr, "wsmd: %s\n", fault);
		return EXIT_FAILED;
	}
	if (server_conf(s)->dev)
		banner_print(s, program, stderr);
	signals = os_signals_open(); /* blocked before there are threads */
	if (signals < 0 || server_start(s) < 0)
		fprintf(stderr,
		        "wsmd: cannot start a thread; is the limit of processes too low?\n");
	else
		code = obey_signals(s, signals);
	server_free(s);
	return code;
}

static int print_conf(const struct conf_args *args)
{
	struct conf *c = load(args);
	int err;

	if (c == NULL)
		return EXIT_FAILED;
	err = conf_print(c, stdout);
	conf_free(c);
	return err < 0 ? EXIT_FAILED : EXIT_STOPPED;
}

/* 1 as well when the server would not start with it. */
static int print_plan(const struct conf_args *args)
{
	struct conf *c = load(args);
	struct plan p;
	char fault[512];
	bool refused;

	if (c == NULL)
		return EXIT_FAILED;
	plan_make(c, server_fd_room(os_raise_fd_limit(), c->workers), os_memory_limit(), &p);
	refused = plan_refuses(c, &p, fault, sizeof(fault));
	plan_print(&p, stdout);
	if (refused)
		fprintf(stderr, "wsmd: %s\n", fault);
	conf_free(c);
	return refused ? EXIT_FAILED : EXIT_STOPPED;
}

static int check_conf(const struct conf_args *args)
{
	struct conf *c = load(args);

	if (c == NULL)
		return EXIT_FAILED;
	if (args->file != NULL)
		printf("%s: valid\n", args->file);
	else
		printf("no file was named; the defaults and the command line are valid\n");
	conf_free(c);
	return EXIT_STOPPED;
}

int main(int argc, char **argv)
{
	static struct options o; /* server_reload() reads the arguments again */

	role_enter(&role_main);
	if (!options_parse(argc, argv, &o))
		return EXIT_USAGE;
	if (o.help) {
		options_print_help(stdout);
		return EXIT_STOPPED;
	}
	if (o.version) {
		printf("wsmd %s\n", WSMD_VERSION);
		return EXIT_STOPPED;
	}
	if (o.init)
		return conf_print_initial(stdout) < 0 ? EXIT_FAILED : EXIT_STOPPED;
	if (o.check)
		return check_conf(&o.args);
	if (o.plan)
		return print_plan(&o.args);
	if (o.print_config)
		return print_conf(&o.args);
	if (!says_how_to_run(&o)) {
		options_print_help(stderr);
		return EXIT_USAGE;
	}
	(void)os_raise_fd_limit(); /* what the server may use is ours to say */
	return (int)serve(&o.args, argv[0]);
}
