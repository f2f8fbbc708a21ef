/*
 * What a manager is made from: a file, an environment, settings; and what may be said about them.
 *
 * A configuration is a list of sources. Nothing is read before wsmd_config_check(),
 * wsmd_config_print() or wsmd_manager_create() reads it, and a reload reads the same sources
 * again. docs/configuration.md has every key.
 *
 * Thread: one at a time for each configuration; different ones are independent. Reading opens the
 *         file, and looks at WSMD_ENV and ENVIRONMENT when no environment was named.
 * Owns:   every string is copied.
 * Errors: 0 or negative (wsmd/error.h). WSMD_EINVAL: an argument is NULL, or longer than 64 KiB;
 *         WSMD_ENOMEM.
 */
#ifndef WSMD_CONFIG_H
#define WSMD_CONFIG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "wsmd/error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct wsmd_config; /* opaque */

/* All defaults: the profile of WSMD_ENV, ENVIRONMENT or development; it listens on
 * 127.0.0.1:8080. */
WSMD_API int wsmd_config_new(struct wsmd_config **ret);
WSMD_API void wsmd_config_free(struct wsmd_config *config); /* NULL is allowed */

/* The file, JSON. The last call counts. */
WSMD_API int wsmd_config_file(struct wsmd_config *config, const char *path);

/* "development", "testing", "staging" or "production"; checked when it is read. */
WSMD_API int wsmd_config_env(struct wsmd_config *config, const char *name);

/* Development mode: loopback only, no token, any user; with the page to try it from at "/". */
WSMD_API int wsmd_config_dev(struct wsmd_config *config);

/**
 * Set one key. Settings win over the file, later ones over earlier ones.
 *
 * @key     such as "limits.max_message_bytes" or "hubs.chat.on_message"
 * @value   JSON, or a bare word taken as text
 * @origin  what faults call it, such as "--workers"; NULL: "--set"
 */
WSMD_API int wsmd_config_set(struct wsmd_config *config, const char *key, const char *value,
                             const char *origin);

/* Listen on "ADDR:PORT". The first call replaces the list of the file, each further one adds. */
WSMD_API int wsmd_config_listen(struct wsmd_config *config, const char *address);

/* Listen nowhere: sockets come by wsmd_manager_adopt() alone. */
WSMD_API int wsmd_config_listen_nowhere(struct wsmd_config *config);

/* on_message will be set in wsmd_options, so "callback" may be a hub's action. For check and
 * print; wsmd_manager_create() sees it by itself. */
WSMD_API int wsmd_config_handler(struct wsmd_config *config);

/* Have a control socket for wsmctl at its default path (wsmd/ctl.h) when control.path names none.
 * Without this and without control.path there is none. */
WSMD_API int wsmd_config_control(struct wsmd_config *config);

/* A fault is one finished line, such as
 * "wsmd.json:12: limits.max_mesage_bytes: unknown key; did you mean limits.max_message_bytes?" */
typedef void (*wsmd_fault_fn)(void *user, const char *line);

/* Read everything and tell all that is wrong, not only the first. @report may be NULL.
 * 0; WSMD_ECONFIG with at least one fault; WSMD_ENOMEM. */
WSMD_API int wsmd_config_check(const struct wsmd_config *config, wsmd_fault_fn report, void *user);

/* The configuration in force as JSON that can be read again. As wsmd_config_check(); -EIO. */
WSMD_API int wsmd_config_print(const struct wsmd_config *config, FILE *out, wsmd_fault_fn report,
                               void *user);

/* The memory that the limits promise, as a table. WSMD_ENOMEM behind a reported line: a manager
 * would refuse to start with it. */
WSMD_API int wsmd_config_plan(const struct wsmd_config *config, FILE *out, wsmd_fault_fn report,
                              void *user);

/* A file to start from, with a comment for each key. 0, WSMD_ENOMEM, -EIO. */
WSMD_API int wsmd_config_print_initial(FILE *out);

#ifdef __cplusplus
}
#endif

#endif
