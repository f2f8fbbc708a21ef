/* Tokens: those of the RFC are good, and every way of being bad has its own answer. */
#include "auth/jwt.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "auth/base64url.h"
#include "base/err.h"
#include "heap.h"
#include "key_files.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW_S  1000000

static const struct jwt_rules rules = {.now_s = NOW_S, .skew_s = 60, .audience = "", .issuer = ""};

/* REFUSAL_COUNT: it is good. */
static enum refusal check_by(const struct keyring *keys, const struct jwt_rules *r,
                             const char *token, struct jwt_claims *ret)
{
	enum refusal why = REFUSAL_COUNT;
	const int err = jwt_check(keys, r, token, strlen(token), ret, &why);

	cr_assert_eq(err, why == REFUSAL_COUNT ? 0 : WSMD_EPROTO, "%s", token);
	return why;
}

static void add_part(char *token, const char *json, size_t len)
{
	const size_t at = strlen(token);
	const size_t n = base64url_encode(token + at, json, len);

	token[at + n] = '\0';
}

/* A token with these two parts, signed with SECRET. */
static const char *sign(const struct keyring *keys, const char *header, const char *claims)
{
	static char token[2 * JWT_MAX];
	uint8_t signature[HS256_BYTES];

	token[0] = '\0';
	add_part(token, header, strlen(header));
	strcat(token, ".");
	add_part(token, claims, strlen(claims));
	cr_assert_eq(keyring_sign(keys, token, strlen(token), signature), 0);
	strcat(token, ".");
	add_part(token, (const char *)signature, sizeof(signature));
	return token;
}

#define HS256 "{\"alg\":\"HS256\"}"

Test(jwt, those_of_the_rfc)
{
	static const struct {
		const char *keys, *token;
	} cases[] = {
		{KEY_SET(RFC_HS256_JWK), RFC_HS256_TOKEN},
		{KEY_SET(RFC_RS256_JWK), RFC_RS256_TOKEN},
		{KEY_SET(RFC_ES256_JWK), RFC_ES256_TOKEN},
	};
	struct jwt_rules r = rules;
	struct jwt_claims claims;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct keyring *const keys = ring_of(cases[i].keys);

		r.now_s = RFC_EXPIRES_S - 1;
		r.skew_s = 0;
		cr_expect_eq(check_by(keys, &r, cases[i].token, &claims), REFUSAL_COUNT, "%zu", i);
		cr_expect_eq(claims.user_len, 0);
		cr_expect_eq(claims.expires_s, RFC_EXPIRES_S);
		r.now_s = RFC_EXPIRES_S;
		cr_expect_eq(check_by(keys, &r, cases[i].token, &claims), REFUSE_TOKEN_EXPIRED);
		r.skew_s = 1;
		cr_expect_eq(check_by(keys, &r, cases[i].token, &claims), REFUSAL_COUNT);
		r.issuer = "joe";
		cr_expect_eq(check_by(keys, &r, cases[i].token, &claims), REFUSAL_COUNT);
		r.issuer = "";
		for (size_t k = 0; k < ARRAY_LEN(cases); k++)
			if (k != i)
				cr_expect_eq(check_by(keys, &r, cases[k].token, &claims),
				             REFUSE_TOKEN_KEY, "%zu by %zu", k, i);
		keyring_release(keys);
	}
}

/* No token is good any more when one letter of it is another. */
Test(jwt, every_letter_counts)
{
	static const char *const letters = "AZaz09-_.=";
	struct keyring *const keys = ring_of(SECRET);
	struct jwt_claims claims;
	char token[512], changed[512];

	snprintf(token, sizeof(token), "%s",
	         sign(keys, HS256, "{\"exp\":1000100,\"sub\":\"alice\"}"));
	cr_assert_eq(check_by(keys, &rules, token, &claims), REFUSAL_COUNT);
	for (size_t i = 0; i < strlen(token); i++) {
		for (const char *c = letters; *c != '\0'; c++) {
			strcpy(changed, token);
			changed[i] = *c;
			if (*c != token[i])
				cr_expect_neq(check_by(keys, &rules, changed, &claims),
				              REFUSAL_COUNT, "%zu: %c", i, *c);
		}
	}
	for (size_t len = 0; len < strlen(token); len++) {
		enum refusal why;

		cr_expect_eq(jwt_check(keys, &rules, token, len, &claims, &why), WSMD_EPROTO);
	}
	keyring_release(keys);
}

