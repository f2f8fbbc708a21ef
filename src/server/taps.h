/*
 * The taps of control sessions: begun, told line by line, ended from whichever side ends first.
 *
 * A tap is at its worker or at main, never both: see shard/tap.h. While it is at the worker, main
 * keeps it, whatever becomes of the session; when a worker has ended, all of its taps are home.
 *
 * Thread: main.
 */
#pragma once

#include "server/control.h"
#include "shard/tap.h"

/* Begin to tap @t for @c, which is answered when the worker has begun, or that it cannot be. */
void taps_begin(struct server *s, struct control *c, const struct target *t, bool with_payload)
	ON_MAIN;

/* From main's inbox: ITEM_TAP, ITEM_UNTAP, ITEM_TAPPED. */
void taps_on_begun(struct server *s, struct tap *t) ON_MAIN;
void taps_on_ended(struct server *s, struct tap *t) ON_MAIN;
void taps_on_event(struct server *s, struct tap_event *e) ON_MAIN;

/* The session is about to go. */
void taps_session_ends(struct server *s, struct control *c) ON_MAIN;

/* Worker @i has said its last word. */
void taps_worker_ended(struct server *s, uint32_t worker) ON_MAIN;
