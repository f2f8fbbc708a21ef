/* Handing something to main and waiting for it. */
#include "server/call.h"

#include "base/err.h"

int call_main(struct server *s, struct call *c)
{
	int err;

	c->item.kind = ITEM_CALL;
	atomic_init(&c->is_done, 0);
	if (!gate_enter(&s->gate))
		return WSMD_ECLOSED;
	err = inbox_push(&s->inbox, &c->item);
	gate_leave(&s->gate);
	if (err < 0)
		return err;
	while (atomic_load_explicit(&c->is_done, memory_order_acquire) == 0)
		os_word_wait(&c->is_done, 0, UINT32_MAX);
	return 0;
}

void call_run(struct server *s, struct call *c)
{
	c->run(s, c);
	/* Release: with what came of it. From then on it may be gone. */
	atomic_store_explicit(&c->is_done, 1, memory_order_release);
	os_word_wake(&c->is_done);
}
