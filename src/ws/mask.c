/* Masking: a short payload at once, a long one in the widest blocks that there are. */
#include "ws/mask.h"

#include "base/macros.h"
#include "ws/blocks.h"
#include "ws/mask_short.h"

/* Out of line, so that the short payload needs no registers saved. */
static NOINLINE void mask_long(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key)
{
	const size_t done = ws_blocks()->mask(dst, src, len, key);

	(void)ws_mask_short(dst + done, src + done, len - done, key, false);
}

void ws_mask_copy(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key)
{
	if (LIKELY(len <= WS_MASK_SHORT))
		(void)ws_mask_short(dst, src, len, key, false);
	else
		mask_long(dst, src, len, key);
}
