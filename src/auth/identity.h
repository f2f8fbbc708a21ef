/*
 * Who is calling? The one place where a request becomes a user.
 *
 * Thread: any; pure.
 */
#pragma once

#include <stdint.h>

#include "auth/jwt.h"
#include "base/macros.h"
#include "conf/conf.h"
#include "http/head.h"
#include "shard/handoff.h"
#include "stats/refusal.h"

struct identity_rules {
	enum conf_auth mode;
	const struct keyring *keys; /* AUTH_TOKEN; NULL: not there yet, or not any more */
	struct jwt_rules jwt;
};

struct identity {
	struct jwt_claims claims; /* of AUTH_TOKEN; otherwise the user alone */
	const char *subprotocol;  /* to be answered; NULL: none */
};

/**
 * Find the user by the configured means.
 *
 * AUTH_OPEN: ?user=NAME, absent: anonymous. AUTH_TOKEN: whose token it is, anonymous if it names
 * nobody. AUTH_DENY: nobody.
 *
 * Returns: 0; WSMD_EPROTO with *@ret_why
 */
MUST_CHECK int identity_find(const struct identity_rules *rules, const struct http_head *head,
                             const char *buf, struct identity *ret, enum refusal *ret_why);
