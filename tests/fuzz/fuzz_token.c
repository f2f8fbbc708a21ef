/*
 * Tokens, claims, files of keys and origins from anywhere. The first byte says which: a token as it
 * came is never good, for nobody signed it; claims are signed here, so that they are looked at.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/base64url.h"
#include "auth/jwt.h"
#include "auth/key.h"
#include "auth/name.h"
#include "base/err.h"
#include "conf/guard.h"
#include "http/origin.h"

#define HEADER "eyJhbGciOiJIUzI1NiJ9." /* {"alg":"HS256"} */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct jwt_rules rules = {
	.now_s = 1000000, .skew_s = 60, .audience = "us", .issuer = ""};

static struct keyring *ring(void)
{
	static struct keyring made;
	char why[KEY_WHY_BYTES];

	if (made.n == 0) {
		struct key *const k = key_place(&made, ALGORITHM_HS256, "", why);

		ASSERT(key_set_secret(k, (const uint8_t *)"0123456789abcdef0123456789abcdef", 32,
		                      why) == 0);
		made.n = 1;
	}
	return &made;
}

static void try_token(const char *token, size_t len, bool is_signed)
{
	struct jwt_claims c;
	enum refusal why = REFUSAL_COUNT;

	if (jwt_check(ring(), &rules, token, len, &c, &why) == 0) {
		ASSERT(is_signed);
		ASSERT(c.expires_s + rules.skew_s > rules.now_s);
		ASSERT(c.user_len == 0 || name_valid(c.user, c.user_len));
	} else {
		ASSERT(why < REFUSAL_COUNT && refusal_status(why) >= 400);
		ASSERT(why != REFUSE_TOKEN_SIGNATURE || !is_signed);
	}
}

static void try_claims(const uint8_t *claims, size_t len)
{
	const size_t head_len = sizeof(HEADER) - 1;
	char *const token = malloc(head_len + BASE64URL_LEN(len) + 1 + BASE64URL_LEN(HS256_BYTES));
	uint8_t signature[HS256_BYTES], *const again = malloc(len + 1);
	size_t n = head_len;

	ASSERT(token != NULL && again != NULL);
	memcpy(token, HEADER, head_len);
	n += base64url_encode(token + n, claims, len);
	ASSERT(base64url_decode(again, len, token + head_len, n - head_len) == (long)len);
	ASSERT(memcmp(again, claims, len) == 0);
	ASSERT(keyring_sign(ring(), token, n, signature) == 0);
	token[n++] = '.';
	n += base64url_encode(token + n, signature, sizeof(signature));
	try_token(token, n, true);
	free(token);
	free(again);
}

static void try_file(const uint8_t *data, size_t len)
{
	struct keyring *const loaded = calloc(1, sizeof(*loaded));
	char *const text = malloc(len + 1), why[KEY_WHY_BYTES] = "";
	struct guard *const guard = guard_enter();

	ASSERT(loaded != NULL && text != NULL && guard != NULL);
	atomic_init(&loaded->holders, 1);
	memcpy(text, data, len);
	text[len] = '\0';
	if (key_parse_file(loaded, text, len, "file", why) == 0)
		ASSERT(loaded->n >= 1 && loaded->n <= KEYS_MAX);
	else
		ASSERT(*why != '\0');
	ASSERT(!guard_leave(guard));
	keyring_release(loaded);
	free(text);
}

static void try_origin(const char *text, size_t len)
{
	struct http_origin o;

	if (!http_origin_parse(text, len, &o))
		return;
	ASSERT(o.scheme == text && o.scheme_len > 0);
	ASSERT(o.host >= text && o.host + o.host_len <= text + len && o.host_len > 0);
	ASSERT(o.port <= UINT16_MAX && http_origin_same(&o, &o));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	switch (data[0] % 4) {
	case 0:
		try_token((const char *)data + 1, len - 1, false);
		break;
	case 1:
		try_claims(data + 1, len - 1);
		break;
	case 2:
		try_file(data + 1, len - 1);
		break;
	case 3:
		try_origin((const char *)data + 1, len - 1);
		break;
	}
	return 0;
}
