/*
 * Messages that come back as they went.
 *
 * Thread: the loop that owns the connection.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "client.h"

/* Message number @c->sent as a masked frame, WS_MAX_HEADER + its size at most. Returns bytes. */
size_t echo_append_message(struct client *c, uint8_t *dst);

/* Is @ev the reply to message number @c->answered? False: it is not, and @c has failed. */
MUST_CHECK bool echo_check(struct client *c, const struct ws_event *ev);
