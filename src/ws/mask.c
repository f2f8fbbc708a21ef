/*
 * Masking with 16-byte vectors that every 64-bit machine has, four at a time.
 *
 * Loads and stores never touch a byte outside the payload: what is behind it belongs to the
 * next frame.
 */
#include "ws/mask.h"

#include <string.h>

typedef uint32_t vec __attribute__((vector_size(16)));

static inline void xor_vec(uint8_t *p, vec key)
{
	vec v;

	memcpy(&v, p, sizeof(v));
	v ^= key;
	memcpy(p, &v, sizeof(v));
}

static inline void xor_u64(uint8_t *p, uint64_t key)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	v ^= key;
	memcpy(p, &v, sizeof(v));
}

static inline void xor_u32(uint8_t *p, uint32_t key)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	v ^= key;
	memcpy(p, &v, sizeof(v));
}

/* The key whose first byte is byte @n of @key, for n < 4. */
static inline uint32_t rotate(uint32_t key, size_t n)
{
	const size_t bits = 8 * n;

	if (n == 0)
		return key;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return key >> bits | key << (32 - bits);
#else
	return key << bits | key >> (32 - bits);
#endif
}

uint32_t ws_mask(uint8_t *data, size_t len, uint32_t key)
{
	const vec k = {key, key, key, key};
	uint8_t *p = data, *const end = data + len;
	uint8_t bytes[4];

	if (key == 0)
		return 0;
	for (; end - p >= 64; p += 64) {
		xor_vec(p, k);
		xor_vec(p + 16, k);
		xor_vec(p + 32, k);
		xor_vec(p + 48, k);
	}
	for (; end - p >= 16; p += 16)
		xor_vec(p, k);
	if (end - p >= 8) {
		xor_u64(p, (uint64_t)key << 32 | key);
		p += 8;
	}
	if (end - p >= 4) {
		xor_u32(p, key);
		p += 4;
	}
	memcpy(bytes, &key, sizeof(bytes));
	for (size_t i = 0; p < end; i++)
		*p++ ^= bytes[i];
	return rotate(key, len % 4);
}
