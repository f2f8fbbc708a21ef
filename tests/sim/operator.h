/*
 * The operator: sessions on the control socket that send, kick, ping, list and ask, one command
 * after the other, and now and then hang up in the middle of one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

void operators_begin(uint32_t n_sessions);
void operators_end(void);

/* No new commands. False from operators_idle() as long as one waits for its answer. */
void operators_quiet(void);
bool operators_idle(void);

/* Close every session. */
void operators_leave(void);

/* False: no session is free for it. */
bool operator_drain(void);
