/* The daemon: options, configuration, a manager, signals, exit code. */
#include <errno.h>
#include <stdio.h>

#include "os/os.h"
#include "program/banner.h"
#include "program/options.h"
#include "wsmd/manager.h"

enum exit_code {
	EXIT_STOPPED = 0, /* asked to stop, everybody was seen off */
	EXIT_FAILED = 1,  /* could not start: configuration, address, memory */
	EXIT_USAGE = 2,   /* the command line is wrong */
	EXIT_CUT = 3, /* stopped, but connections were cut at the deadline or by a later signal */
};

#define FOREVER_MS 60000 /* signals and the end wake us */

/* Whoever starts wsmd bare wants to know how. */
static bool says_how_to_run(const struct options *o)
{
	return o->dev || o->file != NULL || o->n_settings > 0;
}

/* ---- what is said ---- */

static void on_fault(void *user, const char *line)
{
	*(bool *)user = true;
	fprintf(stderr, "wsmd: %s\n", line);
}

static enum exit_code result(int err, bool told)
{
	if (err < 0 && !told)
		fprintf(stderr, "wsmd: %s\n", wsmd_error_text(err));
	return err < 0 ? EXIT_FAILED : EXIT_STOPPED;
}

static enum exit_code check(const struct wsmd_config *config, const char *file)
{
	bool told = false;
	const int err = wsmd_config_check(config, on_fault, &told);

	if (err == 0 && file != NULL)
		printf("%s: valid\n", file);
	else if (err == 0)
		printf("no file was named; the defaults and the command line are valid\n");
	return result(err, told);
}

static enum exit_code print(const struct wsmd_config *config)
{
	bool told = false;

	return result(wsmd_config_print(config, stdout, on_fault, &told), told);
}

static enum exit_code plan(const struct wsmd_config *config)
{
	bool told = false;

	(void)os_raise_fd_limit(); /* as serving would */
	return result(wsmd_config_plan(config, stdout, on_fault, &told), told);
}

/* ---- serving ---- */

static void obey(struct wsmd_manager *m, enum os_signal sig, unsigned *stops)
{
	if (sig == OS_SIGNAL_RELOAD)
		(void)wsmd_manager_reload_soon(m); /* the log has it all */
	else if (++*stops == 1)
		(void)wsmd_manager_stop(m);
	else if (*stops == 2)
		(void)wsmd_manager_cut(m);
	else
		os_exit(EXIT_CUT); /* nothing is waited for any more */
}

/* Watches the signals and the end. Negative: there is no descriptor for it. */
static int watch(const struct wsmd_manager *m, int signals)
{
	const int poll = os_poll_new();
	int err = poll;

	if (err >= 0)
		err = os_poll_add(poll, signals, OS_READ, 0);
	if (err >= 0)
		err = os_poll_add(poll, wsmd_manager_ended_fd(m), OS_READ, 1);
	if (err < 0 && poll >= 0)
		os_close(poll);
	return err < 0 ? err : poll;
}

static enum exit_code run(struct wsmd_manager *m, int signals, int poll)
{
	struct os_event events[2];
	unsigned stops = 0;
	bool cut = false;

	while (wsmd_manager_wait(m, 0, &cut) == -ETIMEDOUT) {
		(void)os_poll_wait(poll, events, 2, FOREVER_MS);
		for (enum os_signal sig; (sig = os_signal_read(signals)) != OS_SIGNAL_NONE;)
			obey(m, sig, &stops);
	}
	return cut ? EXIT_CUT : EXIT_STOPPED;
}

/* All that it needs itself it has before there are threads: who is served finds it complete. */
static enum exit_code start_and_run(struct wsmd_manager *m, int signals)
{
	const int poll = watch(m, signals);
	enum exit_code code = EXIT_FAILED;

	if (poll < 0) {
		fprintf(stderr, "wsmd: %s\n", wsmd_error_text(poll));
		return code;
	}
	if (wsmd_manager_start(m) < 0)
		fprintf(stderr,
		        "wsmd: cannot start a thread; is the limit of processes too low?\n");
	else
		code = run(m, signals, poll);
	os_close(poll);
	return code;
}

static enum exit_code serve(const struct wsmd_config *config, const char *program)
{
	const int signals = os_signals_open(); /* blocked before there are threads */
	struct wsmd_manager *m;
	enum exit_code code;
	bool told = false;
	int err;

	os_memory_keep_little();
	(void)os_raise_fd_limit();
	err = signals < 0 ? signals : wsmd_manager_create(config, NULL, on_fault, &told, &m);
	if (err < 0)
		return result(err, told);
	banner_print(m, program, stderr);
	code = start_and_run(m, signals);
	(void)wsmd_manager_destroy(m); /* it has ended */
	os_close(signals);
	return code;
}

static enum exit_code act(const struct options *o, const struct wsmd_config *config,
                          const char *program)
{
	if (o->check)
		return check(config, o->file);
	if (o->plan)
		return plan(config);
	if (o->print_config)
		return print(config);
	return serve(config, program);
}

int main(int argc, char **argv)
{
	static struct options o;
	struct wsmd_config *config;
	enum exit_code code;
	int err;

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
		return (int)result(wsmd_config_print_initial(stdout), false);
	if (!o.check && !o.plan && !o.print_config && !says_how_to_run(&o)) {
		options_print_help(stderr);
		return EXIT_USAGE;
	}
	err = options_configure(&o, &config);
	if (err < 0)
		return (int)result(err, false);
	code = act(&o, config, argv[0]);
	wsmd_config_free(config);
	return (int)code;
}
