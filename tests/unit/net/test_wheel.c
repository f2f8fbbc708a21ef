/* The timer wheel against a model that knows only times: who is due, and never anyone else. */
#include "net/wheel.h"

#include <criterion/criterion.h>

#include "base/macros.h"

#define TICK    WHEEL_TICK_MS
#define SPAN_MS (UINT64_C(16) * 64 * 64 * 64 * 64)

/* xorshift: the same run for the same seed on every machine. */
static uint64_t rng_state;

static uint64_t rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

static uint64_t below(uint64_t n)
{
	return rng() % n;
}

/* All magnitudes equally often, from within the tick to far beyond the span. */
static uint64_t any_delay(void)
{
	return below(UINT64_C(1) << (1 + below(34)));
}

#define N_TIMERS 96

/* The model: the wheel's own timers plus, for each, the times that decide its fate. */
struct model {
	struct wheel wheel;
	struct timer timers[N_TIMERS];
	struct {
		bool armed, due;
		uint64_t expires_ms;
		uint64_t order; /* the tick at which it must become due */
	} want[N_TIMERS];
	uint64_t now_ms;
	uint64_t last_order; /* of the timer popped last */
	uint32_t armed, due;
	uint32_t fired;
};

static void model_init(struct model *m, uint64_t now_ms)
{
	*m = (struct model){.now_ms = now_ms};
	wheel_init(&m->wheel, now_ms);
	for (unsigned i = 0; i < N_TIMERS; i++)
		timer_init(&m->timers[i]);
}

static void model_disarm(struct model *m, unsigned i)
{
	wheel_disarm(&m->wheel, &m->timers[i]);
	m->armed -= m->want[i].armed;
	m->due -= m->want[i].due;
	m->want[i].armed = m->want[i].due = false;
}

static void model_arm(struct model *m, unsigned i, uint64_t expires_ms)
{
	const uint64_t tick = expires_ms / TICK + (expires_ms % TICK != 0);
	const uint64_t now_tick = m->now_ms / TICK;

	m->armed += !m->want[i].armed;
	m->due -= m->want[i].due;
	m->want[i].armed = true;
	m->want[i].due = false;
	m->want[i].expires_ms = expires_ms;
	m->want[i].order = tick > now_tick ? tick : now_tick;
	wheel_arm(&m->wheel, &m->timers[i], expires_ms);
}

static void model_advance(struct model *m, uint64_t now_ms)
{
	wheel_advance(&m->wheel, now_ms);
	m->now_ms = now_ms;
	for (unsigned i = 0; i < N_TIMERS; i++) {
		/* Never early; never later than the first tick that begins at or after its time. */
		if (m->want[i].armed && !m->want[i].due &&
		    m->want[i].expires_ms <= now_ms / TICK * TICK) {
			m->want[i].due = true;
			m->due++;
		}
	}
}

static bool model_pop(struct model *m)
{
	struct timer *t = wheel_pop(&m->wheel);

	if (t == NULL) {
		cr_assert_eq(m->due, 0, "%u timers are late", m->due);
		return false;
	}

	const size_t i = (size_t)(t - m->timers);

	cr_assert(m->want[i].due, "timer %zu is early", i);
	cr_assert(m->want[i].order >= m->last_order, "timer %zu is out of order", i);
	cr_assert(!timer_armed(t));
	m->last_order = m->want[i].order;
	m->want[i].armed = m->want[i].due = false;
	m->armed--;
	m->due--;
	m->fired++;
	return true;
}

static void check_sleep(const struct model *m, uint32_t max_ms)
{
	const uint64_t now_ms =
		m->now_ms + below(3 * TICK); /* it may be later than the last advance */
	const uint32_t sleep_ms = wheel_sleep_ms(&m->wheel, now_ms, max_ms);

	cr_assert(sleep_ms <= max_ms);
	for (unsigned i = 0; i < N_TIMERS; i++)
		if (m->want[i].armed)
			cr_assert(sleep_ms == 0 || now_ms + sleep_ms <= m->want[i].order * TICK,
			          "sleeps past timer %u", i);
	if (m->due > 0)
		cr_assert_eq(sleep_ms, 0);
	if (m->armed == 0)
		cr_assert_eq(sleep_ms, max_ms, "nothing to wait for");
}

/* Take some of what is due; handlers arm, disarm and even advance. */
static void pop_some(struct model *m)
{
	for (uint64_t bound = below(8); bound > 0 && model_pop(m); bound--) {
		switch (below(8)) {
		case 0:
			model_arm(m, (unsigned)below(N_TIMERS), m->now_ms + any_delay());
			break;
		case 1:
			model_arm(m, (unsigned)below(N_TIMERS), below(m->now_ms + 1));
			break;
		case 2:
			model_disarm(m, (unsigned)below(N_TIMERS));
			break;
		case 3:
			model_advance(m, m->now_ms + any_delay() / 2);
			break;
		default:
			break;
		}
	}
}

