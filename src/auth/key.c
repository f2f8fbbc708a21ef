/* Keys that are files of their own: a secret, a public key. */
#include "auth/key.h"

#include <mbedtls/ecp.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define PEM_BEGIN "-----BEGIN "

void key_fini(struct key *k)
{
	if (k->secret != NULL)
		mbedtls_platform_zeroize(k->secret, k->secret_len);
	free(k->secret);
	mbedtls_pk_free(&k->pk);
	*k = (struct key){0};
}

struct key *key_place(struct keyring *ring, enum key_algorithm a, const char *id,
                      char ret_why[KEY_WHY_BYTES])
{
	struct key *k = &ring->keys[ring->n];

	if (ring->n == KEYS_MAX) {
		snprintf(ret_why, KEY_WHY_BYTES, "holds one key too many; at most %d are used",
		         KEYS_MAX);
		return NULL;
	}
	if (strlen(id) > KEY_ID_MAX) {
		snprintf(ret_why, KEY_WHY_BYTES, "names a key with more than %d bytes", KEY_ID_MAX);
		return NULL;
	}
	*k = (struct key){.algorithm = a};
	memcpy(k->id, id, strlen(id));
	mbedtls_pk_init(&k->pk);
	return k;
}

int key_set_secret(struct key *k, const uint8_t *secret, size_t len, char ret_why[KEY_WHY_BYTES])
{
	if (len < SECRET_MIN) {
		snprintf(ret_why, KEY_WHY_BYTES,
		         "holds a secret of %zu bytes, and HS256 needs %d (RFC 7518); "
		         "\"openssl rand -hex 32\" makes one",
		         len, SECRET_MIN);
		return WSMD_ECONFIG;
	}
	k->secret = malloc(len);
	if (k->secret == NULL)
		return WSMD_ENOMEM;
	memcpy(k->secret, secret, len);
	k->secret_len = len;
	return 0;
}

static bool is_p256(const mbedtls_pk_context *pk)
{
	const mbedtls_ecp_keypair *pair = mbedtls_pk_ec(*pk);

#if MBEDTLS_VERSION_MAJOR >= 3
	return mbedtls_ecp_keypair_get_group_id(pair) == MBEDTLS_ECP_DP_SECP256R1;
#else
	return pair->grp.id == MBEDTLS_ECP_DP_SECP256R1;
#endif
}

int key_check_public(struct key *k, char ret_why[KEY_WHY_BYTES])
{
	const mbedtls_pk_type_t type = mbedtls_pk_get_type(&k->pk);
	const size_t bits = mbedtls_pk_get_bitlen(&k->pk);

	if (type == MBEDTLS_PK_RSA && bits < RSA_MIN) {
		snprintf(ret_why, KEY_WHY_BYTES,
		         "holds an RSA key of %zu bits, and RS256 needs %d (RFC 7518)", bits,
		         RSA_MIN);
		return WSMD_ECONFIG;
	}
	if (type == MBEDTLS_PK_RSA) {
		k->algorithm = ALGORITHM_RS256;
	} else if (type == MBEDTLS_PK_ECKEY && is_p256(&k->pk)) {
		k->algorithm = ALGORITHM_ES256;
	} else {
		snprintf(ret_why, KEY_WHY_BYTES,
		         "holds a public key that is neither of RSA nor of the curve P-256");
		return WSMD_ECONFIG;
	}
	return 0;
}

static int parse_pem(struct key *k, const char *text, size_t len, char ret_why[KEY_WHY_BYTES])
{
	if (strstr(text, "PRIVATE KEY-----") != NULL) {
		snprintf(ret_why, KEY_WHY_BYTES,
		         "holds a private key; tokens are checked with the public one: "
		         "\"openssl pkey -in FILE -pubout\"");
		return WSMD_ECONFIG;
	}
	if (mbedtls_pk_parse_public_key(&k->pk, (const unsigned char *)text, len + 1) == 0)
		return key_check_public(k, ret_why);
	snprintf(ret_why, KEY_WHY_BYTES, "begins like PEM and is no public key in PEM%s",
	         strstr(text, "CERTIFICATE") == NULL
	                 ? ""
	                 : "; of a certificate: \"openssl x509 -in FILE -pubkey -noout\"");
	return WSMD_ECONFIG;
}

/* Without the line end that an editor has put there. */
static int parse_secret(struct key *k, char *text, size_t len, char ret_why[KEY_WHY_BYTES])
{
	size_t n = len;
	int err;

	if (n > 0 && text[n - 1] == '\n')
		n--;
	if (n > 0 && n < len && text[n - 1] == '\r')
		n--;
	err = key_set_secret(k, (const uint8_t *)text, n, ret_why);
	mbedtls_platform_zeroize(text, len);
	return err;
}

int key_parse_file(struct keyring *ring, char *text, size_t len, const char *id,
                   char ret_why[KEY_WHY_BYTES])
{
	const size_t blanks = strspn(text, " \t\r\n");
	struct key *k;
	int err;

	if (text[blanks] == '{')
		return key_parse_set(ring, text, len, id, ret_why);
	k = key_place(ring, ALGORITHM_HS256, id, ret_why);
	if (k == NULL)
		return WSMD_ECONFIG;
	if (strncmp(text + blanks, PEM_BEGIN, sizeof(PEM_BEGIN) - 1) == 0)
		err = parse_pem(k, text, len, ret_why);
	else
		err = parse_secret(k, text, len, ret_why);
	if (err < 0)
		key_fini(k);
	else
		ring->n++;
	return err;
}
