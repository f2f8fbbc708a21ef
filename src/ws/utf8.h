/*
 * UTF-8 validation of text that arrives in pieces (RFC 3629: no overlong forms, no surrogates,
 * nothing above U+10FFFF). Thread: any; pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The whole state between two pieces. In any other state than WS_UTF8_WHOLE text may not end. */
#define WS_UTF8_WHOLE 0

/**
 * Check the next @len bytes of a text.
 *
 * @state WS_UTF8_WHOLE before the first piece
 *
 * Returns: @len; or less: the offset of the first byte that no valid text could have there,
 *          and every later call for this @state returns 0
 * Cost:    a load and a few instructions for each vector of ASCII, some twenty for others
 */
size_t ws_utf8_check(uint8_t *state, const uint8_t *data, size_t len);

/* The same byte by byte, for what is too short or too odd for vectors. */
size_t ws_utf8_walk(uint8_t *state, const uint8_t *data, size_t len);

/**
 * Where to walk on, in state WS_UTF8_WHOLE, behind what blocks have passed: see ws/blocks.h.
 *
 * @data  from @begin on, where a character begins, to @end, where the blocks do
 *
 * Returns: @end - 3 to @end, where a character begins
 */
size_t ws_utf8_resume(const uint8_t *data, size_t begin, size_t end);
