/*
 * The close codes of RFC 6455 section 7.4 and of the IANA registry: which may cross the wire.
 *
 * Thread: any; pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * name, number, may a peer send it to us, may we choose it ourselves, text
 *
 * 1004, 1005, 1006 and 1015 are for use inside a program only. 1010 is said by a client that
 * insists on an extension, which wsmd never does. What is not listed: 3000-4999 is free for
 * libraries and applications, everything else is unassigned and refused.
 */
#define WS_CLOSE_CODES(X)                                                                          \
	X(WS_CLOSE_NORMAL, 1000, true, true, "normal closure")                                     \
	X(WS_CLOSE_GOING_AWAY, 1001, true, true, "going away")                                     \
	X(WS_CLOSE_PROTOCOL_ERROR, 1002, true, true, "protocol error")                             \
	X(WS_CLOSE_UNSUPPORTED, 1003, true, true, "unsupported data")                              \
	X(WS_CLOSE_RESERVED, 1004, false, false, "reserved")                                       \
	X(WS_CLOSE_NO_STATUS, 1005, false, false, "no close code was sent")                        \
	X(WS_CLOSE_ABNORMAL, 1006, false, false, "connection lost without a close frame")          \
	X(WS_CLOSE_INVALID_DATA, 1007, true, true, "invalid payload data")                         \
	X(WS_CLOSE_POLICY, 1008, true, true, "policy violation")                                   \
	X(WS_CLOSE_TOO_BIG, 1009, true, true, "message too big")                                   \
	X(WS_CLOSE_EXTENSION, 1010, true, false, "mandatory extension missing")                    \
	X(WS_CLOSE_INTERNAL, 1011, true, true, "internal error")                                   \
	X(WS_CLOSE_RESTART, 1012, true, true, "service restart")                                   \
	X(WS_CLOSE_TRY_LATER, 1013, true, true, "try again later")                                 \
	X(WS_CLOSE_BAD_GATEWAY, 1014, true, true, "bad gateway")                                   \
	X(WS_CLOSE_TLS, 1015, false, false, "TLS handshake failed")                                \
	X(WS_CLOSE_UNAUTHORIZED, 3000, true, true, "unauthorized")                                 \
	X(WS_CLOSE_FORBIDDEN, 3003, true, true, "forbidden")                                       \
	X(WS_CLOSE_TIMEOUT, 3008, true, true, "timeout")

enum ws_close_code {
#define X(name, number, receive, send, text) name = number,
	WS_CLOSE_CODES(X)
#undef X
};

/* May a close frame with @code arrive? */
bool ws_close_may_receive(uint16_t code);

/* May configuration or the API choose @code? (An answer repeats whatever was received.) */
bool ws_close_may_send(uint16_t code);

/* Never NULL; "unassigned" and the like for codes that are not in the table. */
const char *ws_close_text(uint16_t code);
