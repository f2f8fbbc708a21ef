/*
 * How a connection is doing: a score from 0 to 100, and the pongs that were missed in a row.
 *
 *     event                                          score
 *     a pong that matches its ping                     +10
 *     any other frame                                   +2
 *     a pong is missed                                 -25  and it is a suspect
 *     a ping could not be written                      -25
 *     its write deadline passed, half its queue full   -10
 *
 * Healthy is who has more than 50, a suspect who has missed a pong and was not heard from since.
 * At 0 a connection is dead; keepalive.c says so and closes it. The sickest are the first to go
 * when somebody must: see sickest.h.
 *
 * Every change is counted at once, in the statistics and in worker.ranks, so that both always
 * agree with a walk over the open connections.
 *
 * Thread: the worker that owns the connection. The connection is open.
 */
#pragma once

#include "worker/conn.h"

#define HEALTH_BEST    100
#define HEALTH_HEALTHY 51 /* from here on */
#define HEALTH_MISSED  25 /* points that a missed pong costs */

/* It opens, and it is no longer open. */
void health_begin(struct worker *w, struct conn *c) ON_WORKER;
void health_end(struct worker *w, struct conn *c) ON_WORKER;

/* The events of the table. */
void health_on_pong(struct worker *w, struct conn *c) ON_WORKER;
void health_raise(struct worker *w, struct conn *c) ON_WORKER; /* by a frame, see below */
void health_on_missed(struct worker *w, struct conn *c) ON_WORKER;
void health_on_unwritten(struct worker *w, struct conn *c) ON_WORKER;
void health_on_write_late(struct worker *w, struct conn *c) ON_WORKER;

/* A suspect was heard from: he is none any longer. */
void health_resurrect(struct worker *w, struct conn *c) ON_WORKER;

/* A frame arrived. Inline, because for a healthy peer it is one comparison. */
static inline void health_on_frame(struct worker *w, struct conn *c) ON_WORKER;
static inline void health_on_frame(struct worker *w, struct conn *c)
{
	if (UNLIKELY(c->score < HEALTH_BEST))
		health_raise(w, c);
}

static inline bool health_is_good(const struct conn *c)
{
	return c->score >= HEALTH_HEALTHY;
}

static inline bool health_is_suspect(const struct conn *c)
{
	return c->missed > 0;
}

/* 0: the sickest, a suspect; then one rank for each ten points; the last has all of them. */
static inline unsigned health_rank(const struct conn *c)
{
	return health_is_suspect(c) ? 0 : 1u + c->score / 10u;
}
