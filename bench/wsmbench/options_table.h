/*
 * The table behind the command line: what options and modes there are.
 *
 * Thread: any; constant.
 */
#pragma once

#include <stddef.h>

#include "options.h"

#define MAX_CONNS   1000000
#define MAX_SECONDS 86400

enum option_kind {
	FLAG,
	COUNT,
	REAL,
	TEXT, /* of a URL */
	PATH,
	RANGE,
	STEPS
};

struct option {
	unsigned modes;           /* bits of enum bench_mode */
	char letter;              /* 0: none */
	const char *name, *value; /* name of the value in the help; NULL for a flag */
	enum option_kind kind;
	size_t at; /* of the field in struct options */
	double min, max, preset;
	const char *help;
};

struct mode_row {
	enum bench_mode mode;
	const char *name, *what;
};

/* An option that differs between modes has one row for each of its forms. */
#define OPTIONS_MAX 64
extern const struct option options_table[];
extern const size_t options_count; /* at most OPTIONS_MAX */
extern const struct mode_row options_modes[];
extern const size_t options_n_modes;

/* "echo, idle and fanout" of a set of modes; @last is " and " or " or ". */
#define MODE_NAMES_MAX 128
void options_mode_names(unsigned modes, const char *last, char *dst, size_t cap);

/* The help, on stdout. */
void options_print_help(void);
