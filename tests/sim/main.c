/* Seeds from the command line, each in a process of its own. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rcu.h"
#include "base/role.h"
#include "moved.h"
#include "scenario.h"
#include "world.h"

#define TWICE  4   /* so many of the first seeds are lived twice, and must be the same */
#define HANG_S 120 /* of real time */
#define SIM_USAGE                                                                                  \
	"usage: sim [--seed N] [--seeds FROM-TO] [--file FILE] [--counters FILE] [--networks N] "  \
	"[--trace]\n"

static bool trace;
static uint64_t n_passed, n_failed;

/* An assertion of the server, or worse: say where in the world it was. */
static void on_abort(int sig)
{
	char text[128];
	const int n = snprintf(text, sizeof(text),
	                       "FAILED: seed %" PRIu64 ": at %" PRIu64 ".%06" PRIu64 " signal %d\n",
	                       world.seed, world.now_us / US_PER_S, world.now_us % US_PER_S, sig);

	fflush(stdout);
	(void)!write(STDOUT_FILENO, text, (size_t)n);
	_exit(1);
}

static void live(uint64_t seed, bool twice)
{
	uint64_t first;

	signal(SIGABRT, on_abort);
	signal(SIGALRM, on_abort);
	alarm(HANG_S);
	rcu_thread_enter();
	first = scenario_run(seed, trace);
	if (twice && scenario_run(seed, false) != first)
		world_fail("two runs of the same seed differ");
	rcu_thread_leave();
}

static void run_seed(uint64_t seed)
{
	const bool twice = n_passed + n_failed < TWICE && !trace;
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		live(seed, twice);
		exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0) {
		perror("sim");
		exit(1);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		n_passed++;
		return;
	}
	n_failed++;
	printf("seed %" PRIu64 " has failed: %s %d\n", seed,
	       WIFSIGNALED(status) ? "signal" : "exit code",
	       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void run_range(const char *text)
{
	char *end;
	const uint64_t from = strtoull(text, &end, 10);
	const uint64_t to = *end == '-' ? strtoull(end + 1, NULL, 10) : from;

	for (uint64_t seed = from; seed <= to; seed++)
		run_seed(seed);
}

/* One seed on a line, and why it is there. Read before the first child is born, whose exit would
 * move the file's offset. */
static void run_file(const char *path)
{
	static uint64_t seeds[1000];
	char line[256];
	size_t n = 0;
	FILE *f = fopen(path, "re");

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	while (n < ARRAY_LEN(seeds) && fgets(line, sizeof(line), f) != NULL)
		if (line[0] >= '0' && line[0] <= '9')
			seeds[n++] = strtoull(line, NULL, 10);
	fclose(f);
	for (size_t i = 0; i < n; i++)
		run_seed(seeds[i]);
}

/* In this process: it ends with the first failure. */
static void run_networks(const char *text)
{
	signal(SIGABRT, on_abort);
	rcu_thread_enter();
	networks_run(strtoull(text, NULL, 10));
	rcu_thread_leave();
	n_passed++;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"seed", required_argument, NULL, 's'},
		{"seeds", required_argument, NULL, 'r'},
		{"file", required_argument, NULL, 'f'},
		{"counters", required_argument, NULL, 'c'},
		{"networks", required_argument, NULL, 'n'},
		{"trace", no_argument, NULL, 't'},
		{0},
	};
	const char *counters = NULL;
	int id;

	moved_begin();
	while ((id = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (id == 't')
			trace = true;
		else if (id == 'c')
			counters = optarg;
		else if (id == '?')
			return fputs(SIM_USAGE, stderr), 2;
	}
	optind = 1;
	while ((id = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (id == 's' || id == 'r')
			run_range(optarg);
		else if (id == 'f')
			run_file(optarg);
		else if (id == 'n')
			run_networks(optarg);
	}
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", n_passed, n_failed);
	if (counters != NULL && !moved_report(counters))
		n_failed++;
	return n_failed > 0;
}
