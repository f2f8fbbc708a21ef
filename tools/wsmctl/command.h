/*
 * The two tables that wsmctl is made of. They drive parsing, dispatch, --help, "did you mean"
 * and the man page; a new command is one row and one handler.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "wsmctl/client.h"

enum option_id {
	OPTION_CONTROL,
	OPTION_JSON,
	OPTION_HUB,
	OPTION_TIMEOUT,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_USER,
	OPTION_LIMIT,
	OPTION_SORT,
	OPTION_REVERSE,
	OPTION_MATCH,
	OPTION_CONN,
	OPTION_GROUP,
	OPTION_ALL,
	OPTION_EXCEPT,
	OPTION_EACH,
	OPTION_BINARY,
	OPTION_MUST_DELIVER,
	OPTION_REASON,
	OPTION_INTERVAL,
	OPTION_RESET,
	OPTION_WATCH,
	OPTION_EVENTS,
	OPTION_PAYLOAD,
	OPTION_TTL,
	OPTION_MAN,
	OPTION_COUNT
};

#define OPTION_BIT(id) (1u << (id))
/* Those that every command takes. */
#define OPTIONS_COMMON                                                                             \
	(OPTION_BIT(OPTION_CONTROL) | OPTION_BIT(OPTION_JSON) | OPTION_BIT(OPTION_TIMEOUT) |       \
	 OPTION_BIT(OPTION_HELP) | OPTION_BIT(OPTION_VERSION))

enum value_kind {
	VALUE_NONE,
	VALUE_TEXT,
	VALUE_LIST,             /* text, and the option may be given again */
	VALUE_PATH,             /* any bytes */
	VALUE_COUNT,            /* 1, 2, 3, ... */
	VALUE_SECONDS,          /* 0.1 ... 86400 */
	VALUE_DURATION,         /* 90, 90s, 15m, 1h, 7d: at least a second, at most a year */
	VALUE_SECONDS_OPTIONAL, /* taken from the next word only if that is a number */
};

struct option_row {
	const char *name;  /* with its dashes */
	const char *value; /* how help names the value; NULL: it has none */
	enum value_kind kind;
	const char *help;
};

struct invocation {
	const struct command *command;
	const char *option[OPTION_COUNT]; /* NULL: not given; "" without a value */
	const char **args;                /* the words after the command */
	const char **list;                /* every value of the option that may be given again */
	size_t n_args, n_list;
	struct client client;
};

struct command {
	const char *name;
	const char *usage; /* what follows the name */
	const char *summary;
	const char *details; /* paragraphs, broken at 72 columns */
	size_t min_args, max_args;
	unsigned options; /* OPTION_BIT() of those beyond OPTIONS_COMMON */
	/* Returns: enum wsmd_ctl_exit */
	int (*run)(struct invocation *in);
};

extern const struct option_row option_rows[OPTION_COUNT];
extern const struct command commands[];
extern const size_t n_commands;

/* NULL: no such command */
const struct command *command_find(const char *name);

/* The name nearest to a mistyped one, or NULL. */
const char *command_nearest(const char *name);

/* The number an option carries, checked when the command line was read. */
double option_number(const struct invocation *in, enum option_id id, double otherwise);

/* The seconds of a VALUE_DURATION, checked too. */
long option_duration_s(const struct invocation *in, enum option_id id, long otherwise);

/* Reads a duration. False: it is none. */
bool duration_parse(const char *text, long *ret_s);

/* The handlers, by file. */
int list_run(struct invocation *in);      /* connections.c */
int show_run(struct invocation *in);      /* connections.c */
int kick_run(struct invocation *in);      /* connections.c */
int heartbeat_run(struct invocation *in); /* heartbeat.c */
int ping_run(struct invocation *in);      /* connections.c */
int send_run(struct invocation *in);      /* send.c */
int join_run(struct invocation *in);      /* groups.c */
int leave_run(struct invocation *in);     /* groups.c */
int groups_run(struct invocation *in);    /* groups.c */
int why_run(struct invocation *in);       /* why.c */
int top_run(struct invocation *in);       /* top.c */
int tap_run(struct invocation *in);       /* tap.c */
int stats_run(struct invocation *in);     /* stats.c */
int token_run(struct invocation *in);     /* token.c */
int reload_run(struct invocation *in);    /* daemon.c */
int drain_run(struct invocation *in);     /* daemon.c */
int config_run(struct invocation *in);    /* daemon.c */
int limits_run(struct invocation *in);    /* limits.c */
int help_run(struct invocation *in);      /* help.c */
