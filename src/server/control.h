/*
 * Sessions on the control socket: lines in, commands, lines out. The protocol is
 * include/wsmd/ctl.h.
 *
 * Thread: main.
 */
#pragma once

#include <jansson.h>

#include "server/answers.h"
#include "server/server.h"
#include "shard/request.h"

struct control {
	struct slab_head head;
	int fd;
	uint32_t uid; /* of the process at the other end */
	uint32_t interest;
	struct answers answers;
	struct answer *current; /* which the next control_reply() or control_fail() is */
	json_t *held;     /* a command that waits for all answers before its own; NULL: none */
	bool busy;        /* a command is alone, or streams: the next line waits */
	bool answered;    /* in this turn: see control_settle_answered() */
	bool hung_up;     /* its peer says no more: it ends when all is answered */
	bool too_long;    /* its last line never ends: nothing behind it is read */
	bool ending;      /* no more is read; closed when the output is written */
	uint64_t used_ms; /* when something last came or was answered, monotonic [ms] */
	char *in, *out;
	size_t in_len, in_cap, out_len, out_at;
};

void control_init(struct server *s) ON_MAIN;
void control_fini(struct server *s) ON_MAIN; /* closes every session */

/* Let somebody in; when all places are taken, in the place of who has been idle longest. */
void control_accept(struct server *s) ON_MAIN;

/* Now and then: watch the control socket again after descriptors ran out. */
void control_wake(struct server *s) ON_MAIN;
void control_on_event(struct server *s, const struct os_event *ev) ON_MAIN;

/* Write what waits, and the answers that may leave. */
void control_send_ready(struct control *c);

/* One more line of a command that streams; consumed. False: it was left out, because the session
 * does not read, or without memory. */
MUST_CHECK bool control_stream(struct server *s, struct control *c, json_t *line) ON_MAIN;

/* The last one, whether there is room or not: the session ends behind it. */
void control_finish(struct server *s, struct control *c, json_t *line) ON_MAIN;

/* After writing to @c from outside of its own commands: watch, go on, or end it. */
void control_settle(struct server *s, struct control *c) ON_MAIN;

/* A worker has answered. What is ready leaves with control_settle_answered(), when all workers'
 * answers of a turn are in. */
void control_on_answer(struct server *s, struct request *r) ON_MAIN;
void control_settle_answered(struct server *s) ON_MAIN;

/* Answer the line that is being worked on; exactly one of these for each. @result is consumed. */
void control_reply(struct server *s, struct control *c, json_t *result) ON_MAIN;

/* @hint may be NULL; @extra, consumed, adds its members to the error; NULL: none */
void control_fail(struct server *s, struct control *c, const char *code, const char *message,
                  const char *hint, json_t *extra) ON_MAIN;
