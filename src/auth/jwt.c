/* Header, signature, claims: in this order. */
#include "auth/jwt.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/base64url.h"
#include "auth/name.h"
#include "base/err.h"
#include "conf/guard.h"

#define SIGNATURE_MAX 1024               /* bytes, of RSA with 8192 bits */
#define TIME_MAX      (INT64_C(1) << 53) /* what every JSON parser can count to */

struct part {
	const char *at;
	size_t len;
};

static int refuse(enum refusal *ret_why, enum refusal why)
{
	*ret_why = why;
	return WSMD_EPROTO;
}

/* Exactly three parts with two dots between them. */
static bool split(const char *token, size_t len, struct part ret[3])
{
	const char *const end = token + len;

	if (len > JWT_MAX)
		return false;
	for (size_t i = 0; i < 3; i++) {
		const char *dot = memchr(token, '.', (size_t)(end - token));

		if ((dot == NULL) != (i == 2))
			return false;
		ret[i] = (struct part){.at = token, .len = (size_t)((dot ? dot : end) - token)};
		token = dot ? dot + 1 : end;
	}
	return true;
}

/* A part as a JSON object, or NULL. */
static json_t *object_in(const struct part *p)
{
	uint8_t bytes[JWT_MAX];
	const long len = base64url_decode(bytes, sizeof(bytes), p->at, p->len);
	json_t *o = len < 0 ? NULL
	                    : json_loadb((const char *)bytes, (size_t)len, JSON_REJECT_DUPLICATES,
	                                 NULL);

	if (json_is_object(o))
		return o;
	json_decref(o);
	return NULL;
}

/* The algorithm and the name of the key. What would lead us elsewhere is refused (RFC 8725). */
static int read_header(const json_t *header, const struct keyring *keys, enum key_algorithm *ret,
                       const char **ret_id, enum refusal *ret_why)
{
	static const char *const elsewhere[] = {"crit", "jku", "jwk", "x5u", "x5c", "b64"};
	const char *const name = json_string_value(json_object_get(header, "alg"));
	const json_t *const kid = json_object_get(header, "kid");

	if (name == NULL || (kid != NULL && !json_is_string(kid)))
		return refuse(ret_why, REFUSE_TOKEN_MALFORMED);
	for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++) {
		if (json_object_get(header, elsewhere[i]) != NULL)
			return refuse(ret_why, REFUSE_TOKEN_KEY);
	}
	*ret = key_algorithm_of(name);
	*ret_id = json_string_value(kid);
	if (*ret == ALGORITHM_COUNT || !keyring_has(keys, *ret, *ret_id))
		return refuse(ret_why, REFUSE_TOKEN_KEY);
	return 0;
}

static int check_signature(const struct keyring *keys, const struct part parts[3],
                           enum refusal *ret_why)
{
	const size_t signed_len = parts[0].len + 1 + parts[1].len;
	uint8_t signature[SIGNATURE_MAX];
	const long len = base64url_decode(signature, sizeof(signature), parts[2].at, parts[2].len);
	json_t *const header = object_in(&parts[0]);
	enum key_algorithm algorithm;
	const char *id;
	int err;

	if (header == NULL || len < 0)
		err = refuse(ret_why, REFUSE_TOKEN_MALFORMED);
	else
		err = read_header(header, keys, &algorithm, &id, ret_why);
	if (err == 0 &&
	    !keyring_verify(keys, algorithm, id, parts[0].at, signed_len, signature, (size_t)len))
		err = refuse(ret_why, REFUSE_TOKEN_SIGNATURE);
	json_decref(header);
	return err;
}

/* A whole number of seconds since 1970. False: there is something else. */
static bool read_time(const json_t *claims, const char *name, int64_t *ret)
{
	const json_t *const v = json_object_get(claims, name);

	*ret = json_integer_value(v);
	return json_is_integer(v) && *ret >= 0 && *ret <= TIME_MAX;
}

static bool is_for(const json_t *aud, const char *audience)
{
	for (size_t i = 0; i < json_array_size(aud); i++) {
		if (is_for(json_array_get(aud, i), audience))
			return true;
	}
	return json_is_string(aud) && strcmp(json_string_value(aud), audience) == 0;
}

static int check_times(const json_t *claims, const struct jwt_rules *rules, int64_t *ret_expires_s,
                       enum refusal *ret_why)
{
	int64_t not_before_s;

	if (!read_time(claims, "exp", ret_expires_s))
		return refuse(ret_why, REFUSE_TOKEN_CLAIMS);
	if (rules->now_s >= *ret_expires_s + rules->skew_s)
		return refuse(ret_why, REFUSE_TOKEN_EXPIRED);
	if (json_object_get(claims, "nbf") == NULL)
		return 0;
	if (!read_time(claims, "nbf", &not_before_s))
		return refuse(ret_why, REFUSE_TOKEN_CLAIMS);
	if (rules->now_s + rules->skew_s < not_before_s)
		return refuse(ret_why, REFUSE_TOKEN_NOT_YET);
	return 0;
}

