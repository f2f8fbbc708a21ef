/*
 * Why did connections end? A worker's part of the answer: its records of those that are meant,
 * live ones first, then the ended from the newest on; and what the deaths of the last hour say.
 *
 * One request looks at a bounded number of records; it is asked again from where it came to.
 *
 * Thread: struct why goes with its request; why_serve() the worker.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/role.h"
#include "worker/close_text.h"
#include "worker/deaths.h"
#include "worker/record.h"

struct request;
struct worker;

#define WHY_BYTES (64 * 1024)

struct why {
	struct why *after; /* the asker's: the next answer */
	/* the question, beside the request's target */
	uint32_t worker;           /* who is asked */
	bool search;               /* otherwise only for sums */
	bool any;                  /* the target may be here; otherwise only the id counts */
	char id[RECORDER_ID_TEXT]; /* or of this recorder id; "": none */
	uint32_t wanted;           /* records of ended connections */
	uint64_t from;             /* place to go on from; RECORD_NOWHERE: from the live ones on */

	/* the answer */
	uint64_t next; /* the place to ask on from; RECORD_NOWHERE: that was all */
	struct deaths_sum deaths;
	uint64_t held, oldest_wall_ms; /* ended connections that are remembered; the first's end */
	uint32_t n_ended;
	uint32_t used; /* of bytes: records, one behind the other */
	char bytes[WHY_BYTES] __attribute__((aligned(8)));
};

/* REQUEST_WHY. */
void why_serve(struct worker *w, struct request *r) ON_WORKER;
