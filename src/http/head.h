/*
 * A strict, resumable parser of HTTP/1.1 heads, request and response, RFC 9112.
 *
 * Strict: what two parsers could read differently is refused (bare LF, folded lines, space
 * before a colon, several Host fields, control bytes, ...). Absolute-form targets are refused
 * too: they name a second host beside the Host field. Resumable: each byte is looked at once
 * however it arrives, and a fault is found at the first byte that decides it. Pure: no I/O, no
 * allocation; names and values are offsets into the caller's buffer, which may move between
 * calls as long as its bytes stay the same. Lookups are in http/field.h.
 *
 * Thread: any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "http/fault.h"

#define HTTP_MAX_FIELDS 100

struct http_span {
	uint32_t at, len; /* into the caller's buffer */
};

struct http_field {
	struct http_span name, value; /* value without surrounding white space */
};

enum http_kind {
	HTTP_REQUEST,
	HTTP_RESPONSE
};

/* All but @fault and @pos has a meaning only once the head is complete. */
struct http_head {
	/* request */
	struct http_span method;
	struct http_span target; /* origin-form, as sent */
	struct http_span path;   /* of the target, before '?', still percent-encoded */
	struct http_span query;  /* behind '?'; len 0: none */
	/* response */
	uint16_t status;
	/* both */
	bool chunked;            /* a body in chunks is announced */
	uint64_t content_length; /* 0: none announced */
	uint32_t n_fields;
	struct http_field fields[HTTP_MAX_FIELDS];
	uint32_t head_len; /* bytes of the head with its empty line; behind it begins the rest */
	enum http_fault fault;

	/* parser state */
	uint32_t pos; /* bytes looked at; after a fault: where the deciding byte is */
	uint8_t kind, state;
	uint8_t known, seen; /* fields with a meaning here: the current one, those so far */
};

void http_head_init(struct http_head *h, enum http_kind kind);

/**
 * Look at the bytes from where the last call stopped up to @len.
 *
 * @buf     the head from its first byte
 * @max_len largest head that is acceptable, below 4 GiB; the same in each call
 *
 * Cost:    linear in the new bytes
 * Returns: 0, complete; WSMD_ENEEDMORE; WSMD_EPROTO with h->fault (both ends are final)
 */
MUST_CHECK int http_head_parse(struct http_head *h, const char *buf, size_t len, size_t max_len);

/* Does the head announce a body? An upgrade request must not. */
static inline bool http_head_has_body(const struct http_head *h)
{
	return h->chunked || h->content_length > 0;
}
