/*
 * Why a connection ended: one row for each reason, feeding the close code, the counter, the log
 * line and what wsmctl shows. There is one door out, conn_close(), and it takes one of these.
 */
#pragma once

#include <stdint.h>

/* How the end is brought about. */
enum close_manner {
	CLOSE_BY_HANDSHAKE, /* send a close frame, wait for the peer's */
	CLOSE_BY_ANSWER,    /* the peer's has come: answer it, and close */
	CLOSE_AND_LINGER,   /* send a close frame, say nothing more, wait for the peer's FIN */
	CLOSE_AT_ONCE,      /* one try to send a close frame, then close */
	CLOSE_SILENTLY,     /* nobody is there to read a close frame */
};

/* name, label, close code (0: none, or the peer's own), manner, sentence */
#define CLOSE_REASONS(X)                                                                           \
	X(CLOSE_PEER, "peer_close", 0, CLOSE_BY_ANSWER, "the peer sent a close frame")             \
	X(CLOSE_FIN, "peer_fin", 0, CLOSE_SILENTLY,                                                \
	  "the peer ended the stream without a close frame")                                       \
	X(CLOSE_RESET, "peer_reset", 0, CLOSE_SILENTLY, "the peer reset the connection")           \
	X(CLOSE_IO_ERROR, "io_error", 0, CLOSE_SILENTLY, "the socket failed")                      \
	X(CLOSE_HEARTBEAT, "heartbeat_timeout", 1001, CLOSE_AT_ONCE, "heartbeat timeout")          \
	X(CLOSE_WRITE_TIMEOUT, "write_timeout", 1008, CLOSE_AND_LINGER,                            \
	  "slow consumer: no byte was taken within limits.write_timeout_s")                        \
	X(CLOSE_QUEUE_FULL, "queue_full", 1008, CLOSE_AND_LINGER,                                  \
	  "slow consumer: more than limits.send_queue_bytes wait")                                 \
	X(CLOSE_MESSAGE_TIMEOUT, "message_timeout", 1008, CLOSE_AND_LINGER,                        \
	  "message not completed within limits.message_timeout_s")                                 \
	X(CLOSE_VIOLATION, "protocol_error", 1002, CLOSE_AND_LINGER,                               \
	  "the peer broke the protocol")                                                           \
	X(CLOSE_BAD_TEXT, "bad_utf8", 1007, CLOSE_AND_LINGER, "text is not valid UTF-8")           \
	X(CLOSE_TOO_BIG, "too_big", 1009, CLOSE_AND_LINGER, "message is too big")                  \
	X(CLOSE_FRAGMENTS, "too_many_fragments", 1008, CLOSE_AND_LINGER,                           \
	  "message has more frames than limits.max_fragments")                                     \
	X(CLOSE_RATE, "rate_limit", 1008, CLOSE_AND_LINGER,                                        \
	  "more control frames than limits.control_frames_per_s")                                  \
	X(CLOSE_MESSAGE_RATE, "message_rate", 1008, CLOSE_AND_LINGER,                              \
	  "more messages than limits.messages_per_s")                                              \
	X(CLOSE_KICKED, "kicked", 1008, CLOSE_BY_HANDSHAKE, "kicked by the operator")              \
	X(CLOSE_REPLACED, "replaced", 1008, CLOSE_BY_HANDSHAKE,                                    \
	  "a newer connection of this user took the place: limits.max_connections_per_user")       \
	X(CLOSE_EVICTED, "evicted", 1008, CLOSE_BY_HANDSHAKE,                                      \
	  "no answer to a ping, and another connection of this user needed the place")             \
	X(CLOSE_SHED, "shed", 1013, CLOSE_AND_LINGER,                                              \
	  "server is short of memory, of which this connection held much")                         \
	X(CLOSE_DRAIN, "drain", 1012, CLOSE_BY_HANDSHAKE, "server is draining, reconnect")         \
	X(CLOSE_STOP, "server_stop", 1001, CLOSE_BY_HANDSHAKE, "server is going away")             \
	X(CLOSE_NO_MEMORY, "no_memory", 1013, CLOSE_AND_LINGER,                                    \
	  "server is short of memory, try again later")

enum close_reason {
#define X(name, label, code, manner, text) name,
	CLOSE_REASONS(X)
#undef X
	CLOSE_REASON_COUNT
};

const char *close_reason_label(enum close_reason r); /* stable, in JSON, metrics and logs */
const char *close_reason_text(enum close_reason r);
uint16_t close_reason_code(enum close_reason r);
enum close_manner close_reason_manner(enum close_reason r);
