/*
 * Where the keys are published that tokens are checked with, and how a thread gets hold of them.
 *
 * Checking a signature may take milliseconds, which is too long for a read section: a reader holds
 * the ring itself, and lets it go when it has seen another one.
 *
 * Thread: key_cell_publish() main; the rest any.
 */
#pragma once

#include <stdatomic.h>

#include "auth/keyring.h"

struct key_cell {
	_Atomic(struct keyring *) now; /* NULL: none */
	_Atomic uint64_t generation;   /* grows with each publication */
};

/* Replace. The cell takes over the caller's hold on @next; NULL empties it. Never inside a read
 * section. */
void key_cell_publish(struct key_cell *cell, struct keyring *next);

/* If something was published since @seen: let go of *@held and hold what is there now, or NULL.
 * Costs one look at a number otherwise. */
void key_cell_refresh(struct key_cell *cell, uint64_t *seen, struct keyring **held);
