/*
 * The keys that tokens are checked with. A key has one algorithm, and a token that names another
 * one is refused: what was signed with a public key taken for a secret passes nowhere (RFC 8725
 * section 3.1).
 *
 * A file is recognised by its content: a JSON Web Key Set (RFC 7517), a public key in PEM, or
 * else the bytes of a secret. A folder is all of its files whose names do not begin with a dot;
 * a key that its file does not name (kid) is called like its file without the ending.
 *
 * Thread: loading on main; a ring never changes, and is read by any thread that holds it.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

enum key_algorithm {
	ALGORITHM_HS256, /* HMAC with SHA-256 */
	ALGORITHM_RS256, /* RSASSA-PKCS1-v1_5 with SHA-256 */
	ALGORITHM_ES256, /* ECDSA with P-256 and SHA-256 */
	ALGORITHM_COUNT
};

#define KEY_ID_MAX    255
#define KEYS_MAX      64        /* of one ring */
#define KEY_FILE_MAX  (1 << 20) /* bytes */
#define SECRET_MIN    32        /* bytes, RFC 7518 section 3.2 */
#define RSA_MIN       2048      /* bits, section 3.3 */
#define KEY_WHY_BYTES 512

struct keyring;

/**
 * Load a file or a folder.
 *
 * @ret_why  a sentence that names the file, when it fails
 *
 * Returns: 0 with *@ret, held once; WSMD_ECONFIG; WSMD_ENOMEM
 */
MUST_CHECK int keyring_load(const char *path, struct keyring **ret, char ret_why[KEY_WHY_BYTES]);

/* A number that changes with the files: their names, sizes, times. */
uint64_t keyring_stamp(const char *path);

struct keyring *keyring_hold(struct keyring *k);
void keyring_release(
	struct keyring *k); /* NULL is allowed; the last one frees, and forgets secrets */

/* "HS256" and so on; ALGORITHM_COUNT: none that is known. */
enum key_algorithm key_algorithm_of(const char *name);
const char *key_algorithm_name(enum key_algorithm a);

/* Is there a key of that algorithm, and of that name if @id is not NULL? */
bool keyring_has(const struct keyring *k, enum key_algorithm a, const char *id);

/* Does one of those keys say that @signature is of @text? */
bool keyring_verify(const struct keyring *k, enum key_algorithm a, const char *id, const char *text,
                    size_t text_len, const uint8_t *signature, size_t signature_len);

#define HS256_BYTES 32

/* Sign with the first secret. Returns 0; WSMD_ENOENT: there is none; WSMD_ENOMEM. */
MUST_CHECK int keyring_sign(const struct keyring *k, const char *text, size_t text_len,
                            uint8_t ret[HS256_BYTES]);
const char *keyring_secret_id(const struct keyring *k); /* of the first secret; NULL: none */

/* Keys of each algorithm, for people to read. */
uint32_t keyring_count(const struct keyring *k, enum key_algorithm a);
