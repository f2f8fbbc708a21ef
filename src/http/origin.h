/*
 * Origins, RFC 6454: scheme, host and port. Two are the same if all three are; nothing else is
 * looked at, no suffix and no prefix of a host.
 *
 * Thread: any; pure. What is parsed points into the text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct http_origin {
	const char *scheme, *host; /* as sent; an IPv6 address with its brackets */
	uint32_t scheme_len, host_len;
	uint32_t port; /* that of the scheme, if none was sent; 0: it has none */
};

/* "https://app.example.com", "http://[::1]:8080". False: that is no origin; "null" is none. */
MUST_CHECK bool http_origin_parse(const char *text, size_t len, struct http_origin *ret);

/* The origin that pages of @scheme have at the host and port that a Host field names. */
MUST_CHECK bool http_origin_of_host(const char *scheme, const char *host, size_t len,
                                    struct http_origin *ret);

bool http_origin_same(const struct http_origin *a, const struct http_origin *b);

/* Is its host this machine by name or address? */
bool http_origin_is_loopback(const struct http_origin *o);
