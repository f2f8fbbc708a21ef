/*
 * What must be true of the server at any moment between two turns, and when it is idle: a walk
 * of all its tables, compared with its counters and with the kernel's descriptors.
 */
#pragma once

void oracle_walk(void);

/* Everybody has left: nothing may be held for anybody. @sessions: control sessions that are
 * open on purpose. */
void oracle_idle(unsigned sessions);
