/* Six bits at a time. */
#include "auth/base64url.h"

#include "base/err.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

long base64url_decode(uint8_t *dst, size_t cap, const char *text, size_t len)
{
	uint32_t bits = 0;
	unsigned n_bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		const int v = value_of(text[i]);

		if (v < 0)
			return WSMD_EINVAL;
		bits = bits << 6 | (uint32_t)v;
		n_bits += 6;
		if (n_bits < 8)
			continue;
		if (n == cap)
			return WSMD_EINVAL;
		n_bits -= 8;
		dst[n++] = (uint8_t)(bits >> n_bits);
		bits &= (1u << n_bits) - 1;
	}
	/* What is left over belongs to no byte: fewer than six bits, and all zero. */
	return n_bits < 6 && bits == 0 ? (long)n : WSMD_EINVAL;
}

size_t base64url_encode(char *dst, const void *src, size_t len)
{
	const uint8_t *const bytes = src;
	uint32_t bits = 0;
	unsigned n_bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		bits = (bits << 8 | bytes[i]) & 0xffff;
		for (n_bits += 8; n_bits >= 6; n_bits -= 6)
			dst[n++] = alphabet[bits >> (n_bits - 6) & 63];
	}
	if (n_bits > 0)
		dst[n++] = alphabet[bits << (6 - n_bits) & 63];
	return n;
}
