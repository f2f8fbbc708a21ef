/* Swap, tell, wait, free. */
#include "conf/cell.h"

void conf_cell_publish(struct conf_cell *cell, struct conf *next)
{
	struct conf *last = rcu_swap(&cell->now, next);

	/* Release: whoever sees the number sees the pointer. Only main writes it. */
	atomic_fetch_add_explicit(&cell->generation, 1, memory_order_release);
	if (last == NULL)
		return;
	rcu_wait();
	conf_free(last);
}
