/*
 * Who is calling? The one place where a request becomes a user.
 *
 * Thread: any; pure.
 */
#pragma once

#include <stdint.h>

#include "base/macros.h"
#include "conf/conf.h"
#include "http/head.h"
#include "shard/handoff.h"
#include "stats/refusal.h"

/**
 * Find the user by the configured means.
 *
 * @mode  AUTH_OPEN: ?user=NAME, absent: anonymous; AUTH_DENY: nobody
 *
 * Returns: 0 with the name in @dst (*@ret_len 0: anonymous); WSMD_EPROTO with *@ret_why
 */
MUST_CHECK int identity_find(enum conf_auth mode, const struct http_head *head, const char *buf,
                             char dst[USER_NAME_MAX + 1], uint32_t *ret_len, enum refusal *ret_why);
