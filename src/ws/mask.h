/* The masking of RFC 6455 section 5.3: its own inverse, in place. Thread: any; pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/**
 * Mask or unmask @len bytes of @data.
 *
 * @data at any alignment
 * @key  as it lies in memory; its first byte is for data[0]
 *
 * Returns: the key for the byte behind these, so that a payload may be done in pieces
 * Cost:    16 bytes at a time; nothing at all for a key of 0 (an unmasked frame)
 */
uint32_t ws_mask(uint8_t *data, size_t len, uint32_t key);
