/* Network addresses as values: parse and print them. No system calls, no name lookups. */
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

/**
 * "127.0.0.1:8080", "[::1]:8080", "localhost:8080" (IPv4), ":8080" or "8080" (any IPv4 address).
 *
 * Returns: 0 or WSMD_EINVAL
 */
MUST_CHECK int net_addr_parse(const char *text, struct net_addr *ret);

/* Writes at most NET_ADDR_TEXT bytes with NUL and returns @buf. */
const char *net_addr_format(const struct net_addr *a, char buf[NET_ADDR_TEXT]);

/* 127.0.0.0/8, also as IPv6 sees it (::ffff:127.0.0.1), and ::1. A Unix socket is not. */
bool net_addr_is_loopback(const struct net_addr *a);