Test(jwt, headers)
{
	static const struct {
		const char *header;
		enum refusal why;
	} cases[] = {
		{"{\"alg\":\"HS256\",\"typ\":\"JWT\"}", REFUSAL_COUNT},
		{"{\"typ\":\"at+jwt\",\"alg\":\"HS256\",\"kid\":\"ring\"}", REFUSAL_COUNT},
		{"{\"alg\":\"HS256\",\"kid\":\"other\"}", REFUSE_TOKEN_KEY},
		{"{\"alg\":\"HS256\",\"kid\":\"../ring\"}", REFUSE_TOKEN_KEY},
		{"{\"alg\":\"HS256\",\"kid\":\"\"}", REFUSE_TOKEN_KEY},
		{"{\"alg\":\"HS256\",\"kid\":7}", REFUSE_TOKEN_MALFORMED},
		{"{\"alg\":\"none\"}", REFUSE_TOKEN_KEY},
		{"{\"alg\":\"None\"}", REFUSE_TOKEN_KEY},
		{"{\"alg\":\"nOnE\"}", REFUSE_TOKEN_KEY},
		{"{\"alg\":\"hs256\"}", REFUSE_TOKEN_KEY},
		{"{\"alg\":\"HS512\"}", REFUSE_TOKEN_KEY},
		{"{\"alg\":\"RS256\"}", REFUSE_TOKEN_KEY},
		{"{\"alg\":\"\"}", REFUSE_TOKEN_KEY},
		{"{\"alg\":[\"HS256\"]}", REFUSE_TOKEN_MALFORMED},
		{"{\"alg\":null}", REFUSE_TOKEN_MALFORMED},
		{"{\"alg\":\"HS256\",\"alg\":\"HS256\"}", REFUSE_TOKEN_MALFORMED},
		{"{}", REFUSE_TOKEN_MALFORMED},
		{"[]", REFUSE_TOKEN_MALFORMED},
		{"\"HS256\"", REFUSE_TOKEN_MALFORMED},
		{"", REFUSE_TOKEN_MALFORMED},
		{"{\"alg\":\"HS256\"", REFUSE_TOKEN_MALFORMED},
		{"{\"alg\":\"HS256\"}}", REFUSE_TOKEN_MALFORMED},
		{"{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", REFUSE_TOKEN_KEY},
		{"{\"alg\":\"HS256\",\"jku\":\"https://evil.test/keys\"}", REFUSE_TOKEN_KEY},
		{"{\"alg\":\"HS256\",\"jwk\":{}}", REFUSE_TOKEN_KEY},
		{"{\"alg\":\"HS256\",\"x5u\":\"x\"}", REFUSE_TOKEN_KEY},
	};
	struct keyring *const keys = ring_of(SECRET);
	struct jwt_claims claims;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(check_by(keys, &rules,
		                      sign(keys, cases[i].header, "{\"exp\":1000100}"), &claims),
		             cases[i].why, "%s", cases[i].header);
	keyring_release(keys);
}

