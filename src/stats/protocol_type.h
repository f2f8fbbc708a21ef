/* What a connection turned out to speak, detected once from its bytes. */
#pragma once

/* name, label */
#define PROTOCOL_TYPES(X)                                                                          \
	X(PROTOCOL_WEBSOCKET, "websocket")                                                         \
	X(PROTOCOL_LEGACY, "legacy")                                                               \
	X(PROTOCOL_HTTP, "http")                                                                   \
	X(PROTOCOL_UNKNOWN, "unknown")

enum protocol_type {
#define X(name, label) name,
	PROTOCOL_TYPES(X)
#undef X
	PROTOCOL_TYPE_COUNT
};

const char *protocol_type_label(enum protocol_type t);
