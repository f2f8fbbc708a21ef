/*
 * JSON Web Tokens in the compact form, RFC 7519 and 7515, checked as RFC 8725 advises: the key
 * decides about the algorithm, nothing is fetched because a token says so, and nothing but the
 * header is read before the signature is known to be good.
 *
 * Thread: any; pure but for the memory that the JSON takes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "auth/keyring.h"
#include "base/macros.h"
#include "shard/handoff.h"
#include "stats/refusal.h"

#define JWT_MAX 8192 /* bytes of a token */

struct jwt_rules {
	int64_t now_s;                 /* since 1970 */
	uint32_t skew_s;               /* by which the clock of who signed may be wrong */
	const char *audience, *issuer; /* "": any */
};

struct jwt_claims {
	int64_t expires_s;
	uint32_t user_len; /* 0: anonymous */
	char user[USER_NAME_MAX + 1];
};

/**
 * Is the token good, and whose is it?
 *
 * Cost:    a signature for each key that it may be of: a few microseconds for HS256, a tenth of a
 *          millisecond for RS256, some milliseconds for ES256
 * Returns: 0; WSMD_EPROTO with *@ret_why; nothing of @ret has a meaning then
 */
MUST_CHECK int jwt_check(const struct keyring *keys, const struct jwt_rules *rules,
                         const char *token, size_t len, struct jwt_claims *ret,
                         enum refusal *ret_why);

/**
 * Make one, signed with the first secret.
 *
 * @audience, @issuer  "": none
 *
 * Returns: its length, with a NUL behind it; WSMD_ENOENT: no secret; WSMD_EINVAL: too long;
 *          WSMD_ENOMEM
 */
MUST_CHECK long jwt_make(const struct keyring *keys, const struct jwt_claims *claims,
                         const char *audience, const char *issuer, char ret[JWT_MAX + 1]);
