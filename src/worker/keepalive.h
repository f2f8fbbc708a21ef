/*
 * Is the peer still there? Pings, pongs, and the verdict.
 *
 * A connection that was heard from within the interval is not pinged, unless all that was heard
 * is the pong to the ping before. Pings are spread evenly over time, at moments that a hash of
 * the connection chooses, so that a crowd that arrived together is not pinged together. One ping
 * is outstanding at most; its payload is a nonce, and only the pong that brings it back counts as
 * an answer, while any byte counts as life.
 *
 *              ping, pong in time             a pong is missed        heard nothing for
 *      .-----------------------------.      ----------------->       timeout x grace
 *      '-> healthy ------------------'               suspect -----------------------> dead
 *                  <------------------------------- pinged again
 *                     resurrection: any byte        at once
 *
 * What ends a connection is silence for timeout x grace, with heartbeat.missed_limit pings
 * unanswered. The time to wait for a pong, that adapts to round trips, decides who is a suspect.
 *
 * Thread: the worker that owns the connection.
 */
#pragma once

#include "shard/request.h"
#include "worker/conn.h"

/* When there is something to do next, monotonic [ms]. */
uint64_t keepalive_due_ms(const struct worker *w, const struct conn *c) ON_WORKER;

/* Do what is due: ping, count a missed pong, close the dead. */
void keepalive_check(struct worker *w, struct conn *c) ON_WORKER;

/* Give a connection an interval and a timeout of its own, or take them away. *@h becomes what is
 * in force, or with WSMD_EINVAL what would be: the timeout would not be greater. WSMD_ENOMEM:
 * nothing is changed. */
MUST_CHECK int keepalive_override(struct worker *w, struct conn *c, struct heartbeat *h) ON_WORKER;
void keepalive_times(const struct worker *w, const struct conn *c, struct heartbeat *ret) ON_WORKER;

/* Bytes came, or the peer acknowledged some of ours. */
void keepalive_heard(struct worker *w, struct conn *c) ON_WORKER;

void keepalive_on_pong(struct worker *w, struct conn *c, const uint8_t *payload, size_t len)
	ON_WORKER;

/* The connection ends: nobody waits for its pong any longer. */
void keepalive_on_close(struct worker *w, struct conn *c) ON_WORKER;

/* Ping now, unless a ping is outstanding. */
void keepalive_probe(struct worker *w, struct conn *c) ON_WORKER;

/* REQUEST_PING: ping now, or join the ping that is outstanding; answered later. */
void keepalive_ping_for(struct worker *w, struct conn *c, struct request *r) ON_WORKER;

/* Answer the requests whose deadline has passed. Cheap when nobody waits. */
void keepalive_expire_requests(struct worker *w) ON_WORKER;
