/* What keys are for: checking and making signatures. */
#include "auth/keyring.h"

#include <mbedtls/constant_time.h>
#include <mbedtls/md.h>
#include <stdlib.h>
#include <string.h>

#include "auth/key.h"
#include "base/err.h"

#define SHA256_BYTES 32
#define HALF_BYTES   32 /* of a signature of P-256 */
#define DER_MAX      (2 + 2 * (2 + 1 + HALF_BYTES))

static const char *const names[ALGORITHM_COUNT] = {"HS256", "RS256", "ES256"};

enum key_algorithm key_algorithm_of(const char *name)
{
	enum key_algorithm a = 0;

	while (a < ALGORITHM_COUNT && strcmp(names[a], name) != 0)
		a++;
	return a;
}

const char *key_algorithm_name(enum key_algorithm a)
{
	return names[a];
}

struct keyring *keyring_hold(struct keyring *ring)
{
	/* relaxed: who holds it already has seen it */
	atomic_fetch_add_explicit(&ring->holders, 1, memory_order_relaxed);
	return ring;
}

void keyring_release(struct keyring *ring)
{
	/* acq_rel: the last one frees after all others are done with it */
	if (ring == NULL || atomic_fetch_sub_explicit(&ring->holders, 1, memory_order_acq_rel) > 1)
		return;
	for (uint32_t i = 0; i < ring->n; i++)
		key_fini(&ring->keys[i]);
	free(ring);
}

/* The next key from *@at on that may be meant; NULL: there is none. */
static const struct key *next_key(const struct keyring *ring, enum key_algorithm a, const char *id,
                                  uint32_t *at)
{
	while (*at < ring->n) {
		const struct key *const k = &ring->keys[(*at)++];

		if (k->algorithm == a && (id == NULL || strcmp(k->id, id) == 0))
			return k;
	}
	return NULL;
}

bool keyring_has(const struct keyring *ring, enum key_algorithm a, const char *id)
{
	uint32_t at = 0;

	return next_key(ring, a, id, &at) != NULL;
}

uint32_t keyring_count(const struct keyring *ring, enum key_algorithm a)
{
	uint32_t at = 0, n = 0;

	while (next_key(ring, a, NULL, &at) != NULL)
		n++;
	return n;
}

static bool hmac(const struct key *k, const char *text, size_t len, uint8_t ret[HS256_BYTES])
{
	return mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), k->secret,
	                       k->secret_len, (const unsigned char *)text, len, ret) == 0;
}

/* An INTEGER of DER: without leading zeros, but never negative. Returns its length. */
static size_t write_integer(uint8_t *dst, const uint8_t raw[HALF_BYTES])
{
	size_t zeros = 0, n = 2;

	while (zeros < HALF_BYTES - 1 && raw[zeros] == 0)
		zeros++;
	if (raw[zeros] & 0x80)
		dst[n++] = 0;
	memcpy(dst + n, raw + zeros, HALF_BYTES - zeros);
	n += HALF_BYTES - zeros;
	dst[0] = 0x02;
	dst[1] = (uint8_t)(n - 2);
	return n;
}

/* RFC 7518 section 3.4 has the two numbers side by side, mbedTLS wants them in DER. */
static size_t der_of(uint8_t dst[DER_MAX], const uint8_t *raw)
{
	size_t n = 2;

	n += write_integer(dst + n, raw);
	n += write_integer(dst + n, raw + HALF_BYTES);
	dst[0] = 0x30;
	dst[1] = (uint8_t)(n - 2);
	return n;
}

static bool verify(const struct key *k, const char *text, size_t len, const uint8_t *signature,
                   size_t signature_len)
{
	uint8_t digest[SHA256_BYTES], der[DER_MAX];
	/* The call wants it writable, for contexts that sign; checking changes nothing. */
	mbedtls_pk_context *const pk = (mbedtls_pk_context *)&k->pk;

	if (k->algorithm == ALGORITHM_HS256)
		return signature_len == HS256_BYTES && hmac(k, text, len, digest) &&
		       mbedtls_ct_memcmp(digest, signature, HS256_BYTES) == 0;
	if (mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), (const unsigned char *)text,
	               len, digest) != 0)
		return false;
	if (k->algorithm == ALGORITHM_ES256) {
		if (signature_len != 2 * HALF_BYTES)
			return false;
		signature_len = der_of(der, signature);
		signature = der;
	}
	return mbedtls_pk_verify(pk, MBEDTLS_MD_SHA256, digest, sizeof(digest), signature,
	                         signature_len) == 0;
}

bool keyring_verify(const struct keyring *ring, enum key_algorithm a, const char *id,
                    const char *text, size_t text_len, const uint8_t *signature,
                    size_t signature_len)
{
	const struct key *k;
	uint32_t at = 0;

	while ((k = next_key(ring, a, id, &at)) != NULL) {
		if (verify(k, text, text_len, signature, signature_len))
			return true;
	}
	return false;
}

static const struct key *first_secret(const struct keyring *ring)
{
	uint32_t at = 0;

	return next_key(ring, ALGORITHM_HS256, NULL, &at);
}

const char *keyring_secret_id(const struct keyring *ring)
{
	const struct key *const k = first_secret(ring);

	return k != NULL ? k->id : NULL;
}

int keyring_sign(const struct keyring *ring, const char *text, size_t text_len,
                 uint8_t ret[HS256_BYTES])
{
	const struct key *const k = first_secret(ring);

	if (k == NULL)
		return WSMD_ENOENT;
	return hmac(k, text, text_len, ret) ? 0 : WSMD_ENOMEM;
}
