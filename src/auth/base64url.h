/*
 * base64url without padding, RFC 4648 section 5, as RFC 7515 section 2 wants it. Canonical only: a
 * value has one text, so a changed text is never taken for the same value.
 *
 * Thread: any; pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define BASE64URL_LEN(bytes) (((bytes)*4 + 2) / 3)

/* Returns the length, or WSMD_EINVAL: not base64url, not canonical, or more than @cap bytes. */
MUST_CHECK long base64url_decode(uint8_t *dst, size_t cap, const char *text, size_t len);

/* Writes BASE64URL_LEN(@len) characters and no NUL. Returns their number. */
size_t base64url_encode(char *dst, const void *src, size_t len);
