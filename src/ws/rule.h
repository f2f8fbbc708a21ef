/* Every way in which a peer can break RFC 6455 or a limit, with the close code that answers it. */
#pragma once

#include <stdint.h>

/* name, stable short name, close code, sentence (for the close reason, so at most 100 bytes) */
#define WS_RULES(X)                                                                                \
	X(WS_RULE_RSV, rsv, 1002, "reserved bit set without a negotiated extension")               \
	X(WS_RULE_OPCODE, opcode, 1002, "unknown opcode")                                          \
	X(WS_RULE_UNMASKED, unmasked, 1002, "frame from a client is not masked")                   \
	X(WS_RULE_MASKED, masked, 1002, "frame from a server is masked")                           \
	X(WS_RULE_LENGTH_FORM, length_form, 1002, "length is not in its shortest form")            \
	X(WS_RULE_LENGTH_SIGN, length_sign, 1002, "length has its highest bit set")                \
	X(WS_RULE_CONTROL_LENGTH, control_length, 1002, "control frame longer than 125 bytes")     \
	X(WS_RULE_CONTROL_FRAGMENT, control_fragment, 1002, "control frame is fragmented")         \
	X(WS_RULE_CONTINUATION, continuation, 1002, "continuation without a message to continue")  \
	X(WS_RULE_INTERLEAVED, interleaved, 1002, "new message inside an unfinished one")          \
	X(WS_RULE_CLOSE_LENGTH, close_length, 1002, "close frame with a payload of one byte")      \
	X(WS_RULE_CLOSE_CODE, close_code, 1002, "close code that may not be sent")                 \
	X(WS_RULE_CLOSE_UTF8, close_utf8, 1007, "close reason is not valid UTF-8")                 \
	X(WS_RULE_TEXT_UTF8, text_utf8, 1007, "text message is not valid UTF-8")                   \
	X(WS_RULE_MESSAGE_SIZE, message_size, 1009,                                                \
	  "message is larger than limits.max_message_bytes")                                       \
	X(WS_RULE_FRAGMENTS, fragments, 1008, "message has more frames than limits.max_fragments") \
	X(WS_RULE_CONTROL_RATE, control_rate, 1008,                                                \
	  "more control frames than limits.control_frames_per_s")

enum ws_rule {
#define X(name, lower, code, text) name,
	WS_RULES(X)
#undef X
	WS_RULE_COUNT
};

/* For values of the enum only. */
uint16_t ws_rule_close_code(enum ws_rule rule);
const char *ws_rule_text(enum ws_rule rule);
const char *ws_rule_name(enum ws_rule rule); /* "text_utf8" */