Test(jwt, claims)
{
	static const struct {
		const char *claims;
		enum refusal why;
		const char *user;
	} cases[] = {
		{"{\"exp\":1000100}", REFUSAL_COUNT, ""},
		{"{\"exp\":1000100,\"sub\":\"alice\"}", REFUSAL_COUNT, "alice"},
		{"{\"exp\":1000100,\"sub\":\"j\\u00fcrgen\"}", REFUSAL_COUNT, "j\xc3\xbcrgen"},
		{"{\"exp\":1000100,\"sub\":\"\"}", REFUSE_USER_NAME, ""},
		{"{\"exp\":1000100,\"sub\":7}", REFUSE_USER_NAME, ""},
		{"{\"exp\":1000100,\"sub\":null}", REFUSE_USER_NAME, ""},
		{"{\"exp\":1000100,\"sub\":\"a\\nb\"}", REFUSE_USER_NAME, ""},
		{"{\"exp\":1000100,\"sub\":\"a\\u0000b\"}", REFUSE_TOKEN_MALFORMED, ""},
		{"{\"exp\":1000100,\"exp\":9000000}", REFUSE_TOKEN_MALFORMED, ""},
		{"{\"exp\":999941}", REFUSAL_COUNT, ""}, /* within the skew */
		{"{\"exp\":999940}", REFUSE_TOKEN_EXPIRED, ""},
		{"{\"exp\":0}", REFUSE_TOKEN_EXPIRED, ""},
		{"{\"sub\":\"alice\"}", REFUSE_TOKEN_CLAIMS, ""},
		{"{\"exp\":-1}", REFUSE_TOKEN_CLAIMS, ""},
		{"{\"exp\":1000100.5}", REFUSE_TOKEN_CLAIMS, ""},
		{"{\"exp\":\"1000100\"}", REFUSE_TOKEN_CLAIMS, ""},
		{"{\"exp\":null}", REFUSE_TOKEN_CLAIMS, ""},
		{"{\"exp\":9007199254740992}", REFUSAL_COUNT, ""},
		{"{\"exp\":9007199254740993}", REFUSE_TOKEN_CLAIMS, ""},
		{"{\"exp\":9223372036854775807}", REFUSE_TOKEN_CLAIMS, ""},
		{"{\"exp\":9223372036854775808}", REFUSE_TOKEN_MALFORMED, ""},
		{"{\"exp\":1000100,\"nbf\":1000060}", REFUSAL_COUNT, ""},
		{"{\"exp\":1000100,\"nbf\":1000061}", REFUSE_TOKEN_NOT_YET, ""},
		{"{\"exp\":1000100,\"nbf\":\"soon\"}", REFUSE_TOKEN_CLAIMS, ""},
		{"{\"exp\":1000100,\"aud\":7,\"iss\":[]}", REFUSAL_COUNT, ""},
		{"[]", REFUSE_TOKEN_MALFORMED, ""},
		{"not JSON", REFUSE_TOKEN_MALFORMED, ""},
		{"", REFUSE_TOKEN_MALFORMED, ""},
	};
	struct keyring *const keys = ring_of(SECRET);
	struct jwt_claims c;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const enum refusal why =
			check_by(keys, &rules, sign(keys, HS256, cases[i].claims), &c);

		cr_expect_eq(why, cases[i].why, "%s: %s", cases[i].claims,
		             why < REFUSAL_COUNT ? refusal_label(why) : "good");
		if (why == REFUSAL_COUNT) {
			cr_expect_eq(c.user_len, strlen(cases[i].user));
			cr_expect_eq(memcmp(c.user, cases[i].user, c.user_len), 0);
		}
	}
	keyring_release(keys);
}

