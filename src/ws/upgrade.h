/*
 * The values of the opening handshake, RFC 6455 section 4: what a key must look like and what
 * answers it. Reading the request is http's and admit's business.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

#define WS_KEY_LEN    24 /* base64 of 16 bytes */
#define WS_ACCEPT_LEN 28 /* base64 of a SHA-1 */

/* Exactly 24 canonical base64 characters that decode to 16 bytes. */
bool ws_key_valid(const char *key, size_t len);

/**
 * Sec-WebSocket-Accept for a valid @key; @dst gets WS_ACCEPT_LEN bytes and a NUL.
 *
 * Returns: 0, or WSMD_ENOENT when the cryptography library was built without SHA-1
 */
MUST_CHECK int ws_accept(const char key[WS_KEY_LEN], char dst[WS_ACCEPT_LEN + 1]);

/* A client's key from 16 random bytes; @dst gets WS_KEY_LEN bytes and a NUL. */
void ws_key_encode(const unsigned char random[16], char dst[WS_KEY_LEN + 1]);
