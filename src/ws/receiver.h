/*
 * Bytes in, RFC 6455 events out: the receiving half of a connection, for both roles.
 *
 * The receiver does no I/O and reads no clock. It works on the caller's buffer: a message that
 * is whole there is unmasked where it lies and handed out from there, so the usual message is
 * never copied. Only a message of several reads or fragments borrows memory, into which its
 * payload is unmasked, or read and unmasked there; it grows as bytes arrive, never by a length
 * that the peer merely announced. Who needs the message for longer takes the memory over.
 *
 * Frame headers and control frames are consumed whole or not at all: what is left over at the
 * end (at most WS_MAX_TAIL bytes) is the caller's to keep and to present again in front of the
 * next bytes. So a cut may fall anywhere, and all state is in this struct.
 *
 * Thread: the owner of the connection. Owns: the begun message, until ws_receiver_fini().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "ws/rule.h"

/* Which end we are: a server demands masks, a client forbids them. */
enum ws_role {
	WS_SERVER,
	WS_CLIENT
};

enum ws_opcode {
	WS_CONTINUATION = 0x0,
	WS_TEXT = 0x1,
	WS_BINARY = 0x2,
	WS_CLOSE = 0x8,
	WS_PING = 0x9,
	WS_PONG = 0xA,
};

/* Longest frame header (14) and control payload (125) that may wait for its last byte. */
#define WS_MAX_TAIL (14 + 125)

/* Bounds of one connection; shared by all of a worker, constant during a call. */
struct ws_limits {
	uint32_t max_message_bytes; /* of one message, all fragments together */
	uint32_t max_fragments;     /* frames of one message; empty ones count */
	uint32_t control_burst;     /* pings and pongs at once, at most 2 million ... */
	uint32_t control_per_s;     /* ... and their refill; 0: no limit */
};

enum ws_event_type {
	WS_EVENT_MESSAGE,   /* whole message: opcode WS_TEXT or WS_BINARY, data, len */
	WS_EVENT_PING,      /* data, len */
	WS_EVENT_PONG,      /* data, len */
	WS_EVENT_CLOSE,     /* close_code (1005: none was sent), data and len are the reason text */
	WS_EVENT_VIOLATION, /* rule (its table row has the close code to answer with), at; len of a
	                       message that is too large, as far as it is announced */
};

struct ws_event {
	enum ws_event_type type;
	enum ws_opcode opcode;
	enum ws_rule rule;
	uint16_t close_code;
	uint32_t continuations; /* frames of a message behind its first */
	uint8_t *data; /* valid until the next call or ws_receiver_done(), or the buffer changes */
	size_t len;
	int64_t at; /* of a violation: its frame, or byte of a text, from the first byte of @data */
};

/* A message of which only a part is here: made when it begins, gone with its event. */
struct ws_begun {
	uint32_t len;        /* bytes received so far */
	uint32_t cap;        /* room in @bytes; at most four times what was received */
	uint32_t frame_left; /* payload bytes of the open frame still to come */
	uint32_t mask_key;   /* rotated, so that its first byte is for the next payload byte */
	uint32_t fragments;  /* frames so far */
	uint8_t opcode;      /* 0: handed out, the next call frees it */
	uint8_t utf8;        /* decoder state of a text */
	bool fin;            /* the open frame is the last of the message */
	_Alignas(16) uint8_t bytes[];
};

/* Where the payload is in a block of ws_receiver_detach(). */
#define WS_DETACHED_AT (sizeof(struct ws_begun))

struct ws_receiver {
	struct ws_begun *begun;       /* NULL: nothing is */
	uint32_t control_seen_ms;     /* last look at the bucket, monotonic [ms], truncated */
	uint32_t control_tokens : 31; /* in 1/1000 frames */
	uint32_t ended : 1;           /* after CLOSE or VIOLATION: all else is ignored */
};

void ws_receiver_init(struct ws_receiver *r, const struct ws_limits *l, uint64_t now_ms);

/* Frees the begun message. Harmless twice and on a zeroed struct. */
void ws_receiver_fini(struct ws_receiver *r);

/**
 * Take the next event from @data.
 *
 * @data     received bytes, from the first one not yet consumed; payload is changed in place
 * @ret_used bytes consumed, set in every case; call again with what is behind them
 *
 * Returns: 0 and *@ret is filled; WSMD_ENEEDMORE when the bytes end before the next event (keep
 *          the len - *@ret_used <= WS_MAX_TAIL bytes behind it); WSMD_ENOMEM when no memory for
 *          an open message was to be had (nothing is lost but the connection should close)
 * Cost:     linear in the bytes; no allocation for messages that are whole in @data
 */
MUST_CHECK int ws_receiver_next(struct ws_receiver *r, const struct ws_limits *l, enum ws_role role,
                                uint8_t *data, size_t len, uint64_t now_ms, size_t *ret_used,
                                struct ws_event *ret);

/**
 * Where the next bytes may be received to without being copied: behind what there is of a begun
 * message. They are payload of its open frame alone, and are presented from there, as @data of
 * ws_receiver_next().
 *
 * @least    bytes that must be here, and missing of the frame, for it to be worth it
 * @ret_room at least as many, never more than is missing
 *
 * Returns: NULL: it is not worth it, or there is no memory for it
 */
uint8_t *ws_receiver_room(struct ws_receiver *r, const struct ws_limits *l, size_t least,
                          size_t *ret_room);

/* Take over the memory of the message that was handed out last, from malloc(): its payload begins
 * at WS_DETACHED_AT. NULL: the message lies in the caller's buffer. */
void *ws_receiver_detach(struct ws_receiver *r);

/* Give back the memory of a message that was handed out last; its data is no longer valid. The next
 * call of ws_receiver_next() would do it too: for a caller who has nothing to present to it. */
static inline void ws_receiver_done(struct ws_receiver *r)
{
	if (r->begun != NULL && r->begun->opcode == 0)
		ws_receiver_fini(r);
}

/* Is a message begun and not finished? The caller keeps a deadline on completing it. */
static inline bool ws_receiver_incomplete(const struct ws_receiver *r)
{
	return r->begun != NULL && r->begun->opcode != 0;
}

/* Bytes of the message that is begun. */
static inline uint32_t ws_receiver_begun_bytes(const struct ws_receiver *r)
{
	return r->begun == NULL ? 0 : r->begun->len;
}

/* Bytes of memory borrowed now for what it holds. */
static inline uint64_t ws_receiver_held(const struct ws_receiver *r)
{
	return r->begun == NULL ? 0 : r->begun->cap;
}