Test(jwt, audience_and_issuer)
{
	static const struct {
		const char *claims;
		enum refusal why;
	} cases[] = {
		{"{\"exp\":1000100,\"aud\":\"us\",\"iss\":\"them\"}", REFUSAL_COUNT},
		{"{\"exp\":1000100,\"aud\":[\"others\",\"us\"],\"iss\":\"them\"}", REFUSAL_COUNT},
		{"{\"exp\":1000100,\"aud\":\"US\",\"iss\":\"them\"}", REFUSE_TOKEN_AUDIENCE},
		{"{\"exp\":1000100,\"aud\":\"us2\",\"iss\":\"them\"}", REFUSE_TOKEN_AUDIENCE},
		{"{\"exp\":1000100,\"aud\":[],\"iss\":\"them\"}", REFUSE_TOKEN_AUDIENCE},
		{"{\"exp\":1000100,\"aud\":{\"us\":1},\"iss\":\"them\"}", REFUSE_TOKEN_AUDIENCE},
		{"{\"exp\":1000100,\"iss\":\"them\"}", REFUSE_TOKEN_AUDIENCE},
		{"{\"exp\":1000100,\"aud\":\"us\"}", REFUSE_TOKEN_ISSUER},
		{"{\"exp\":1000100,\"aud\":\"us\",\"iss\":[\"them\"]}", REFUSE_TOKEN_ISSUER},
		{"{\"exp\":1000100,\"aud\":\"us\",\"iss\":\"Them\"}", REFUSE_TOKEN_ISSUER},
	};
	struct keyring *const keys = ring_of(SECRET);
	struct jwt_rules r = rules;
	struct jwt_claims c;

	r.audience = "us";
	r.issuer = "them";
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(check_by(keys, &r, sign(keys, HS256, cases[i].claims), &c),
		             cases[i].why, "%s", cases[i].claims);
	keyring_release(keys);
}

Test(jwt, shapes)
{
	static const char *const tokens[] = {"",
	                                     ".",
	                                     "..",
	                                     "...",
	                                     "a.b",
	                                     "a.b.c.d",
	                                     "a..c",
	                                     ".b.",
	                                     "eyJhbGciOiJIUzI1NiJ9..",
	                                     "eyJhbGciOiJIUzI1NiJ9.e30. "};
	struct keyring *const keys = ring_of(SECRET);
	static char long_one[JWT_MAX + 2];
	struct jwt_claims c;

	for (size_t i = 0; i < ARRAY_LEN(tokens); i++)
		cr_expect_neq(check_by(keys, &rules, tokens[i], &c), REFUSAL_COUNT, "%s",
		              tokens[i]);
	memset(long_one, 'a', JWT_MAX + 1);
	cr_expect_eq(check_by(keys, &rules, long_one, &c), REFUSE_TOKEN_MALFORMED);
	keyring_release(keys);
}

Test(jwt, what_is_made_is_good)
{
	struct keyring *const keys = ring_of(SECRET);
	struct jwt_claims made = {.expires_s = NOW_S + 10, .user_len = 5, .user = "alice"}, got;
	struct jwt_rules r = rules;
	char token[JWT_MAX + 1];

	r.audience = "us";
	r.issuer = "them";
	const long len = jwt_make(keys, &made, r.audience, r.issuer, token);

	cr_assert_eq(len, (long)strlen(token));
	cr_expect_eq(check_by(keys, &r, token, &got), REFUSAL_COUNT);
	cr_expect_str_eq(got.user, "alice");
	cr_expect_eq(got.expires_s, made.expires_s);
	keyring_release(keys);
}

Test(jwt, public_keys_sign_nothing)
{
	struct keyring *const keys = ring_of(KEY_SET(RFC_RS256_JWK));
	struct jwt_claims made = {.expires_s = NOW_S};
	char token[JWT_MAX + 1];

	cr_expect_eq(jwt_make(keys, &made, "", "", token), WSMD_ENOENT);
	keyring_release(keys);
}

/* It says so, or it is as if nothing had been; never another fault, and nothing stays behind. */
Test(jwt, without_memory)
{
	struct keyring *const keys = ring_of(SECRET);
	const char *const token = sign(keys, HS256, "{\"exp\":1000100,\"sub\":\"alice\"}");
	struct jwt_claims c;
	unsigned failures = 0;

	for (unsigned n = 1;; n++) {
		const size_t blocks = heap_blocks();

		heap_fail_at(n);
		const enum refusal why = check_by(keys, &rules, token, &c);

		heap_fail_at(0);
		cr_expect_eq(heap_blocks(), blocks);
		if (why == REFUSAL_COUNT)
			break;
		cr_assert_eq(why, REFUSE_NO_MEMORY, "allocation %u", n);
		failures++;
	}
	cr_expect_gt(failures, 0);
	keyring_release(keys);
}
