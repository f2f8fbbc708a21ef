/* Network addresses as values: parse, print, compare. No system calls. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct net_addr {
	uint8_t ip[16]; /* IPv4 in the first four bytes */
	uint16_t port;  /* host order */
	uint8_t family; /* 4, 6, or 0 for a Unix socket or an unknown peer */
};

#define NET_ADDR_TEXT 56 /* "[...]:65535" of any address and its NUL */

/* "127.0.0.1:8080", "[::1]:8080", "localhost:8080", ":8080" or "8080" (any IPv4). 0 or WSMD_EINVAL. */
MUST_CHECK int net_addr_parse(const char *text, struct net_addr *ret);

/* Writes at most NET_ADDR_TEXT bytes with NUL and returns @buf. */
const char *net_addr_format(const struct net_addr *a, char buf[NET_ADDR_TEXT]);

bool net_addr_is_loopback(const struct net_addr *a);
