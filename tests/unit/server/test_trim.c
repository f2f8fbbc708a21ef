/* When memory is asked back: after a peak, and in vain ever more rarely. */
#include "server/trim.h"

#include <criterion/criterion.h>

#define LOOK_MS 50
#define MIB     (UINT64_C(1) << 20)

/* A process that uses some memory, of which the allocator gives back what is kept. */
static struct {
	struct trim trim;
	uint64_t now_ms, used, kept, conns;
	uint32_t times;
} p;

static void begin(void)
{
	p.trim = (struct trim){0};
	p.now_ms = 1000000;
	p.used = 100 * MIB;
	p.kept = 0;
	p.conns = 1000;
	p.times = 0;
}

static void live(uint64_t ms)
{
	for (const uint64_t until = p.now_ms + ms; p.now_ms < until; p.now_ms += LOOK_MS) {
		const uint64_t before = p.used + p.kept;

		if (!trim_is_due(&p.trim, p.now_ms, before, p.conns))
			continue;
		p.kept = 0;
		p.times++;
		trim_done(&p.trim, p.now_ms, before, p.used, p.conns);
	}
}

Test(trim, a_quiet_process_is_asked_ever_more_rarely)
{
	begin();
	live(60 * 60 * 1000);
	cr_assert_leq(p.times, 14, "%u", p.times);
	p.times = 0;
	live(60 * 60 * 1000);
	cr_assert_eq(p.times, 60 * 60 * 1000 / TRIM_MOST_MS);
}

Test(trim, a_peak_goes_when_it_is_over)
{
	begin();
	live(60 * 60 * 1000);
	p.times = 0;
	for (int i = 0; i < 10; i++) { /* it rises */
		p.used += 100 * MIB;
		live(1000);
	}
	cr_assert_eq(p.times, 0, "nobody is disturbed now");
	p.kept = p.used - 100 * MIB;
	p.used = 100 * MIB;
	live(TRIM_CALM_MS);
	cr_assert_eq(p.kept, 0);
	live(60000);
	cr_assert_leq(p.times, 6);
}

/* What peers hold and give up later is given back without any growth before. */
Test(trim, what_was_held_for_long_goes_within_the_wait)
{
	begin();
	p.used = 1000 * MIB;
	live(60 * 60 * 1000);
	p.kept = 900 * MIB;
	p.used = 100 * MIB;
	live(TRIM_MOST_MS + LOOK_MS);
	cr_assert_eq(p.kept, 0);
}

Test(trim, connections_that_leave_take_their_memory_along)
{
	begin();
	live(60 * 60 * 1000);
	p.conns = 10;
	p.kept = 90 * MIB;
	p.used = 10 * MIB;
	live(2 * LOOK_MS);
	cr_assert_eq(p.kept, 0);
}
