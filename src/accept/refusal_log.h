/*
 * Refusals in the log, a few a second in full and the rest as a number: a flood must not become
 * a flood of lines.
 *
 * Thread: the acceptor.
 */
#pragma once

#include <stdint.h>

#include "admit/half_open.h"
#include "stats/refusal.h"

struct refusal_log {
	uint64_t second; /* monotonic [s] */
	uint32_t lines;  /* written in it */
	uint64_t left_out;
};

/**
 * The query never reaches the log: it may hold a token.
 *
 * @h         not answered yet
 * @status    what the client is told; 0: nothing
 * @sentence  the same in words
 */
void refusal_log_write(struct refusal_log *r, uint64_t now_ms, const struct half_open *h,
                       enum refusal why, uint16_t status, const char *sentence);
