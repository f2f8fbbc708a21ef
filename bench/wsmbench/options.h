/*
 * The command line. Every option is one row of a table: parsing, defaults, help and the
 * "settings" of the JSON report all come from it.
 *
 * Thread: main parses; constant afterwards.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "target.h"

enum bench_mode {
	BENCH_ECHO = 1,
	BENCH_IDLE = 2,
	BENCH_CONNECT = 4,
	BENCH_FANOUT = 8,
	BENCH_SLOW = 16,
	BENCH_PUSH = 32,
	BENCH_STORM = 64
};

#define BENCH_ANY (2 * BENCH_STORM - 1u)

#define MAX_STEPS 32

struct steps {
	uint32_t n;
	uint32_t at[MAX_STEPS]; /* ascending */
};

struct options {
	enum bench_mode mode;
	const char *url;
	struct target target;

	uint64_t connections;
	uint64_t threads;
	uint64_t size_bytes;
	uint64_t depth;
	uint64_t messages; /* 0: until the time is over */
	uint64_t in_flight;
	uint64_t stalled; /* receivers that never read */
	uint64_t pid;     /* 0: the server's process is not looked at */
	double seconds, warmup_s, hold_s, jitter_s, rate;
	const char *user_prefix;
	const char *group;   /* NULL: to all */
	const char *control; /* NULL: the usual path */
	const char *publish; /* NULL: through the control socket */
	struct target publish_to;
	const char *hgrm; /* NULL: no file is written */
	struct source_range from;
	struct steps steps;
	bool binary, mixed, server_cuts, progress, json;
};

/* What the program should do next. */
enum options_verdict {
	OPTIONS_RUN,
	OPTIONS_DONE,  /* help or version was printed */
	OPTIONS_WRONG, /* a message was printed */
};

enum options_verdict options_parse(int argc, char **argv, struct options *ret);

const char *options_mode_name(const struct options *o);

/* New reference: every option that has a meaning in this mode, by its long name. */
json_t *options_json(const struct options *o);
