/* Unmasking and UTF-8 together: short ASCII at once, all else in blocks. */
#include "ws/text.h"

#include "base/macros.h"
#include "ws/blocks.h"
#include "ws/mask_short.h"
#include "ws/utf8.h"

/* What is not short ASCII. Out of line, so that the usual text needs no registers saved. */
static __attribute__((noinline)) size_t unmask_any(uint8_t *dst, const uint8_t *src, size_t len,
                                                   uint32_t key, uint8_t *state)
{
	size_t head = 0, at;

	for (; *state != WS_UTF8_WHOLE && head < len; head++) { /* the character that is begun */
		dst[head] = ws_mask_byte(src[head], key, head);
		if (ws_utf8_walk(state, dst + head, 1) == 0)
			return head;
	}
	key = ws_mask_turn(key, head);
	at = head + ws_blocks()->unmask_text(dst + head, src + head, len - head, key);
	ws_mask_copy(dst + at, src + at, len - at, key);
	at = ws_utf8_resume(dst, head, at);
	return at + ws_utf8_walk(state, dst + at, len - at);
}

size_t ws_text_unmask(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key, uint8_t *state)
{
	if (LIKELY(len <= WS_MASK_SHORT && *state == WS_UTF8_WHOLE &&
	           ws_mask_short(dst, src, len, key, true)))
		return len;
	return unmask_any(dst, src, len, key, state);
}
