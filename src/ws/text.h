/* Text of masked frames: unmasked and checked in one pass. Thread: any; pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/**
 * Unmask the next @len bytes of a text into @dst and check them.
 *
 * @dst   may be @src, must not overlap it otherwise
 * @key   as for ws_mask(); the next piece takes ws_mask_turn(@key, @len)
 * @state as for ws_utf8_check()
 *
 * Returns: what ws_utf8_check() returns for the unmasked bytes; if it is less than @len, nothing
 *          is known about the bytes of @dst from there on
 * Cost:    each byte is read and written once, in the widest vectors that the processor has; where
 *          every instruction counts, try ws_mask_short() first
 */
size_t ws_text_unmask(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key, uint8_t *state);
