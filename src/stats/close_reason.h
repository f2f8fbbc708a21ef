/*
 * Why a connection ended: one row for each reason, feeding the close code, the counter, the log
 * line and what wsmctl shows. There is one door out, conn_close(), and it takes one of these.
 */
#pragma once

#include <stdint.h>

/* name, text, close code to send (0: the socket is gone, or the peer's frame is answered) */
#define CLOSE_REASONS(X)                                                                           \
	X(CLOSE_PEER, "peer_close", 0, "the peer sent a close frame")                              \
	X(CLOSE_FIN, "peer_fin", 0, "the peer ended the stream without a close frame")             \
	X(CLOSE_RESET, "peer_reset", 0, "the peer reset the connection")                           \
	X(CLOSE_IO_ERROR, "io_error", 0, "the socket failed")                                      \
	X(CLOSE_HEARTBEAT, "heartbeat_timeout", 1001, "heartbeat timeout")                         \
	X(CLOSE_WRITE_TIMEOUT, "write_timeout", 1008,                                              \
	  "slow consumer: no byte was taken within limits.write_timeout_s")                        \
	X(CLOSE_QUEUE_FULL, "queue_full", 1008, "slow consumer: more than limits.send_queue_bytes wait") \
	X(CLOSE_MESSAGE_TIMEOUT, "message_timeout", 1008,                                          \
	  "message not completed within limits.message_timeout_s")                                 \
	X(CLOSE_VIOLATION, "protocol_error", 1002, "the peer broke the protocol")                  \
	X(CLOSE_BAD_TEXT, "bad_utf8", 1007, "text is not valid UTF-8")                             \
	X(CLOSE_TOO_BIG, "too_big", 1009, "message is too big")                                    \
	X(CLOSE_RATE, "rate_limit", 1008, "too many frames")                                       \
	X(CLOSE_KICKED, "kicked", 1008, "kicked by the operator")                                  \
	X(CLOSE_DRAIN, "drain", 1012, "server is draining, reconnect")                             \
	X(CLOSE_STOP, "server_stop", 1001, "server is going away")                                 \
	X(CLOSE_NO_MEMORY, "no_memory", 1013, "server is short of memory, try again later")

enum close_reason {
#define X(name, label, code, text) name,
	CLOSE_REASONS(X)
#undef X
		CLOSE_REASON_COUNT
};

const char *close_reason_label(enum close_reason r); /* stable, in JSON, metrics and logs */
const char *close_reason_text(enum close_reason r);
uint16_t close_reason_code(enum close_reason r);
