/*
 * Masking of at most 64 bytes without a loop and without a choice of vectors: two loads of one
 * width, or four, cover any length when they may overlap. So all loads come before the first
 * store, and the same bytes are written twice with the same value.
 *
 * Inline because it is all that the usual message needs.
 */
#pragma once

#include <stdbool.h>
#include <string.h>

#include "ws/mask.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define WS_MASK_SHORT 64

typedef uint32_t ws_vec16 __attribute__((vector_size(16)));

static inline ws_vec16 ws_load16(const uint8_t *p)
{
	ws_vec16 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void ws_store16(uint8_t *p, ws_vec16 v)
{
	memcpy(p, &v, sizeof(v));
}

static inline uint64_t ws_load8(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t ws_load4(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline bool ws_ascii8(uint64_t v)
{
	return (v & 0x8080808080808080u) == 0;
}

static inline bool ws_ascii16(ws_vec16 v)
{
#if defined(__SSE2__)
	return _mm_movemask_epi8((__m128i)v) == 0;
#else
	const uint64_t half __attribute__((vector_size(16))) =
		(uint64_t __attribute__((vector_size(16))))v;

	return ws_ascii8(half[0] | half[1]);
#endif
}

static inline uint8_t ws_mask_byte(uint8_t byte, uint32_t key, size_t at)
{
	const uint32_t turned = ws_mask_turn(key, at);

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return byte ^ (uint8_t)turned;
#else
	return byte ^ (uint8_t)(turned >> 24);
#endif
}

/* Below 4 bytes: the first, the middle and the last are all there are. */
static inline bool ws_mask_tiny(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key,
                                bool ascii)
{
	uint8_t a, b, c;

	if (len == 0)
		return true;
	a = ws_mask_byte(src[0], key, 0);
	b = ws_mask_byte(src[len / 2], key, len / 2);
	c = ws_mask_byte(src[len - 1], key, len - 1);
	if (ascii && ((a | b | c) & 0x80) != 0)
		return false;
	dst[0] = a;
	dst[len / 2] = b;
	dst[len - 1] = c;
	return true;
}

/* From 4 to 15 bytes. */
static inline bool ws_mask_words(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key,
                                 bool ascii)
{
	const size_t last = len - (len >= 8 ? 8 : 4);
	const uint64_t turned = ws_mask_turn(key, len);
	uint64_t a, b;

	if (len >= 8) {
		a = ws_load8(src) ^ ((uint64_t)key << 32 | key);
		b = ws_load8(src + last) ^ (turned << 32 | turned);
	} else {
		a = ws_load4(src) ^ key;
		b = ws_load4(src + last) ^ turned;
	}
	if (ascii && !ws_ascii8(a | b))
		return false;
	if (len >= 8) {
		memcpy(dst, &a, 8);
		memcpy(dst + last, &b, 8);
	} else {
		const uint32_t first4 = (uint32_t)a, last4 = (uint32_t)b;

		memcpy(dst, &first4, 4);
		memcpy(dst + last, &last4, 4);
	}
	return true;
}

/**
 * Unmask @len <= WS_MASK_SHORT bytes of @src into @dst, which may be @src.
 *
 * @ascii  only if the outcome is ASCII
 *
 * Returns: false: it would not be ASCII, and nothing was written
 */
static inline bool ws_mask_short(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key,
                                 bool ascii)
{
	const uint32_t turned = ws_mask_turn(key, len);
	const ws_vec16 front = {key, key, key, key}, back = {turned, turned, turned, turned};
	ws_vec16 a, b, c, d;

	if (len < 4)
		return ws_mask_tiny(dst, src, len, key, ascii);
	if (len < 16)
		return ws_mask_words(dst, src, len, key, ascii);
	a = ws_load16(src) ^ front;
	b = ws_load16(src + len - 16) ^ back;
	if (len <= 32) {
		if (ascii && !ws_ascii16(a | b))
			return false;
	} else {
		c = ws_load16(src + 16) ^ front;
		d = ws_load16(src + len - 32) ^ back;
		if (ascii && !ws_ascii16(a | b | c | d))
			return false;
		ws_store16(dst + 16, c);
		ws_store16(dst + len - 32, d);
	}
	ws_store16(dst, a);
	ws_store16(dst + len - 16, b);
	return true;
}