static void drain(struct model *m)
{
	while (model_pop(m))
		;
}

enum step {
	ARM,
	ARM_PAST,
	DISARM,
	CREEP,
	JUMP,
	SLEEP,
	POP_SOME,
	DRAIN
};

static const enum step mix[] = {ARM,   ARM,   ARM,   ARM,  ARM,  ARM,   ARM_PAST, DISARM,
                                CREEP, CREEP, CREEP, JUMP, JUMP, SLEEP, POP_SOME, DRAIN};

static void random_step(struct model *m)
{
	const unsigned i = (unsigned)below(N_TIMERS);

	switch (mix[below(ARRAY_LEN(mix))]) {
	case ARM:
		model_arm(m, i, m->now_ms + any_delay());
		break;
	case ARM_PAST:
		model_arm(m, i, below(m->now_ms + 2 * TICK));
		break;
	case DISARM:
		model_disarm(m, i);
		break;
	case CREEP:
		model_advance(m, m->now_ms + below(4 * TICK));
		break;
	case JUMP:
		model_advance(m, m->now_ms + any_delay());
		break;
	case SLEEP:
		check_sleep(m, (uint32_t)any_delay());
		break;
	case POP_SOME:
		pop_some(m);
		break;
	case DRAIN:
		drain(m);
		break;
	}
}

static void check_empty(struct model *m)
{
	cr_assert_eq(m->armed, 0);
	cr_assert_eq(m->wheel.armed, 0);
	cr_assert_eq(wheel_pop(&m->wheel), NULL);
	wheel_advance(&m->wheel, m->now_ms + 2 * SPAN_MS);
	cr_assert_eq(wheel_pop(&m->wheel), NULL);
	for (unsigned level = 0; level < WHEEL_LEVELS; level++)
		cr_assert_eq(m->wheel.occupied[level], 0);
}

Test(wheel, agrees_with_the_model_on_random_runs)
{
	static struct model m;
	uint64_t fired = 0;

	for (uint64_t seed = 1; seed <= 200; seed++) {
		rng_state = seed * UINT64_C(0x9e3779b97f4a7c15);
		model_init(&m, any_delay());
		for (unsigned step = 0; step < 5000; step++) {
			random_step(&m);
			cr_assert_eq(m.wheel.armed, m.armed, "seed %lu step %u",
			             (unsigned long)seed, step);
		}
		fired += m.fired;
		if (seed % 2)
			model_advance(&m, m.now_ms + 8 * SPAN_MS);
		drain(&m);
		for (unsigned i = 0; i < N_TIMERS; i++)
			model_disarm(&m, i);
		check_empty(&m);
	}
	cr_assert(fired > 100000, "only %lu timers fired: the runs are too tame",
	          (unsigned long)fired);
}

/* Follow wheel_sleep_ms() alone, as a loop does: nobody is late, and it does not wake too often. */
Test(wheel, sleeping_as_told_is_never_late)
{
	static struct model m;

	rng_state = 27;
	for (unsigned run = 0; run < 200; run++) {
		unsigned turns = 0;

		model_init(&m, any_delay());
		for (unsigned i = 0; i < N_TIMERS; i++)
			model_arm(&m, i, m.now_ms + any_delay());
		while (m.armed > 0) {
			const uint32_t sleep_ms = wheel_sleep_ms(&m.wheel, m.now_ms, UINT32_MAX);
			uint64_t first = UINT64_MAX;

			for (unsigned i = 0; i < N_TIMERS; i++)
				if (m.want[i].armed && m.want[i].order < first)
					first = m.want[i].order;
			cr_assert(m.now_ms + sleep_ms <= first * TICK);
			model_advance(&m, m.now_ms + sleep_ms);
			drain(&m);
			turns++;
		}
		/* Each timer wakes its owner at most once for each level; the span is passed 16
		 * times. */
		cr_assert(turns <= N_TIMERS * (WHEEL_LEVELS + 16), "%u turns", turns);
	}
}

/* One timer, jumped to: nothing a millisecond before its tick, the timer at its tick. */
static void jump(struct wheel *w, struct timer *t, uint64_t start, uint64_t ticks)
{
	const uint64_t at_ms = (start + ticks) * TICK;

	wheel_arm(w, t, at_ms - (start + ticks) % TICK);
	if (ticks > 0) {
		wheel_advance(w, at_ms - 1);
		if (wheel_pop(w) != NULL)
			cr_assert_fail("start %lu + %lu: early", (unsigned long)start,
			               (unsigned long)ticks);
	}
	wheel_advance(w, at_ms);
	if (wheel_pop(w) != t)
		cr_assert_fail("start %lu + %lu: late", (unsigned long)start, (unsigned long)ticks);
}

