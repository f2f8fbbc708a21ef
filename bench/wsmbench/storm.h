/*
 * What the two halves of a storm share: the loops that go down and come back (storm.c), and main,
 * which starts it and tells what came of it (storm_main.c).
 *
 * Thread: the loop that owns it; main reads it after the loop has ended.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "client.h"
#include "net/wheel.h"
#include "tally.h"

#define STORM_MESSAGE_BYTES 20 /* one for each connection that came back */

struct victim {
	struct timer timer; /* when it tries again */
	uint64_t down_ns;   /* since when it has no service; 0: it has */
	uint64_t up_ns;     /* of the last echo that ended an outage; 0: none yet */
	uint32_t cuts;
	uint32_t retry_ms; /* when the server wants it back; 0: it has not said so */
	bool takes_part;   /* was open when the storm began */
	bool was_refused;  /* in its last attempt */
	bool asked_later;  /* not yet open for the first time: the server has said when */
};

struct storm {
	struct victim *victims; /* one for each client */
	struct list at_once;    /* clients that come back in this turn */
	struct wheel waiting;   /* timers of the others */
	uint64_t first_down_ns; /* 0: nobody was cut yet */
	uint32_t n_victims, n_cut;
	uint64_t cut_again; /* cuts of those that had been cut before */
	uint64_t attempts, n_refused;
	struct tally cuts, refusals;
	bool has_begun;
	bool is_waiting; /* main was told that somebody waits for service, or a first time */
};

void storm_conduct(struct run *r, struct report *report);
void storm_tell(const struct run *r, struct report *report);
