/*
 * When the messages of a loop are sent, and from when the latency of each counts.
 *
 * Closed loop: a message is sent when there is room for it, and counts from then. Open loop
 * (--rate): message k of the run is due at start + k / rate whatever the server does, and counts
 * from there, so waiting behind a stall is seen in full. Either way the connections take turns.
 *
 * Thread: the loop that owns it; main reads it after the loop has ended.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

struct client;
struct loop;
struct report;
struct run;

struct schedule {
	uint64_t *sent_ns; /* closed loop: depth entries for each client */
	uint64_t next;     /* messages whose turn has come so far */
	uint64_t budget;   /* messages whose turn may still come; open loop: 0 behind the end */
	uint64_t sent, answered;
	uint64_t backlog_max, waiting_max, late; /* open loop */
};

/* 0 or WSMD_ENOMEM. */
MUST_CHECK int schedule_init(struct loop *l);
void schedule_fini(struct loop *l);

bool schedule_is_open_loop(const struct loop *l);

/* The time for new messages is over. Open loop: never, what was due is sent however late. */
bool schedule_is_over(const struct loop *l, uint64_t now_ns);

/*
 * Open loop: the connection of the next message that is due, taken off the schedule; it may have
 * been closed. NULL: none is due before l->wake_ns, or ever.
 */
struct client *schedule_take(struct loop *l, uint64_t now_ns);

/* Closed loop, where no connection waits for a reply of its own: whose turn it is. */
struct client *schedule_turn(struct loop *l);

/* The next message of @c leaves. */
void schedule_note_sent(struct client *c, uint64_t now_ns);

/* The oldest message of @c that was sent has come back or arrived, right in every byte. */
void schedule_note_answered(struct client *c, uint64_t now_ns);

/* Open loop, once a turn: how far the server and wsmbench are behind. */
void schedule_note_backlog(struct loop *l);

/* Open loop: how far behind. */
void schedule_tell(const struct run *r, struct report *report);
