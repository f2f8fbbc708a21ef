/*
 * The command line of wsmd.
 *
 * Thread: main, before the others start.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/macros.h"
#include "wsmd/config.h"

#define OPTIONS_MAX_SETTINGS 256

/* All texts point into argv. */
struct options {
	const char *file, *env_name; /* NULL: not given */
	size_t n_settings;
	struct option_setting {
		const char *key, *value;
		const char *origin; /* "--set", "--listen", ... */
	} settings[OPTIONS_MAX_SETTINGS];
	bool dev;
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

/* What the options say, as a configuration. 0 or WSMD_ENOMEM. */
MUST_CHECK int options_configure(const struct options *o, struct wsmd_config **ret);

void options_print_help(FILE *out);

/* docs/man/wsmd.8 */
void options_print_man(FILE *out);
