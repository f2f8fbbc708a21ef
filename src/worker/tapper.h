/*
 * Following the frames of a user or a connection, for an operator who debugs a client.
 *
 * A bit in each followed connection is all that the others look at; the list of taps is walked
 * for those that have it only. An event that has no place is left out and counted.
 *
 * Thread: the worker. Cost: no memory, no waiting; for each event a copy of TAP_PAYLOAD bytes at
 * most, a clock call and a push.
 */
#pragma once

#include "shard/tap.h"
#include "worker/conn.h"

/* Begin, or end, and give @t back. */
void tapper_begin(struct worker *w, struct tap *t) ON_WORKER;
void tapper_end(struct worker *w, struct tap *t) ON_WORKER;

/* @c is registered: does somebody follow its user? */
void tapper_opened(struct worker *w, struct conn *c) ON_WORKER;

/* For those that are tapped: */
COLD void tapper_heard(struct worker *w, struct conn *c, const struct ws_event *ev) ON_WORKER;
COLD void tapper_said(struct worker *w, struct conn *c, uint8_t opcode, const void *payload,
                      uint32_t len) ON_WORKER;

/* It leaves CONN_OPEN, its session is still there. @code: what it is told, 0: nothing. */
void tapper_closed(struct worker *w, struct conn *c, uint16_t code, const char *text) ON_WORKER;
