/*
 * Blocks without an instruction that only some processors have: 16-byte vectors as the compiler
 * makes them of whatever there is, and the automaton for text that is not ASCII.
 */
#include <string.h>

#include "ws/blocks.h"
#include "ws/mask_short.h"
#include "ws/utf8.h"

static size_t mask(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key)
{
	size_t i = 0;

	for (; len - i >= WS_BLOCK; i += WS_BLOCK)
		(void)ws_mask_short(dst + i, src + i, WS_BLOCK, key, false);
	return i;
}

/* A block that is not ASCII is unmasked beside its place, for it must stay if it is wrong. */
static size_t unmask_text(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key)
{
	uint8_t state = WS_UTF8_WHOLE, block[WS_BLOCK];
	size_t i = 0;

	for (; len - i >= WS_BLOCK; i += WS_BLOCK) {
		if (state == WS_UTF8_WHOLE && ws_mask_short(dst + i, src + i, WS_BLOCK, key, true))
			continue;
		(void)ws_mask_short(block, src + i, WS_BLOCK, key, false);
		if (ws_utf8_walk(&state, block, WS_BLOCK) < WS_BLOCK)
			break;
		memcpy(dst + i, block, WS_BLOCK);
	}
	return i;
}

static size_t check_text(const uint8_t *text, size_t len)
{
	uint8_t state = WS_UTF8_WHOLE;

	len -= len % WS_BLOCK;
	len = ws_utf8_walk(&state, text, len);
	return len - len % WS_BLOCK;
}

const struct ws_blocks ws_blocks_plain = {
	.name = "plain",
	.mask = mask,
	.unmask_text = unmask_text,
	.check_text = check_text,
};
