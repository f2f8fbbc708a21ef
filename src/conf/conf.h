/*
 * Configuration: an immutable snapshot made from defaults, the environment's profile, a JSON
 * file and command-line settings, in this order; and what may be said about it.
 *
 * The schema (schema.c) has one row for each key: type, range, unit, default, whether a reload
 * applies it, help. Loading, --init, --print-config, "did you mean" and the reference page walk
 * these rows.
 *
 * Thread: loading and comparing on the main thread; a snapshot is read by everyone (it is
 * published by RCU) and never changes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addr.h"
#include "base/log.h"
#include "base/macros.h"

enum conf_env {
	ENV_DEVELOPMENT,
	ENV_TESTING,
	ENV_STAGING,
	ENV_PRODUCTION
};
enum conf_auth {
	AUTH_DENY,
	AUTH_OPEN, /* the user is whoever ?user= says */
	AUTH_TOKEN /* the user is whoever a signed token says */
};
enum conf_legacy {
	LEGACY_REFUSE,
	LEGACY_WARN /* let in, and say so */
};
enum conf_slow {
	SLOW_CLOSE,
	SLOW_DROP_NEWEST,
	SLOW_KEEP_NEWEST
};
enum conf_user_policy {
	USER_REFUSE,
	USER_CLOSE_OLDEST
};
enum conf_too_big {
	TOO_BIG_REFUSE,
	TOO_BIG_LOWER
};
enum hub_action {
	HUB_DROP,
	HUB_ECHO,
	HUB_CALLBACK /* the embedding program's on_message */
};

#define CONF_MAX_LISTEN  16
#define CONF_MAX_HUBS    256
#define HUB_NAME_MAX     128
#define CONTROL_PATH_MAX 108 /* sun_path */
#define CONF_TEXT_MAX    256
#define CONF_MAX_ORIGINS 32
#define ORIGIN_MAX       128

struct conf_hub {
	char name[HUB_NAME_MAX + 1]; /* "*": hubs that are not named */
	enum hub_action on_message;
};

struct conf {
	bool dev;
	enum conf_env env;

	uint32_t n_listen;
	struct net_addr listen[CONF_MAX_LISTEN];
	uint32_t workers; /* never 0 in a loaded snapshot */
	char control_path[CONTROL_PATH_MAX];

	enum log_level log_level;
	enum log_format log_format;

	struct conf_auth_rules {
		enum conf_auth mode;
		char keys[CONF_TEXT_MAX]; /* a file or a folder; "": none */
		char audience[CONF_TEXT_MAX], issuer[CONF_TEXT_MAX]; /* "": any */
		uint32_t clock_skew_ms;
		struct conf_origins {
			uint32_t n;
			char at[CONF_MAX_ORIGINS][ORIGIN_MAX]; /* "*": any */
		} origins;
	} auth;

	enum conf_legacy legacy_protocols;

	struct conf_heartbeat {
		uint32_t interval_ms, timeout_ms, housekeeping_ms;
		uint32_t missed_limit;
		double grace_factor;
		bool adaptive; /* the time to wait for a pong follows the round trips */
	} heartbeat;

	struct conf_limits {
		uint32_t max_connections; /* 0: from the descriptor limit */
		uint32_t max_connections_per_user;
		enum conf_user_policy user_policy;
		uint32_t max_connections_per_address; /* 0: no limit */
		uint32_t connections_per_s;           /* 0: no limit */
		uint32_t max_groups_per_connection;
		uint32_t max_groups_per_hub; /* on each worker */
		uint32_t max_half_open;
		uint32_t handshake_timeout_ms;
		uint32_t max_request_head_bytes;
		uint32_t max_message_bytes;
		uint32_t max_fragments;
		uint32_t message_timeout_ms;
		uint64_t send_queue_bytes;
		uint32_t socket_send_bytes, socket_receive_bytes; /* 0: the kernel's choice */
		enum conf_slow slow_consumer;
		uint32_t write_timeout_ms;
		uint32_t close_timeout_ms;
		uint32_t control_frame_burst, control_frames_per_s;
		uint32_t message_burst, messages_per_s; /* the latter 0: no limit */
		uint32_t inbox_items;
		uint64_t memory_bytes;    /* 0: what the machine or the control group has */
		double memory_high_water; /* share of that */
		uint64_t buffered_bytes;  /* 0: a quarter of that */
		enum conf_too_big when_too_big;
	} limits;

