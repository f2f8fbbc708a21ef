/*
 * The command line of wsmd.
 *
 * Thread: main, before the others start.
 */
#pragma once

#include "conf/conf.h"

#define OPTIONS_MAX_SETTINGS 256

struct options {
	struct conf_args args; /* points into this struct and into argv */
	struct conf_setting settings[OPTIONS_MAX_SETTINGS];
	bool check, init, print_config, plan, version, help;
};

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
	OPTION_PLAN,
	OPTION_VERSION,
	OPTION_HELP,
};

/* One row: parsing, --help, nearest names, the man page. */
struct option_row {
	enum option_id id;
	const char *name, *argument, *help; /* argument NULL: a flag */
};
extern const struct option_row option_rows[];
extern const size_t option_n_rows;

/* False: the operator was told on stderr what is wrong. Cuts "KEY=VALUE" in @argv in two. */
MUST_CHECK bool options_parse(int argc, char **argv, struct options *ret);

void options_print_help(FILE *out);

/* docs/man/wsmd.8 */
void options_print_man(FILE *out);
