/*
 * Inside of a manager of the public interface: a server and what it was made from.
 *
 * The calls of include/wsmd/manager.h are in manager*.c: life in manager.c, sending in
 * manager_send.c, adopting in manager_adopt.c, looking in manager_look.c, callbacks and what may be
 * done in them in manager_callback.c.
 *
 * Thread: any, as the public header says.
 */
#pragma once

#include "server/manager_config.h"
#include "server/server.h"
#include "wsmd/manager.h"

enum manager_state {
	MANAGER_CREATED,
	MANAGER_STARTED,
	MANAGER_FAILED, /* to start */
};

struct wsmd_manager {
	struct server *server;
	_Atomic uint32_t state;
	/* constant from here on */
	struct wsmd_config *config;
	struct conf_args args; /* of config */
	struct wsmd_options options;
};

/* 0: it was started; WSMD_EINVAL: NULL; WSMD_ESTATE. That it was stopped, the gate says. */
MUST_CHECK int manager_ready(const struct wsmd_manager *m);

/* The same for what waits: also WSMD_EWAIT, on a thread of any manager. */
MUST_CHECK int manager_may_wait(const struct wsmd_manager *m);

/* What the worker calls when @options has callbacks. */
struct worker_hooks manager_hooks(struct wsmd_manager *m);

/* "default" when NULL. 0 or WSMD_EINVAL. */
MUST_CHECK int manager_read_hub(const char *hub, char dst[HUB_NAME_BYTES], uint32_t *ret_len);
MUST_CHECK int manager_read_user(const char *user, char dst[USER_NAME_MAX + 1], uint32_t *ret_len);

/* May it travel: opcode, length, UTF-8? 0 or WSMD_EINVAL. */
MUST_CHECK int manager_check_message(const struct server *s, enum wsmd_opcode opcode,
                                     const void *data, size_t len);

/* At most 123 bytes of UTF-8, or NULL. 0 or WSMD_EINVAL. */
MUST_CHECK int manager_check_reason(const char *text);
