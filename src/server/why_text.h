/*
 * A record in one plain sentence, with its evidence, and one hint what to do about it.
 *
 * Thread: any; pure functions.
 */
#pragma once

#include <stdint.h>

#include "conf/conf.h"
#include "worker/deaths.h"
#include "worker/record.h"

struct why_text {
	char sentence[1024];
	char hint[512];
};

/* What a record alone does not say. */
struct why_context {
	struct deaths_sum deaths; /* over all workers, within the last hour */
	uint64_t wall_ms;         /* now, since 1970 */
	uint32_t interval_ms;     /* heartbeat.interval_s */
	char uid_name[64];        /* of the record's uid, as this machine calls it; "": unknown */
};

void why_text(const struct record *r, const struct why_context *x, struct why_text *ret);

/* Who made the first move: "peer", "server" or "network". */
const char *why_by(const struct record *r);
