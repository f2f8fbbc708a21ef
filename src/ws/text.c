/* Unmasking and UTF-8 together, in blocks. */
#include "ws/text.h"

#include "ws/blocks.h"
#include "ws/mask_short.h"
#include "ws/utf8.h"

size_t ws_text_unmask(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key, uint8_t *state)
{
	size_t head = 0, at;

	for (; *state != WS_UTF8_WHOLE && head < len; head++) { /* the character that is begun */
		dst[head] = ws_mask_byte(src[head], key, head);
		if (ws_utf8_walk(state, dst + head, 1) == 0)
			return head;
	}
	key = ws_mask_turn(key, head);
	at = head + ws_blocks()->unmask_text(dst + head, src + head, len - head, key);
	if ((at == head || dst[at - 1] < 0x80) && len - at <= WS_MASK_SHORT &&
	    ws_mask_short(dst + at, src + at, len - at, key, true))
		return len; /* ASCII behind ASCII: nothing is begun or missing */
	ws_mask_copy(dst + at, src + at, len - at, key);
	at = ws_utf8_resume(dst, head, at);
	return at + ws_utf8_walk(state, dst + at, len - at);
}
