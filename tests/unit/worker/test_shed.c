/* Who is let go when memory runs short: a part of what is held, from the heaviest down. */
#include "worker/shed.h"

#include <criterion/criterion.h>

#include <unistd.h>

#include "bed.h"
#include "worker/health.h"
#include "worker/leave.h"
#include "worker/output.h"
#include "ws/receiver.h"

static struct bed b;

/* Nobody reads: what the socket does not take stays here. */
static void hold(struct conn *c, uint32_t bytes) ON_WORKER;
static void hold(struct conn *c, uint32_t bytes)
{
	uint8_t *payload = calloc(1, bytes);
	struct msg *m = msg_new(WS_BINARY, payload, bytes);

	cr_assert_not_null(m);
	cr_assert_eq(output_msg(b.w, c, m), 0);
	output_flush_dirty(b.w);
	free(payload);
}

static void order(void) ON_WORKER;
static void order(void)
{
	atomic_fetch_add(&b.pressure.rounds, 1);
	do
		cr_assert(worker_turn(b.w));
	while (b.w->again);
}

static struct conn *nth(uint32_t n) ON_WORKER;
static struct conn *nth(uint32_t n)
{
	uint32_t index = 0;
	struct conn *c;

	do
		c = slab_next(&b.w->conns, &index);
	while (n-- > 0);
	return c;
}

static void finish(void) ON_WORKER;
static void finish(void)
{
	leave_begin(b.w, LEAVE_STOP);
	leave_now(b.w);
	while (worker_turn(b.w))
		;
	bed_end(&b);
}

Test(shed, nobody_goes_where_nothing_is_held)
{
	role_enter(&role_worker);
	bed_begin(&b, 1);
	bed_open(&b, 50);
	order();
	order();
	cr_assert_eq(bed_count(&b, CONN_OPEN), 50);
	finish();
}

Test(shed, who_holds_most_goes_and_the_others_stay)
{
	struct conn *big;

	role_enter(&role_worker);
	bed_begin(&b, 1);
	b.conf->limits.send_queue_bytes = 32 << 20;
	bed_open(&b, 20);
	for (uint32_t i = 0; i < 20; i++)
		hold(nth(i), 1 << 20);
	big = nth(7);
	const uint64_t handle = slab_handle_of(big);

	/* More than a quarter of everything. */
	hold(nth(7), 8 << 20);
	order();
	cr_assert_null(slab_get(&b.w->conns, handle));
	cr_assert_eq(bed_count(&b, CONN_OPEN), 19);
	cr_assert_eq(stats_get(b.stats, stat_close(CLOSE_SHED)), 1);
	/* A quarter of the rest with the next. */
	order();
	cr_assert(bed_count(&b, CONN_OPEN) <= 15 && bed_count(&b, CONN_OPEN) >= 13, "%u",
	          bed_count(&b, CONN_OPEN));
	finish();
}

Test(shed, a_sick_one_weighs_more)
{
	role_enter(&role_worker);
	bed_begin(&b, 1);
	bed_open(&b, 8);
	for (uint32_t i = 0; i < 8; i++)
		hold(nth(i), 1 << 20);
	struct conn *one = nth(3), *other = nth(6);
	const uint64_t handles[] = {slab_handle_of(one), slab_handle_of(other)};

	for (int i = 0; i < 3; i++) {
		health_on_write_late(b.w, one);
		health_on_write_late(b.w, other);
	}
	health_on_missed(b.w, one);
	health_on_missed(b.w, other);
	order();
	cr_assert_null(slab_get(&b.w->conns, handles[0]));
	cr_assert_null(slab_get(&b.w->conns, handles[1]));
	cr_assert_eq(bed_count(&b, CONN_OPEN), 6);
	finish();
}
