/*
 * Is the peer still there? Pings, pongs, and the verdict.
 *
 * A connection that was heard from within the interval is not pinged. The first ping comes
 * after a part of the interval that differs from connection to connection, so that a crowd
 * that arrived together is not pinged together. One ping is outstanding at most; its payload
 * is a nonce, and only the pong that brings it back counts as an answer, while any byte counts
 * as life.
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

void keepalive_on_pong(struct worker *w, struct conn *c, const uint8_t *payload, size_t len)
	ON_WORKER;

/* The connection ends: nobody waits for its pong any longer. */
void keepalive_on_close(struct worker *w, struct conn *c) ON_WORKER;

/* REQUEST_PING: ping now, or join the ping that is outstanding; answered later. */
void keepalive_ping_for(struct worker *w, struct conn *c, struct request *r) ON_WORKER;

/* Answer the requests whose deadline has passed. Cheap when nobody waits. */
void keepalive_expire_requests(struct worker *w) ON_WORKER;
