/*
 * A strict, resumable parser of HTTP/1.1 heads, request and response, RFC 9112.
 *
 * Strict: what two parsers could read differently is refused (bare LF, folded lines, space
 * before a colon, several Host fields, control bytes, ...). Resumable: each byte is looked at
 * once however it arrives. Pure: no I/O, no allocation; names and values are offsets into the
 * caller's buffer, which may move between calls as long as its bytes stay the same.
 *
 * Thread: any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define HTTP_MAX_FIELDS 100

struct http_span {
	uint32_t at, len; /* into the caller's buffer */
};

struct http_field {
	struct http_span name, value; /* value without surrounding white space */
};

/* Why a head was refused: one sentence for the body of the answer, and its status. */
#define HTTP_FAULTS(X)                                                                             \
	X(HTTP_OK, 200, "")                                                                        \
	X(HTTP_BAD_REQUEST_LINE, 400, "The request line is not METHOD SP TARGET SP HTTP/1.1.")     \
	/* ... the implementer completes the list, one row for each distinguishable fault ... */   \
	X(HTTP_HEAD_TOO_LARGE, 431, "The request head is larger than limits.max_request_head_bytes.")

enum http_fault {
#define X(name, status, text) name,
	HTTP_FAULTS(X)
#undef X
		HTTP_FAULT_COUNT
};

enum http_kind { HTTP_REQUEST, HTTP_RESPONSE };

struct http_head {
	/* request */
	struct http_span method;
	struct http_span target; /* origin-form, as sent */
	struct http_span path;   /* of the target, before '?', still percent-encoded */
	struct http_span query;  /* behind '?'; len 0: none */
	/* response */
	uint16_t status;
	/* both */
	uint32_t n_fields;
	struct http_field fields[HTTP_MAX_FIELDS];
	uint32_t head_len; /* once complete: bytes of the head with its empty line */
	enum http_fault fault;

	/* parser state */
	uint8_t kind, state;
	uint32_t pos, mark;
};

void http_head_init(struct http_head *h, enum http_kind kind);

/**
 * Look at the bytes from where the last call stopped up to @len.
 *
 * @buf     the head from its first byte
 * @max_len largest head that is acceptable
 *
 * Returns: 0, complete; WSMD_ENEEDMORE; WSMD_EPROTO with h->fault (final)
 */
MUST_CHECK int http_head_parse(struct http_head *h, const char *buf, size_t len, size_t max_len);

uint16_t http_fault_status(enum http_fault fault);
const char *http_fault_text(enum http_fault fault);
const char *http_status_text(uint16_t status); /* "Bad Request"; "Unknown" for others */

/* Number of fields called @name (lower case); *@ret_first is the first of them, if any. */
uint32_t http_head_find(const struct http_head *h, const char *buf, const char *name,
			struct http_span *ret_first);

/* Is @token (lower case) a member of the comma-separated lists of all fields called @name? */
bool http_head_has_token(const struct http_head *h, const char *buf, const char *name,
			 const char *token);

bool http_span_equals(const char *buf, struct http_span s, const char *text); /* exact */

/**
 * Percent-decode @s into @dst exactly once, with a NUL behind it. '+' stays a plus in a path and
 * becomes a space in a query (@plus_is_space).
 *
 * Returns: decoded length, or WSMD_EINVAL: broken %xx, a NUL byte, or @cap too small
 */
MUST_CHECK long http_decode(const char *buf, struct http_span s, bool plus_is_space, char *dst,
			    size_t cap);

/* Value of the first @name in a query string, still encoded. False: not there. */
bool http_query_get(const char *buf, struct http_span query, const char *name,
		    struct http_span *ret);
