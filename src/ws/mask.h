/* The masking of RFC 6455 section 5.3: its own inverse. Thread: any; pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The key as it lies in memory whose first byte is byte @n of @key: for what is behind @n bytes. */
static inline uint32_t ws_mask_turn(uint32_t key, size_t n)
{
	const uint32_t bits = 8 * (uint32_t)(n % 4);

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return key >> bits | key << (-bits & 31);
#else
	return key << bits | key >> (-bits & 31);
#endif
}

/**
 * Mask or unmask @len bytes of @src into @dst.
 *
 * @dst  may be @src, must not overlap it otherwise; both at any alignment
 * @key  as it lies in memory; its first byte is for src[0]
 *
 * Never reads or writes a byte outside: what is behind the payload belongs to the next frame.
 * Cost: each byte is loaded once, in the widest vectors that the processor has
 */
void ws_mask_copy(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key);

/**
 * The same in place. Nothing at all for a key of 0 (an unmasked frame).
 *
 * Returns: the key for the byte behind these, so that a payload may be done in pieces
 */
static inline uint32_t ws_mask(uint8_t *data, size_t len, uint32_t key)
{
	if (key != 0)
		ws_mask_copy(data, data, len, key);
	return ws_mask_turn(key, len);
}
