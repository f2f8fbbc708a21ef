/*
 * Refusals in the log, a few a second in full and the rest as a number: a flood must not become
 * a flood of lines.
 *
 * Thread: the acceptor.
 */
#pragma once

#include <stdint.h>

#include "base/addr.h"
#include "stats/refusal.h"

struct refusal_log {
	uint64_t second; /* monotonic [s] */
	uint32_t lines;  /* written in it */
	uint64_t left_out;
};

/* @sentence  what the client was told; @path may be NULL. The query never reaches the log: it
 *            may hold a token */
void refusal_log_write(struct refusal_log *r, uint64_t now_ms, enum refusal why,
                       const struct net_addr *peer, const char *sentence, const char *path,
                       size_t path_len);
