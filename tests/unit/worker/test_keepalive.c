/* Pings when there is no memory for them. */
#include "worker/keepalive.h"

#include <criterion/criterion.h>

#include "base/clock.h"
#include "bed.h"
#include "heap.h"

static struct bed b;

/* A timer that is due again at once would keep the worker busy until there is memory. */
Test(keepalive, without_memory_a_ping_is_tried_after_the_interval)
{
	const uint64_t interval_ms = 1000000;
	struct conn *c;

	role_enter(&role_worker);
	bed_begin(&b, 1);
	bed_open(&b, 1);
	c = bed_first(&b);
	b.w->now_ms += interval_ms;
	heap_fail_always(true);
	keepalive_check(b.w, c);
	heap_fail_always(false);
	cr_assert_not(c->ping_pending);
	cr_assert_eq(c->pings_sent, 0);
	cr_assert_eq(keepalive_due_ms(b.w, c), c->ping_us / US_PER_MS + interval_ms);

	b.w->now_ms = keepalive_due_ms(b.w, c);
	keepalive_check(b.w, c);
	cr_assert(c->ping_pending);
	cr_assert_eq(c->pings_sent, 1);
	conn_abort(b.w, c, CLOSE_STOP);
	conn_reap(b.w);
	bed_end(&b);
}
