/*
 * One key, and reading keys out of the bytes of a file. Of the files of auth/ alone.
 *
 * Thread: as keyring.h.
 */
#pragma once

#include <mbedtls/pk.h>

#include "auth/keyring.h"

struct key {
	enum key_algorithm algorithm;
	char id[KEY_ID_MAX + 1]; /* "": none */
	uint8_t *secret;         /* HS256, of malloc() */
	size_t secret_len;
	mbedtls_pk_context pk; /* the others */
};

struct keyring {
	_Atomic uint32_t holders;
	uint32_t n;
	struct key keys[KEYS_MAX];
};

void key_fini(struct key *k);

/**
 * Add what @text holds to @ring.
 *
 * @text  ends with a NUL that @len does not count; overwritten if it is a secret
 * @id    for a key that has no name of its own
 *
 * Returns: 0; WSMD_ECONFIG with a sentence without the name of the file; WSMD_ENOMEM
 */
MUST_CHECK int key_parse_file(struct keyring *ring, char *text, size_t len, const char *id,
                              char ret_why[KEY_WHY_BYTES]);

/* The same for a key set, RFC 7517. Inside a guard. */
MUST_CHECK int key_parse_set(struct keyring *ring, const char *text, size_t len, const char *id,
                             char ret_why[KEY_WHY_BYTES]);

/* The next free place, of that name; NULL with a sentence: there is none. It counts once @ring->n
 * is raised. */
struct key *key_place(struct keyring *ring, enum key_algorithm a, const char *id,
                      char ret_why[KEY_WHY_BYTES]);

/* 0; WSMD_ECONFIG with a sentence; WSMD_ENOMEM. @secret is copied. */
MUST_CHECK int key_set_secret(struct key *k, const uint8_t *secret, size_t len,
                              char ret_why[KEY_WHY_BYTES]);

/* Is @k->pk a key that one of our algorithms can use? Sets @k->algorithm. As key_set_secret(). */
MUST_CHECK int key_check_public(struct key *k, char ret_why[KEY_WHY_BYTES]);