/* Every start in the first two levels × every distance to just beyond them. */
Test(wheel, every_start_and_delta_by_jumps)
{
	static struct wheel w;
	struct timer t;
	uint64_t now = 0;

	wheel_init(&w, 0);
	timer_init(&t);
	for (uint64_t delta = 0; delta <= 64 * 64 + 1; delta++) {
		for (unsigned i = 0; i < 64 * 64; i++) {
			jump(&w, &t, now, delta);
			/* The next start is one further within the two levels. */
			now += delta + (2 * 64 * 64 - delta) + 1;
			wheel_advance(&w, now * TICK);
		}
	}
	cr_assert_eq(w.armed, 0);
}

/* The same ground tick by tick, with a timer at every distance at once. */
Test(wheel, every_start_and_delta_by_ticks)
{
	static struct wheel w;
	static struct timer timers[64 * 64 + 2];

	for (uint64_t start = 0; start < 64 * 64; start += 7) {
		wheel_init(&w, start * TICK);
		for (unsigned d = 0; d < ARRAY_LEN(timers); d++) {
			timer_init(&timers[d]);
			wheel_arm(&w, &timers[d], (start + d) * TICK);
		}
		for (unsigned d = 0; d < ARRAY_LEN(timers); d++) {
			wheel_advance(&w, (start + d) * TICK);
			if (wheel_pop(&w) != &timers[d] || wheel_pop(&w) != NULL)
				cr_assert_fail("start %lu + %u", (unsigned long)start, d);
		}
		cr_assert_eq(w.armed, 0);
	}
}

Test(wheel, edges_of_levels_and_beyond_the_span)
{
	static const uint64_t edges[] = {
		0,
		1,
		63,
		64,
		65,
		64 * 64 - 1,
		64 * 64,
		64 * 64 * 64 - 1,
		64 * 64 * 64,
		63 * 64 * 64 * 64 - 1,
		63 * 64 * 64 * 64,
		64 * 64 * 64 * 64 - 1,
		64 * 64 * 64 * 64,
		64 * 64 * 64 * 64 + 1,
		UINT64_C(1) << 40,
	};
	static struct wheel w;
	struct timer t;

	for (size_t s = 0; s < ARRAY_LEN(edges); s++) {
		for (size_t d = 0; d < ARRAY_LEN(edges); d++) {
			/* A jump of 2^40 ticks looks 2^16 times at a timer that waits so long. */
			wheel_init(&w, edges[s] * TICK);
			timer_init(&t);
			jump(&w, &t, edges[s], edges[d]);
			cr_assert_eq(w.armed, 0);
		}
	}
}

Test(wheel, the_end_of_time_is_a_time)
{
	static struct wheel w;
	struct timer t;

	wheel_init(&w, 12345);
	timer_init(&t);
	wheel_arm(&w, &t, UINT64_MAX);
	wheel_advance(&w, 12345 + 20 * SPAN_MS);
	cr_assert_eq(wheel_pop(&w), NULL);
	cr_assert(timer_armed(&t));
	wheel_disarm(&w, &t);
	cr_assert_eq(w.armed, 0);
}

/* A handler that re-arms into the past must not keep its own pop loop going. */
Test(wheel, a_past_time_waits_for_the_next_advance)
{
	static struct wheel w;
	struct timer t;

	wheel_init(&w, 1000);
	timer_init(&t);
	wheel_arm(&w, &t, 0);
	cr_assert_eq(wheel_pop(&w), NULL);
	cr_assert_eq(wheel_sleep_ms(&w, 1000, 500), 0);
	wheel_advance(&w, 1000);
	cr_assert_eq(wheel_pop(&w), &t);
	wheel_arm(&w, &t, 992); /* the present tick */
	cr_assert_eq(wheel_pop(&w), NULL);
	wheel_advance(&w, 1001);
	cr_assert_eq(wheel_pop(&w), &t);
	cr_assert_eq(w.armed, 0);
}

Test(wheel, a_due_timer_can_still_be_disarmed_or_moved)
{
	static struct wheel w;
	struct timer a, b;

	wheel_init(&w, 0);
	timer_init(&a);
	timer_init(&b);
	wheel_disarm(&w, &a); /* not armed: harmless */
	wheel_arm(&w, &a, 100);
	wheel_arm(&w, &b, 100);
	wheel_advance(&w, 200);
	wheel_disarm(&w, &a);
	wheel_disarm(&w, &a);
	wheel_arm(&w, &b, 300);
	cr_assert_eq(wheel_pop(&w), NULL);
	wheel_advance(&w, 304);
	cr_assert_eq(wheel_pop(&w), &b);
	cr_assert_eq(w.armed, 0);
}

/* 292 million years in one call: it can only end if skipped ticks are free. */
Test(wheel, an_empty_wheel_jumps_any_distance, .timeout = 10)
{
	static struct wheel w;

	wheel_init(&w, 0);
	wheel_advance(&w, UINT64_MAX);
	cr_assert_eq(wheel_sleep_ms(&w, UINT64_MAX, 77), 77);
}
