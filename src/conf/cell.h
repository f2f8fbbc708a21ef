/*
 * Where the current configuration is published, and how a thread notices a new one.
 *
 * Readers compare a number once per loop turn and, when it changed, copy what they need inside
 * a read section. So a value takes hold at a named moment and no turn sees half a reload.
 *
 * Thread: conf_cell_publish() main; the rest any.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/rcu.h"
#include "conf/conf.h"

struct conf_cell {
	_Atomic(struct conf *) now;
	_Atomic uint64_t generation; /* grows with each publication; 0: nothing yet */
};

/* Replace; the last one is freed after a grace period. The cell owns @next; NULL empties it.
 * Never inside a read section. */
void conf_cell_publish(struct conf_cell *cell, struct conf *next);

/* Was something published since @seen? @seen is brought up to date. */
static inline bool conf_cell_changed(struct conf_cell *cell, uint64_t *seen)
{
	/* Acquire: pairs with the publisher's release, so the new pointer is visible too. */
	const uint64_t now = atomic_load_explicit(&cell->generation, memory_order_acquire);

	if (now == *seen)
		return false;
	*seen = now;
	return true;
}

/* Between rcu_enter() and rcu_leave() only. */
static inline const struct conf *conf_cell_read(struct conf_cell *cell)
{
	return rcu_load(&cell->now);
}
