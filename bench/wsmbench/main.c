/* wsmbench: options → checks → run → report → exit code. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "loop.h"
#include "options.h"
#include "os/os.h"
#include "procfs.h"
#include "report.h"
#include "run.h"

#define EXIT_ERRORS 1
#define EXIT_WRONG  2

#define SPARE_DESCRIPTORS 16 /* standard streams, the main thread's, /proc files */
#define LOOP_DESCRIPTORS  3

static const struct mode *mode_of(const struct options *o)
{
	switch (o->mode) {
	case BENCH_ECHO:
		return &mode_echo;
	case BENCH_IDLE:
		return &mode_idle;
	case BENCH_FANOUT:
		return &mode_fanout;
	case BENCH_STORM:
		return &mode_storm;
	case BENCH_PUSH:
		return &mode_push;
	case BENCH_SLOW:
		return &mode_slow;
	case BENCH_CONNECT:
		break;
	}
	return &mode_connect;
}

static bool descriptors_suffice(const struct options *o)
{
	const uint64_t own = SPARE_DESCRIPTORS + LOOP_DESCRIPTORS * o->threads;
	const uint64_t limit = os_raise_fd_limit();

	if (own + o->connections <= limit)
		return true;
	fprintf(stderr,
	        "wsmbench: the limit of open descriptors is %llu, enough for %llu connections, not "
	        "%llu (raise it with ulimit -n or LimitNOFILE)\n",
	        (unsigned long long)limit, (unsigned long long)(limit > own ? limit - own : 0),
	        (unsigned long long)o->connections);
	return false;
}

static bool server_is_visible(const struct options *o)
{
	struct cpu_time t;

	if (o->pid == 0 || cpu_read_process(o->pid, &t))
		return true;
	fprintf(stderr, "wsmbench: --pid %llu: no such process, or not ours to look at\n",
	        (unsigned long long)o->pid);
	return false;
}

/* Before the run, so that a long one is not for nothing. */
static bool open_hgrm(const struct options *o, FILE **ret)
{
	*ret = o->hgrm ? fopen(o->hgrm, "we") : NULL;
	if (!o->hgrm || *ret)
		return true;
	fprintf(stderr, "wsmbench: --hgrm %s: %s\n", o->hgrm, err_text(-errno));
	return false;
}

/* False: not all of it could be written. */
static bool close_hgrm(const struct options *o, FILE *f)
{
	bool failed;

	if (!f)
		return true;
	failed = ferror(f) != 0;
	failed = fclose(f) != 0 || failed;
	if (failed)
		fprintf(stderr, "wsmbench: --hgrm %s: could not be written\n", o->hgrm);
	return !failed;
}

int main(int argc, char **argv)
{
	static struct report report;
	struct options options;
	struct run run;
	FILE *hgrm;
	int rc;

	switch (options_parse(argc, argv, &options)) {
	case OPTIONS_DONE:
		return EXIT_SUCCESS;
	case OPTIONS_WRONG:
		return EXIT_WRONG;
	case OPTIONS_RUN:
		break;
	}
	options.progress = options.progress || isatty(STDERR_FILENO);
	if (!descriptors_suffice(&options) || !server_is_visible(&options) ||
	    !open_hgrm(&options, &hgrm))
		return EXIT_WRONG;
	report_init(&report, &options);
	rc = run_start(&run, &options, mode_of(&options));
	if (rc != 0) {
		fprintf(stderr, "wsmbench: cannot start: %s\n", err_text(rc));
		return EXIT_ERRORS;
	}
	run.mode->conduct(&run, &report);
	run_join(&run);
	for (uint32_t i = 0; i < run.n_loops; i++)
		failures_merge(&report.failures, &run.loops[i].failures);
	report.interrupted = run.interrupted;
	run.mode->tell(&run, &report);
	run_fini(&run);
	report_print(&report, hgrm);
	if (!close_hgrm(&options, hgrm))
		return EXIT_ERRORS;
	return failures_total(&report.failures) == 0 ? EXIT_SUCCESS : EXIT_ERRORS;
}
