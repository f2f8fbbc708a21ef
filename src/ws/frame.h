/*
 * The frame header of RFC 6455 section 5.2, strictly: decode and encode, nothing else.
 *
 * Thread: any; pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "ws/receiver.h"
#include "ws/rule.h"

#define WS_MAX_HEADER        14
#define WS_MAX_SERVER_HEADER 10
#define WS_MAX_CONTROL       125

struct ws_frame {
	uint64_t payload_len;
	uint32_t mask_key; /* as it lies in memory, first byte first; 0 when not masked */
	uint8_t opcode;
	uint8_t header_len;
	bool fin, masked;
};

/**
 * Decode the header at @data.
 *
 * Checks everything that the header alone decides, at the earliest byte that decides it:
 * reserved bits, opcode, mask by role, shortest length form, sign, control frame rules.
 *
 * Returns: 0; WSMD_ENEEDMORE; WSMD_EPROTO with *@ret_rule
 */
MUST_CHECK int ws_frame_decode(enum ws_role role, const uint8_t *data, size_t len,
                               struct ws_frame *ret, enum ws_rule *ret_rule);

/**
 * A server's look at the frame that is nearly every message: final, text or binary, masked, below
 * 64 KiB and all there.
 *
 * Returns: false: it is another one, wrong perhaps, or its payload has more than @most bytes
 */
static inline bool ws_frame_is_usual(const uint8_t *data, size_t len, size_t most,
                                     size_t *ret_header_len, size_t *ret_payload_len)
{
	size_t header_len = 6, n;

	if (len < 8 || (data[0] != (0x80 | WS_TEXT) && data[0] != (0x80 | WS_BINARY)))
		return false;
	n = data[1] ^ 0x80u; /* beyond all lengths without the mask bit */
	if (n >= 126) {
		if (n > 126)
			return false;
		n = (size_t)data[2] << 8 | data[3];
		if (n < 126)
			return false;
		header_len = 8;
	}
	if (n > most || n > len - header_len)
		return false;
	*ret_header_len = header_len;
	*ret_payload_len = n;
	return true;
}

/**
 * Write a frame header in its shortest form.
 *
 * @mask_key NULL for a server; a client passes 4 random bytes and masks the payload itself with
 *           ws_mask()
 *
 * Returns: bytes written, 2 to WS_MAX_HEADER
 */
size_t ws_frame_encode(uint8_t dst[WS_MAX_HEADER], uint8_t opcode, bool fin, uint64_t payload_len,
                       const uint8_t *mask_key);

/* The same for a whole frame of a server; inline, because each reply has one, and it is short. */
static inline size_t ws_frame_encode_whole(uint8_t dst[WS_MAX_HEADER], uint8_t opcode,
                                           size_t payload_len)
{
	if (payload_len > WS_MAX_CONTROL)
		return ws_frame_encode(dst, opcode, true, payload_len, NULL);
	dst[0] = 0x80 | opcode;
	dst[1] = (uint8_t)payload_len;
	return 2;
}

/**
 * Write a whole unmasked or masked close frame: code, and as much of @reason as fits in 123
 * bytes without cutting a UTF-8 sequence. @code 1005 writes an empty body.
 *
 * Returns: bytes written, at most WS_MAX_HEADER + WS_MAX_CONTROL
 */
size_t ws_frame_encode_close(uint8_t dst[WS_MAX_HEADER + WS_MAX_CONTROL], uint16_t code,
                             const char *reason, const uint8_t *mask_key);