	struct conf_shutdown {
		uint32_t deadline_ms;
	} shutdown;

	struct conf_drain {
		uint32_t rate_per_s;
		uint32_t deadline_ms;
	} drain;

	struct conf_recorder {
		uint32_t events; /* of each live connection; 0: none are noted */
		uint64_t closed_bytes;
	} recorder;

	uint32_t n_hubs;
	struct conf_hub hubs[]; /* sorted by name; "*" is always there, as the first */
};

struct conf_setting {
	const char *key, *value; /* value is JSON, or a bare word taken as a string */
	const char *origin;      /* "--set", "--listen": for messages; --listen adds to a list */
};

/* What the command line and the environment say; kept, because a reload reads it again. */
struct conf_args {
	const char *file;     /* NULL: no file */
	const char *env_name; /* --env; NULL: WSMD_ENV, then ENVIRONMENT, then development */
	bool dev;
	bool listens_nowhere; /* the default of listen is empty; not so in wsmd */
	bool has_handler;     /* on_message = callback has somebody to call */
	size_t n_settings;
	const struct conf_setting *settings;
};

/* Faults found, all of them, each a finished line such as
 * "wsmd.json:12: limits.max_mesage_bytes: unknown key; did you mean limits.max_message_bytes?" */
struct conf_faults {
	size_t n, cap;
	char **lines;
};
void conf_faults_fini(struct conf_faults *f);

/**
 * Build a snapshot.
 *
 * @cpus    what workers = 0 means
 * @faults  all zero or from an earlier call; it is added to
 *
 * Thread:  main; the first call before another thread uses jansson (see guard.h)
 * Returns: 0 with *@ret (free with conf_free()); WSMD_ECONFIG with at least one fault;
 *          WSMD_ENOMEM, and then the faults mean nothing
 */
MUST_CHECK int conf_load(const struct conf_args *args, uint32_t cpus, struct conf **ret,
                         struct conf_faults *faults);
void conf_free(struct conf *c); /* NULL is allowed */

/* What a hub without a row of its own does is decided by the row "*". */
enum hub_action conf_hub_action(const struct conf *c, const char *hub, size_t len);

/* "*" or ^[A-Za-z][A-Za-z0-9_`,.[\]]{0,127}$ */
bool conf_hub_name_valid(const char *name, size_t len);

enum conf_change {
	CONF_APPLIED,
	CONF_NEEDS_RESTART
};

/* Calls @report once for each key whose value differs. Values are printed as JSON; null stands
 * for a hub that has no row of its own. */
void conf_diff(const struct conf *old, const struct conf *new,
               void (*report)(void *arg, const char *key, enum conf_change change, const char *was,
                              const char *is),
               void *arg);

/* A new snapshot with the values of @new that a reload applies and those of @old that need a
 * restart. NULL: out of memory. */
struct conf *conf_merge_reload(const struct conf *old, const struct conf *new);

/* These three return 0 or -EIO; conf_print_initial() also WSMD_ENOMEM. */

/* The effective configuration as JSON that conf_load() accepts (--print-config). */
MUST_CHECK int conf_print(const struct conf *c, FILE *out);

/* The defaults of production with a "_comment" for each key, as a file to start from (--init). */
MUST_CHECK int conf_print_initial(FILE *out);

/* Every key as a Markdown table (docs/configuration.md). */
MUST_CHECK int conf_print_reference(FILE *out);

const char *conf_env_name(enum conf_env env);
