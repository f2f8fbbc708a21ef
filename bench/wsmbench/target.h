/*
 * Where to connect to, and from where: ws:// URLs and ranges of local IPv4 addresses.
 *
 * Thread: any; constant once parsed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

#define TARGET_PATH_MAX 2048

struct target {
	struct net_addr addr;
	char authority[64]; /* as in the Host header */
	char path[TARGET_PATH_MAX];
	bool has_query, names_user;
};

/* "ws://127.0.0.1:8080/ws?hub=chat". Returns NULL, or what is wrong with @url. */
MUST_CHECK const char *target_parse(const char *url, struct target *ret);

/* Consecutive IPv4 addresses, all of this host; count 0: the kernel chooses. */
struct source_range {
	uint32_t first; /* host order */
	uint32_t count;
};

/* "127.0.0.1-127.0.0.8" or one address. Returns 0 or WSMD_EINVAL. */
MUST_CHECK int source_range_parse(const char *text, struct source_range *ret);

/* The @i-th address, starting again behind the last; @r has at least one. */
struct net_addr source_range_at(const struct source_range *r, uint64_t i);
