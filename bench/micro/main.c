/* The small benchmarks: micro [--quick] [NAME ...] */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "micro.h"

static const struct {
	const char *name, *what;
	void (*run)(void);
} groups[] = {
	{"frame", "frame headers; frames with their payload, through the receiver", micro_frame},
	{"mask", "unmasking", micro_mask},
	{"utf8", "checking UTF-8; unmasking and checking in one pass", micro_utf8},
	{"siphash", "SipHash-2-4", micro_siphash},
	{"wheel", "timers: arm, disarm, move, expire", micro_wheel},
	{"table", "look-up by name: there, not there", micro_table},
	{"inbox", "hand-over between threads", micro_inbox},
};

static void usage(FILE *to)
{
	fputs("Usage: micro [--quick] [NAME ...]: measures small pieces of code beside a "
	      "yardstick\n"
	      "\n"
	      "  --quick   a moment for each, to see that all of them run; the numbers mean "
	      "nothing\n"
	      "\n",
	      to);
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		fprintf(to, "  %-9s %s\n", groups[i].name, groups[i].what);
}

static size_t find(const char *name)
{
	size_t i = 0;

	while (i < ARRAY_LEN(groups) && strcmp(groups[i].name, name) != 0)
		i++;
	return i;
}

int main(int argc, char **argv)
{
	bool chosen[ARRAY_LEN(groups)] = {false}, all = true;

	micro_effort = (struct micro_effort){.rounds = 101, .round_ns = 500000};
	for (int i = 1; i < argc; i++) {
		const size_t group = find(argv[i]);

		if (strcmp(argv[i], "--help") == 0) {
			usage(stdout);
			return 0;
		}
		if (strcmp(argv[i], "--quick") == 0) {
			micro_effort = (struct micro_effort){.rounds = 3, .round_ns = 5000};
		} else if (group < ARRAY_LEN(groups)) {
			chosen[group] = true;
			all = false;
		} else {
			usage(stderr);
			return 2;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		if (all || chosen[i])
			groups[i].run();
	}
	return 0;
}
