/* Swap, tell, wait, let go. */
#include "auth/key_cell.h"

#include "base/rcu.h"

void key_cell_publish(struct key_cell *cell, struct keyring *next)
{
	struct keyring *last = rcu_swap(&cell->now, next);

	/* Release: whoever sees the number sees the pointer. Only main writes it. */
	atomic_fetch_add_explicit(&cell->generation, 1, memory_order_release);
	if (last == NULL)
		return;
	rcu_wait(); /* who has seen it holds it now */
	keyring_release(last);
}

void key_cell_refresh(struct key_cell *cell, uint64_t *seen, struct keyring **held)
{
	/* Acquire: pairs with the publisher's release, so the new pointer is visible too. */
	const uint64_t generation = atomic_load_explicit(&cell->generation, memory_order_acquire);
	struct keyring *now;

	if (generation == *seen)
		return;
	*seen = generation;
	rcu_enter();
	now = rcu_load(&cell->now);
	if (now != NULL)
		keyring_hold(now);
	rcu_leave();
	keyring_release(*held);
	*held = now;
}
