/* Frame headers: strict decoding, shortest encoding. */
#include "ws/frame.h"

#include <string.h>

#include "base/err.h"
#include "ws/close_code.h"
#include "ws/mask.h"

#define FIN           0x80
#define RSV           0x70 /* permessage-deflate will take 0x40 out of a first frame's */
#define OPCODE        0x0F
#define KNOWN_OPCODES 0x0707 /* bit n: opcode n exists */

#define MASKED    0x80
#define LENGTH    0x7F
#define LENGTH_16 126 /* two bytes of length follow */
#define LENGTH_64 127 /* eight */

#define MAX_REASON (WS_MAX_CONTROL - 2)

static uint64_t load_be(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static void store_be(uint8_t *p, uint64_t v, size_t n)
{
	for (size_t i = n; i-- > 0; v >>= 8)
		p[i] = (uint8_t)v;
}

static bool is_control(uint8_t opcode)
{
	return opcode >= WS_CLOSE;
}

/* The rule broken by the first byte, or WS_RULE_COUNT. */
static enum ws_rule check_first(uint8_t b)
{
	const uint8_t opcode = b & OPCODE;

	if (b & RSV)
		return WS_RULE_RSV;
	if (!(KNOWN_OPCODES >> opcode & 1))
		return WS_RULE_OPCODE;
	if (is_control(opcode) && !(b & FIN))
		return WS_RULE_CONTROL_FRAGMENT;
	return WS_RULE_COUNT;
}

/* The rule broken by the second byte behind a good first one, or WS_RULE_COUNT. */
static enum ws_rule check_second(enum ws_role role, uint8_t opcode, uint8_t b)
{
	if (role == WS_SERVER && !(b & MASKED))
		return WS_RULE_UNMASKED;
	if (role == WS_CLIENT && (b & MASKED))
		return WS_RULE_MASKED;
	if (is_control(opcode) && (b & LENGTH) > WS_MAX_CONTROL)
		return WS_RULE_CONTROL_LENGTH;
	if (opcode == WS_CLOSE && (b & LENGTH) == 1)
		return WS_RULE_CLOSE_LENGTH;
	return WS_RULE_COUNT;
}

/* Bytes that the length takes behind the second byte of the header. */
static size_t length_bytes(uint8_t b)
{
	if ((b & LENGTH) < LENGTH_16)
		return 0;
	return (b & LENGTH) == LENGTH_16 ? 2 : 8;
}

/* Decode the length of the @n bytes form at @p; @have of them are there. */
static int decode_length(const uint8_t *p, size_t have, size_t n, uint64_t *ret,
                         enum ws_rule *ret_rule)
{
	if (n == 8 && have > 0 && (p[0] & 0x80)) {
		*ret_rule = WS_RULE_LENGTH_SIGN;
		return WSMD_EPROTO;
	}
	if (have < n)
		return WSMD_ENEEDMORE;
	*ret = n == 2 ? load_be(p, 2) : load_be(p, 8); /* no loop for the short one */
	if (*ret < (n == 2 ? LENGTH_16 : 1u << 16)) {
		*ret_rule = WS_RULE_LENGTH_FORM;
		return WSMD_EPROTO;
	}
	return 0;
}

int ws_frame_decode(enum ws_role role, const uint8_t *data, size_t len, struct ws_frame *ret,
                    enum ws_rule *ret_rule)
{
	struct ws_frame f = {0};
	enum ws_rule broken;
	size_t n, at;
	int rc;

	if (len < 1)
		return WSMD_ENEEDMORE;
	broken = check_first(data[0]);
	f.opcode = data[0] & OPCODE;
	f.fin = data[0] & FIN;
	if (broken == WS_RULE_COUNT && len < 2)
		return WSMD_ENEEDMORE;
	if (broken == WS_RULE_COUNT)
		broken = check_second(role, f.opcode, data[1]);
	if (broken != WS_RULE_COUNT) {
		*ret_rule = broken;
		return WSMD_EPROTO;
	}
	f.masked = data[1] & MASKED;
	f.payload_len = data[1] & LENGTH;
	n = length_bytes(data[1]);
	if (n > 0) {
		rc = decode_length(data + 2, len - 2, n, &f.payload_len, ret_rule);
		if (rc != 0)
			return rc;
	}
	at = 2 + n;
	if (f.masked) {
		if (len - at < sizeof(f.mask_key))
			return WSMD_ENEEDMORE;
		memcpy(&f.mask_key, data + at, sizeof(f.mask_key));
		at += sizeof(f.mask_key);
	}
	f.header_len = (uint8_t)at;
	*ret = f;
	return 0;
}

size_t ws_frame_encode(uint8_t dst[WS_MAX_HEADER], uint8_t opcode, bool fin, uint64_t payload_len,
                       const uint8_t *mask_key)
{
	const uint8_t mask_bit = mask_key ? MASKED : 0;
	size_t at = 2;

	ASSERT(check_first((uint8_t)(opcode | (fin ? FIN : 0))) == WS_RULE_COUNT);
	ASSERT(!is_control(opcode) || payload_len <= WS_MAX_CONTROL);
	ASSERT(payload_len <= INT64_MAX);
	dst[0] = (uint8_t)(opcode | (fin ? FIN : 0));
	if (payload_len < LENGTH_16) {
		dst[1] = (uint8_t)(mask_bit | payload_len);
	} else if (payload_len <= UINT16_MAX) {
		dst[1] = mask_bit | LENGTH_16;
		store_be(dst + 2, payload_len, 2);
		at += 2;
	} else {
		dst[1] = mask_bit | LENGTH_64;
		store_be(dst + 2, payload_len, 8);
		at += 8;
	}
	if (mask_key) {
		memcpy(dst + at, mask_key, 4);
		at += 4;
	}
	return at;
}

/* How much of @reason fits, not counting a character that would be cut. */
static size_t reason_len(const char *reason)
{
	size_t n = reason ? strnlen(reason, MAX_REASON + 1) : 0;

	if (n <= MAX_REASON)
		return n;
	n = MAX_REASON;
	while (n > 0 && ((unsigned char)reason[n] & 0xC0) == 0x80)
		n--;
	return n;
}

size_t ws_frame_encode_close(uint8_t dst[WS_MAX_HEADER + WS_MAX_CONTROL], uint16_t code,
                             const char *reason, const uint8_t *mask_key)
{
	const size_t text_len = code == WS_CLOSE_NO_STATUS ? 0 : reason_len(reason);
	const size_t body_len = code == WS_CLOSE_NO_STATUS ? 0 : 2 + text_len;
	const size_t at = ws_frame_encode(dst, WS_CLOSE, true, body_len, mask_key);
	uint32_t key = 0;

	ASSERT(code == WS_CLOSE_NO_STATUS || ws_close_may_receive(code));
	if (code != WS_CLOSE_NO_STATUS) {
		store_be(dst + at, code, 2);
		if (text_len > 0)
			memcpy(dst + at + 2, reason, text_len);
	}
	if (mask_key)
		memcpy(&key, mask_key, sizeof(key));
	(void)ws_mask(dst + at, body_len, key); /* the key is not used again */
	return at + body_len;
}