static int read_user(const json_t *claims, struct jwt_claims *ret, enum refusal *ret_why)
{
	const json_t *const sub = json_object_get(claims, "sub");
	const size_t len = json_string_length(sub);

	ret->user_len = 0;
	if (sub == NULL)
		return 0;
	if (!json_is_string(sub) || !name_valid(json_string_value(sub), len))
		return refuse(ret_why, REFUSE_USER_NAME);
	memcpy(ret->user, json_string_value(sub), len + 1);
	ret->user_len = (uint32_t)len;
	return 0;
}

static int check_claims(const json_t *claims, const struct jwt_rules *rules, struct jwt_claims *ret,
                        enum refusal *ret_why)
{
	const char *const issuer = json_string_value(json_object_get(claims, "iss"));
	int err;

	if (claims == NULL)
		return refuse(ret_why, REFUSE_TOKEN_MALFORMED);
	err = check_times(claims, rules, &ret->expires_s, ret_why);
	if (err < 0)
		return err;
	if (*rules->audience != '\0' && !is_for(json_object_get(claims, "aud"), rules->audience))
		return refuse(ret_why, REFUSE_TOKEN_AUDIENCE);
	if (*rules->issuer != '\0' && (issuer == NULL || strcmp(issuer, rules->issuer) != 0))
		return refuse(ret_why, REFUSE_TOKEN_ISSUER);
	return read_user(claims, ret, ret_why);
}

static int check(const struct keyring *keys, const struct jwt_rules *rules, const char *token,
                 size_t len, struct jwt_claims *ret, enum refusal *ret_why)
{
	struct part parts[3];
	json_t *claims;
	int err;

	if (!split(token, len, parts))
		return refuse(ret_why, REFUSE_TOKEN_MALFORMED);
	err = check_signature(keys, parts, ret_why);
	if (err < 0)
		return err;
	claims = object_in(&parts[1]);
	err = check_claims(claims, rules, ret, ret_why);
	json_decref(claims);
	return err;
}

int jwt_check(const struct keyring *keys, const struct jwt_rules *rules, const char *token,
              size_t len, struct jwt_claims *ret, enum refusal *ret_why)
{
	struct guard *const guard = guard_enter();
	int err;

	if (guard == NULL)
		return refuse(ret_why, REFUSE_NO_MEMORY);
	err = check(keys, rules, token, len, ret, ret_why);
	return guard_leave(guard) ? refuse(ret_why, REFUSE_NO_MEMORY) : err;
}

/* ---- making ---- */

/* @o as a part, behind @at bytes. Takes @o over; NULL: no memory. Returns its length. */
static long write_part(json_t *o, char *dst, size_t at)
{
	char *const text = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;
	const size_t len = text != NULL ? strlen(text) : 0;
	long n = WSMD_ENOMEM;

	if (text != NULL && at + BASE64URL_LEN(len) > JWT_MAX)
		n = WSMD_EINVAL;
	else if (text != NULL)
		n = (long)base64url_encode(dst + at, text, len);
	free(text);
	json_decref(o);
	return n;
}

static json_t *header_of(const struct keyring *keys)
{
	const char *const id = keyring_secret_id(keys);
	json_t *const header =
		json_pack("{s:s, s:s}", "alg", key_algorithm_name(ALGORITHM_HS256), "typ", "JWT");

	if (*id != '\0')
		json_object_set_new(header, "kid", json_string(id));
	return header;
}

static json_t *claims_of(const struct jwt_claims *c, const char *audience, const char *issuer)
{
	json_t *const claims = json_pack("{s:I}", "exp", (json_int_t)c->expires_s);

	if (c->user_len > 0)
		json_object_set_new(claims, "sub", json_stringn(c->user, c->user_len));
	if (*audience != '\0')
		json_object_set_new(claims, "aud", json_string(audience));
	if (*issuer != '\0')
		json_object_set_new(claims, "iss", json_string(issuer));
	return claims;
}

static long make(const struct keyring *keys, const struct jwt_claims *c, const char *audience,
                 const char *issuer, char ret[JWT_MAX + 1])
{
	uint8_t signature[HS256_BYTES];
	long len = write_part(header_of(keys), ret, 0), n;
	int err;

	if (len < 0)
		return len;
	ret[len++] = '.';
	n = write_part(claims_of(c, audience, issuer), ret, (size_t)len);
	if (n < 0)
		return n;
	len += n;
	if ((size_t)len + 1 + BASE64URL_LEN(HS256_BYTES) > JWT_MAX)
		return WSMD_EINVAL;
	err = keyring_sign(keys, ret, (size_t)len, signature);
	if (err < 0)
		return err;
	ret[len++] = '.';
	len += (long)base64url_encode(ret + len, signature, sizeof(signature));
	ret[len] = '\0';
	return len;
}

long jwt_make(const struct keyring *keys, const struct jwt_claims *claims, const char *audience,
              const char *issuer, char ret[JWT_MAX + 1])
{
	struct guard *guard;
	long len;

	if (keyring_secret_id(keys) == NULL)
		return WSMD_ENOENT;
	guard = guard_enter();
	if (guard == NULL)
		return WSMD_ENOMEM;
	len = make(keys, claims, audience, issuer, ret);
	return guard_leave(guard) ? WSMD_ENOMEM : len;
}
