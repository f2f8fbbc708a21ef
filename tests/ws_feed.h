/*
 * Feeds a receiver the way a connection does, keeping its tail between reads, and writes down
 * every event as a line of text: what a test compares.
 */
#pragma once

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/siphash.h"
#include "ws/receiver.h"

struct ws_feed {
	struct ws_receiver receiver;
	struct ws_limits limits;
	enum ws_role role;
	uint64_t now_ms;
	uint8_t tail[WS_MAX_TAIL];
	size_t tail_len;
	char *trace; /* NUL-terminated */
	size_t trace_len, trace_cap;
	unsigned int n_failed; /* calls that said WSMD_ENOMEM; each is made once more */
	size_t fed;            /* bytes of the stream consumed before this read */
	int64_t guilty;        /* place of a violation in the stream; -1: none */
};

static inline void ws_feed_init(struct ws_feed *f, enum ws_role role, const struct ws_limits *l)
{
	*f = (struct ws_feed){.role = role, .limits = *l, .guilty = -1};
	f->trace_cap = 256;
	f->trace = calloc(1, f->trace_cap);
	ASSERT(f->trace);
	ws_receiver_init(&f->receiver, l, 0);
}

static inline void ws_feed_fini(struct ws_feed *f)
{
	ws_receiver_fini(&f->receiver);
	free(f->trace);
}

static inline void ws_feed_note(struct ws_feed *f, const char *line)
{
	const size_t n = strlen(line);
	char *grown;

	if (f->trace_len + n + 1 > f->trace_cap) {
		/* not realloc(): tests make that one fail */
		grown = malloc(2 * (f->trace_cap + n));
		ASSERT(grown);
		memcpy(grown, f->trace, f->trace_len);
		free(f->trace);
		f->trace = grown;
		f->trace_cap = 2 * (f->trace_cap + n);
	}
	memcpy(f->trace + f->trace_len, line, n + 1);
	f->trace_len += n;
}

/* Short payload as it is, odd bytes as %xx; longer payload as length and hash. */
static inline const char *ws_feed_payload(const struct ws_event *e, char buf[64])
{
	const struct siphash_key key = {1, 2};
	char *at = buf;

	if (e->len > 20) {
		snprintf(buf, 64, "%zu bytes %016llx", e->len,
		         (unsigned long long)siphash(&key, e->data, e->len));
		return buf;
	}
	*at = '\0';
	for (size_t i = 0; i < e->len; i++)
		at += snprintf(at, 4, isprint(e->data[i]) ? "%c" : "%%%02x", e->data[i]);
	return buf;
}

static inline void ws_feed_event(struct ws_feed *f, const struct ws_event *e)
{
	char line[160], buf[64];

	switch (e->type) {
	case WS_EVENT_MESSAGE:
		ASSERT(e->opcode == WS_TEXT || e->opcode == WS_BINARY);
		snprintf(line, sizeof(line), "%s(%s) ", e->opcode == WS_TEXT ? "text" : "binary",
		         ws_feed_payload(e, buf));
		break;
	case WS_EVENT_PING:
	case WS_EVENT_PONG:
		snprintf(line, sizeof(line), "%s(%s) ", e->type == WS_EVENT_PING ? "ping" : "pong",
		         ws_feed_payload(e, buf));
		break;
	case WS_EVENT_CLOSE:
		snprintf(line, sizeof(line), "close(%u %s) ", e->close_code,
		         ws_feed_payload(e, buf));
		break;
	case WS_EVENT_VIOLATION:
		ASSERT(e->len == 0 || e->rule == WS_RULE_MESSAGE_SIZE);
		snprintf(line, sizeof(line), "!%s ", ws_rule_name(e->rule));
		break;
	}
	ws_feed_note(f, line);
}

/* What must hold whenever the receiver waits for more. */
static inline void ws_feed_check(const struct ws_feed *f, size_t left)
{
	const struct ws_receiver *r = &f->receiver;

	ASSERT(left <= WS_MAX_TAIL);
	ASSERT(ws_receiver_incomplete(r) || r->begun == NULL);
	if (r->begun != NULL) {
		ASSERT(r->begun->len <= f->limits.max_message_bytes);
		ASSERT(r->begun->cap <= 4 * (uint64_t)r->begun->len);
	}
	ASSERT(!r->ended || left == 0);
}

/* Returns: the bytes of @data that are not to be presented again. */
static inline size_t ws_feed_consume(struct ws_feed *f, uint8_t *data, size_t total)
{
	struct ws_event e;
	size_t at = 0, used;
	int rc;

	do {
		rc = ws_receiver_next(&f->receiver, &f->limits, f->role, data + at, total - at,
		                      f->now_ms, &used, &e);
		ASSERT(used <= total - at);
		if (rc == 0 && e.type == WS_EVENT_VIOLATION)
			f->guilty = (int64_t)(f->fed + at) + e.at;
		at += used;
		if (rc == WSMD_ENOMEM) {
			f->n_failed++;
		} else if (rc == 0) {
			ASSERT(used > 0);
			ws_feed_event(f, &e);
		}
	} while (rc != WSMD_ENEEDMORE);
	ws_feed_check(f, total - at);
	f->fed += at;
	return at;
}

/* One read of @len bytes. */
static inline void ws_feed_bytes(struct ws_feed *f, const uint8_t *bytes, size_t len)
{
	const size_t total = f->tail_len + len;
	uint8_t *data = malloc(total ? total : 1); /* exactly: a sanitizer guards its end */
	size_t used;

	ASSERT(data);
	memcpy(data, f->tail, f->tail_len);
	if (len > 0)
		memcpy(data + f->tail_len, bytes, len);
	used = ws_feed_consume(f, data, total);
	f->tail_len = total - used;
	memcpy(f->tail, data + used, f->tail_len);
	free(data);
}

/* One read of at most @len bytes to where a message is assembled, if it has room for @least.
 * Returns: how many */
static inline size_t ws_feed_direct(struct ws_feed *f, const uint8_t *bytes, size_t len,
                                    size_t least)
{
	size_t room, n;
	uint8_t *const to = ws_receiver_room(&f->receiver, &f->limits, least, &room);

	if (to == NULL)
		return 0;
	ASSERT(f->tail_len == 0 && room >= least);
	n = len < room ? len : room;
	memcpy(to, bytes, n);
	ASSERT(ws_feed_consume(f, to, n) == n);
	return n;
}
