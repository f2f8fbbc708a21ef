/*
 * The inner loops of masking and UTF-8, over whole blocks of bytes: one form of them for each
 * kind of vectors that a processor may have. All forms give the same answers; mask.c, utf8.c
 * and text.c deal with what is in front of the blocks and behind them.
 *
 * A text must begin with a whole character and is checked block by block. The check stops in
 * front of the first block that shows something wrong. Of a block that was passed two things
 * are not yet known: whether a character that its end cuts will be completed, and whether its
 * last byte can begin a character at all. So whoever goes on does so up to three bytes earlier,
 * see ws_utf8_resume().
 *
 * Thread: any; pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#if defined(__x86_64__)
#define WS_BLOCKS_X86
#elif defined(__aarch64__)
#define WS_BLOCKS_NEON
#endif

/* No form has longer blocks; each passes all whole blocks of WS_BLOCK bytes that it is given. */
#define WS_BLOCK 64

struct ws_blocks {
	const char *name;

	/* Mask @src into @dst, which may be @src. Returns: bytes done, all but a part of a block */
	size_t (*mask)(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key);

	/* Unmask a text and check it in the same pass. Returns: bytes written, all of them good */
	size_t (*unmask_text)(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key);

	/* Check a text. Returns: bytes passed */
	size_t (*check_text)(const uint8_t *text, size_t len);
};

extern const struct ws_blocks ws_blocks_plain;
#if defined(WS_BLOCKS_X86)
extern const struct ws_blocks ws_blocks_ssse3, ws_blocks_avx2;
#elif defined(WS_BLOCKS_NEON)
extern const struct ws_blocks ws_blocks_neon;
#endif

/* The fastest form here. Cost: two look-ups of a bit that start-up code has set. */
static inline const struct ws_blocks *ws_blocks(void)
{
#if defined(WS_BLOCKS_X86)
	if (LIKELY(__builtin_cpu_supports("avx2")))
		return &ws_blocks_avx2;
	return __builtin_cpu_supports("ssse3") ? &ws_blocks_ssse3 : &ws_blocks_plain;
#elif defined(WS_BLOCKS_NEON)
	return &ws_blocks_neon;
#else
	return &ws_blocks_plain;
#endif
}
