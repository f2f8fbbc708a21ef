/*
 * What can go wrong in a run, by cause, and the first failure in words.
 *
 * Thread: one writer; read by others after the writer has ended.
 */
#pragma once

#include <stdint.h>

#include "base/macros.h"

/* name, key in the JSON report, text */
#define FAILURES(X)                                                                                \
	X(FAILURE_REFUSED, refused, "connection refused")                                          \
	X(FAILURE_CONNECT, connect, "could not connect")                                           \
	X(FAILURE_STATUS, status, "answered with another status than 101")                         \
	X(FAILURE_HANDSHAKE, handshake, "answer is not a WebSocket handshake")                     \
	X(FAILURE_TIMEOUT, timeout, "no answer in time while connecting or closing")               \
	X(FAILURE_LOST, lost, "connection lost without a close frame")                             \
	X(FAILURE_CLOSED, closed, "closed by the server")                                          \
	X(FAILURE_PROTOCOL, protocol, "server broke the WebSocket protocol")                       \
	X(FAILURE_CONTENT, content, "reply with other bytes than sent")                            \
	X(FAILURE_ORDER, order, "reply out of order, doubled, or one missing")                     \
	X(FAILURE_UNANSWERED, unanswered, "message without a reply, or not received, at the end")  \
	X(FAILURE_UNDELIVERED, undelivered, "not delivered, as the server told")                   \
	X(FAILURE_OUTAGE, outage, "no service again in time behind a cut, or no cut")              \
	X(FAILURE_CONTROL, control, "control socket failed or refused")                            \
	X(FAILURE_MEMORY, memory, "wsmbench ran out of memory")

enum failure {
#define X(name, key, text) name,
	FAILURES(X)
#undef X
	FAILURE_COUNT
};

const char *failure_key(enum failure f);
const char *failure_text(enum failure f);

#define FAILURE_TEXT_MAX 320

struct failures {
	uint64_t count[FAILURE_COUNT];
	char first[FAILURE_TEXT_MAX]; /* empty: none yet */
};

void failures_note(struct failures *f, enum failure cause, const char *fmt, ...) PRINTF(3, 4);
void failures_add(struct failures *f, enum failure cause, uint64_t n);
uint64_t failures_total(const struct failures *f);

/* Adds the counts; the first text is kept if @to has one. */
void failures_merge(struct failures *to, const struct failures *from);
