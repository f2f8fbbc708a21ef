/* JSON Web Key Sets, RFC 7517 and 7518: the keys that we can use; others are passed over. */
#include <jansson.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/base64url.h"
#include "auth/key.h"
#include "base/err.h"

#define NUMBER_MAX 1024 /* bytes of a modulus: 8192 bits */
#define POINT_HALF 32   /* bytes of a coordinate of P-256 */

/* What stands before the two coordinates in a SubjectPublicKeyInfo of P-256 (RFC 5480). */
static const uint8_t p256_head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

static const char *text_of(const json_t *jwk, const char *name)
{
	const char *text = json_string_value(json_object_get(jwk, name));

	return text != NULL ? text : "";
}

static int broken(const char *id, const char *member, char ret_why[KEY_WHY_BYTES])
{
	snprintf(ret_why, KEY_WHY_BYTES, "\"%s\" of the key \"%.64s\" is missing or not valid",
	         member, id);
	return WSMD_ECONFIG;
}

static int parse_oct(struct key *k, const json_t *jwk, char ret_why[KEY_WHY_BYTES])
{
	const char *const text = text_of(jwk, "k");
	uint8_t secret[NUMBER_MAX];
	const long len = base64url_decode(secret, sizeof(secret), text, strlen(text));
	const int err = len <= 0 ? broken(k->id, "k", ret_why)
	                         : key_set_secret(k, secret, (size_t)len, ret_why);

	mbedtls_platform_zeroize(secret, sizeof(secret));
	return err;
}

static int parse_rsa(struct key *k, const json_t *jwk, char ret_why[KEY_WHY_BYTES])
{
	const char *const n_text = text_of(jwk, "n"), *const e_text = text_of(jwk, "e");
	uint8_t n[NUMBER_MAX], e[8];
	const long n_len = base64url_decode(n, sizeof(n), n_text, strlen(n_text));
	const long e_len = base64url_decode(e, sizeof(e), e_text, strlen(e_text));
	mbedtls_rsa_context *rsa;

	if (n_len <= 0 || e_len <= 0)
		return broken(k->id, n_len <= 0 ? "n" : "e", ret_why);
	if (mbedtls_pk_setup(&k->pk, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA)) != 0)
		return WSMD_ENOMEM;
	rsa = mbedtls_pk_rsa(k->pk);
	if (mbedtls_rsa_import_raw(rsa, n, (size_t)n_len, NULL, 0, NULL, 0, NULL, 0, e,
	                           (size_t)e_len) != 0 ||
	    mbedtls_rsa_complete(rsa) != 0 || mbedtls_rsa_check_pubkey(rsa) != 0)
		return broken(k->id, "n", ret_why);
	return key_check_public(k, ret_why);
}

static int parse_ec(struct key *k, const json_t *jwk, char ret_why[KEY_WHY_BYTES])
{
	const char *const x = text_of(jwk, "x"), *const y = text_of(jwk, "y");
	uint8_t der[sizeof(p256_head) + 2 * POINT_HALF];
	uint8_t *const point = der + sizeof(p256_head);

	memcpy(der, p256_head, sizeof(p256_head));
	if (base64url_decode(point, POINT_HALF, x, strlen(x)) != POINT_HALF)
		return broken(k->id, "x", ret_why);
	if (base64url_decode(point + POINT_HALF, POINT_HALF, y, strlen(y)) != POINT_HALF ||
	    mbedtls_pk_parse_public_key(&k->pk, der, sizeof(der)) != 0)
		return broken(k->id, "y", ret_why);
	return key_check_public(k, ret_why);
}

static const struct kind {
	const char *type, *curve, *algorithm;
	enum key_algorithm is;
	int (*parse)(struct key *k, const json_t *jwk, char ret_why[KEY_WHY_BYTES]);
} kinds[] = {
	{"oct", "", "HS256", ALGORITHM_HS256, parse_oct},
	{"RSA", "", "RS256", ALGORITHM_RS256, parse_rsa},
	{"EC", "P-256", "ES256", ALGORITHM_ES256, parse_ec},
};

/* NULL: it is for something else, or of a kind that is not ours. */
static const struct kind *kind_of(const json_t *jwk)
{
	const char *const use = text_of(jwk, "use"), *const algorithm = text_of(jwk, "alg");

	if (*use != '\0' && strcmp(use, "sig") != 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(text_of(jwk, "kty"), kinds[i].type) == 0 &&
		    strcmp(text_of(jwk, "crv"), kinds[i].curve) == 0 &&
		    (*algorithm == '\0' || strcmp(algorithm, kinds[i].algorithm) == 0))
			return &kinds[i];
	}
	return NULL;
}

static int parse_key(struct keyring *ring, const json_t *jwk, const char *file_id,
                     char ret_why[KEY_WHY_BYTES])
{
	const struct kind *const kind = kind_of(jwk);
	const char *const id = json_object_get(jwk, "kid") != NULL ? text_of(jwk, "kid") : file_id;
	struct key *k;
	int err;

	if (kind == NULL)
		return 0;
	k = key_place(ring, kind->is, id, ret_why);
	if (k == NULL)
		return WSMD_ECONFIG;
	err = kind->parse(k, jwk, ret_why);
	if (err < 0)
		key_fini(k);
	else
		ring->n++;
	return err;
}

int key_parse_set(struct keyring *ring, const char *text, size_t len, const char *id,
                  char ret_why[KEY_WHY_BYTES])
{
	const uint32_t before = ring->n;
	json_error_t fault;
	json_t *const set = json_loadb(text, len, JSON_REJECT_DUPLICATES, &fault);
	const json_t *const keys = json_object_get(set, "keys");
	int err = 0;

	if (set == NULL)
		snprintf(ret_why, KEY_WHY_BYTES, "begins like JSON; line %d: %s", fault.line,
		         fault.text);
	else if (!json_is_array(keys))
		snprintf(ret_why, KEY_WHY_BYTES, "is JSON and no key set: it has no list \"keys\"");
	if (!json_is_array(keys))
		err = WSMD_ECONFIG;
	for (size_t i = 0; err == 0 && i < json_array_size(keys); i++)
		err = parse_key(ring, json_array_get(keys, i), id, ret_why);
	if (err == 0 && ring->n == before) {
		snprintf(ret_why, KEY_WHY_BYTES,
		         "has no key for HS256, RS256 or ES256 among its %zu",
		         json_array_size(keys));
		err = WSMD_ECONFIG;
	}
	json_decref(set);
	return err;
}
