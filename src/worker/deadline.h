/*
 * The one timer of a connection, and everything that waits on it: heartbeat, an incomplete
 * message, a peer that does not read, the end of closing.
 *
 * Activity only stores times. The timer is set to the earliest moment at which something could
 * be due, looks when it fires, and is set again; so a busy connection never touches the wheel.
 *
 * Thread: the worker that owns the connection.
 */
#pragma once

#include "worker/conn.h"

/* A deadline was added or came closer. */
void deadline_arm(struct worker *w, struct conn *c) ON_WORKER;

/* A new configuration may have brought every deadline closer: this turn's share of looking. */
void deadline_rearm_some(struct worker *w) ON_WORKER;

/* The timer fired. */
void deadline_fire(struct worker *w, struct conn *c) ON_WORKER;
