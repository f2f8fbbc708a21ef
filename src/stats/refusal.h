/*
 * Why a connection was refused before it became one: the status it was answered with, the
 * counter and the log line.
 */
#pragma once

#include <stdint.h>

/* name, label, HTTP status (0: closed without an answer), sentence for the body */
#define REFUSALS(X)                                                                                \
	X(REFUSE_BAD_HEAD, "bad_request", 400, "The request is not valid HTTP/1.1.")               \
	X(REFUSE_HEAD_TOO_LARGE, "head_too_large", 431,                                            \
	  "The head is larger than limits.max_request_head_bytes.")                                \
	X(REFUSE_METHOD, "method", 405, "A WebSocket handshake is a GET request.")                 \
	X(REFUSE_PAGE_METHOD, "page_method", 405, "This page answers GET and HEAD.")               \
	X(REFUSE_BODY, "body", 400, "A WebSocket handshake has no body.")                          \
	X(REFUSE_NOT_FOUND, "not_found", 404,                                                      \
	  "Nothing is here. WebSockets connect to /client/hubs/HUB or /ws.")                       \
	X(REFUSE_HUB_NAME, "hub_name", 400,                                                        \
	  "The hub name is not valid: a letter, then up to 127 letters, digits or _`,.[]")         \
	X(REFUSE_NO_UPGRADE, "no_upgrade", 426,                                                    \
	  "This is a WebSocket address. Connect with a WebSocket client; if you did, a proxy "     \
	  "between here and there removed the Upgrade and Connection headers.")                    \
	X(REFUSE_VERSION, "version", 426, "Only Sec-WebSocket-Version 13 is spoken here.")         \
	X(REFUSE_KEY, "key", 400, "Sec-WebSocket-Key must be one base64 value of 16 bytes.")       \
	X(REFUSE_NO_IDENTITY, "no_identity", 401,                                                  \
	  "This server has no way to tell who you are: auth.mode is deny.")                        \
	X(REFUSE_NO_TOKEN, "no_token", 401,                                                        \
	  "A token is needed: as Authorization: Bearer TOKEN, as ?access_token=TOKEN or as the "   \
	  "subprotocol jwt.TOKEN beside jwt.")                                                     \
	X(REFUSE_TOKENS, "tokens", 400, "There is more than one token.")                           \
	X(REFUSE_TOKEN_MALFORMED, "token_malformed", 401,                                          \
	  "The token is not a JSON Web Token: three parts of base64url with dots between them.")   \
	X(REFUSE_TOKEN_KEY, "token_key", 401,                                                      \
	  "The token wants to be checked in a way (alg, kid) for which there is no key here.")     \
	X(REFUSE_TOKEN_SIGNATURE, "token_signature", 401,                                          \
	  "The signature of the token is not by a key of this server.")                            \
	X(REFUSE_TOKEN_CLAIMS, "token_claims", 401,                                                \
	  "The token has no exp, or its exp or nbf is not a whole number of seconds since 1970.")  \
	X(REFUSE_TOKEN_EXPIRED, "token_expired", 401, "The token has expired (exp).")              \
	X(REFUSE_TOKEN_NOT_YET, "token_not_yet", 401,                                              \
	  "The token is not valid yet (nbf). Is a clock wrong?")                                   \
	X(REFUSE_TOKEN_AUDIENCE, "token_audience", 401,                                            \
	  "The token is for somebody else: its aud does not hold auth.audience.")                  \
	X(REFUSE_TOKEN_ISSUER, "token_issuer", 401,                                                \
	  "The token is by somebody else: its iss is not auth.issuer.")                            \
	X(REFUSE_ORIGIN, "origin", 403,                                                            \
	  "Pages of this origin may not connect here: it is neither the server's own nor in "      \
	  "auth.origins.")                                                                         \
	X(REFUSE_USER_NAME, "user_name", 400,                                                      \
	  "The user name must be 1 to 255 bytes of valid UTF-8 without control characters.")       \
	X(REFUSE_HANDSHAKE_TIMEOUT, "handshake_timeout", 408,                                      \
	  "The request did not arrive within limits.handshake_timeout_s.")                         \
	X(REFUSE_HANDSHAKE_GONE, "handshake_gone", 0, "The peer left before the handshake ended.") \
	X(REFUSE_CONNECTIONS, "max_connections", 503,                                              \
	  "The server is full: limits.max_connections.")                                           \
	X(REFUSE_HALF_OPEN, "max_half_open", 0,                                                    \
	  "Too many handshakes in flight: limits.max_half_open.")                                  \
	X(REFUSE_USER_CONNECTIONS, "max_connections_per_user", 429,                                \
	  "This user has limits.max_connections_per_user connections already.")                    \
	X(REFUSE_ADDRESS_CONNECTIONS, "max_connections_per_address", 429,                          \
	  "Your address has limits.max_connections_per_address connections already.")              \
	X(REFUSE_CONNECTION_RATE, "connections_per_s", 503,                                        \
	  "Too many come at once: limits.connections_per_s. Try again.")                           \
	X(REFUSE_MEMORY, "memory_full", 503,                                                       \
	  "The server's memory is at its high water, try again.")                                  \
	X(REFUSE_DRAINING, "draining", 503, "The server is draining: connect to another one.")     \
	X(REFUSE_BUSY, "busy", 503, "The server is busy, try again.")                              \
	X(REFUSE_NO_MEMORY, "no_memory", 503, "The server is short of memory, try again.")

enum refusal {
#define X(name, label, status, text) name,
	REFUSALS(X)
#undef X
	REFUSAL_COUNT
};

const char *refusal_label(enum refusal r);
const char *refusal_text(enum refusal r);
uint16_t refusal_status(enum refusal r);
