/* Timers of many connections. */
#include <stdio.h>

#include "base/macros.h"
#include "micro.h"
#include "net/wheel.h"

#define TIMERS    20000
#define HEARTBEAT 25000 /* [ms] */
#define BEFORE_IT 12800 /* timers fall due from here on */
#define FIELD     "(nexus-timer 1.4.3, BENCHMARKS.md, 100 000 pending, Core Ultra 7)"

struct timers {
	struct wheel wheel;
	struct timer *timers;
	uint32_t *order; /* a random one, as connections come and go */
	uint64_t now_ms;
};

static void shuffle(uint32_t *order, uint32_t n)
{
	uint64_t seed = 1;

	for (uint32_t i = 0; i < n; i++) {
		const uint32_t j = (uint32_t)(micro_random(&seed) % (i + 1));

		order[i] = order[j];
		order[j] = i;
	}
}

/* When the @i-th heartbeat is due: they are spread evenly. */
static uint64_t due_ms(const struct timers *t, uint32_t i)
{
	return t->now_ms + BEFORE_IT + (uint64_t)i * (HEARTBEAT - BEFORE_IT) / TIMERS;
}

static void arm_all(struct timers *t)
{
	for (uint32_t i = 0; i < TIMERS; i++)
		wheel_arm(&t->wheel, &t->timers[t->order[i]], due_ms(t, i));
}

static void disarm_all(struct timers *t)
{
	for (uint32_t i = 0; i < TIMERS; i++)
		wheel_disarm(&t->wheel, &t->timers[i]);
}

static void run_arm_disarm(void *arg, uint64_t n)
{
	struct timers *t = arg;

	while (n-- > 0) {
		arm_all(t);
		disarm_all(t);
	}
}

/* All stay armed; a run moves each to its next time. */
static void run_move(void *arg, uint64_t n)
{
	struct timers *t = arg;

	while (n-- > 0)
		arm_all(t);
}

/* Time passes in turns of one tick until all have expired; each is armed again at once. */
static void run_expire(void *arg, uint64_t n)
{
	struct timers *t = arg;

	while (n-- > 0) {
		for (uint32_t expired = 0; expired < TIMERS;) {
			struct timer *timer;

			t->now_ms += WHEEL_TICK_MS;
			wheel_advance(&t->wheel, t->now_ms);
			while ((timer = wheel_pop(&t->wheel)) != NULL) {
				wheel_arm(&t->wheel, timer, t->now_ms + HEARTBEAT);
				expired++;
			}
		}
	}
}

static void measure(struct timers *t, const char *name, micro_run run, const char *field)
{
	micro_measure(&(struct micro_case){
		.name = name,
		.run = run,
		.arg = t,
		.ops = TIMERS,
		.yardstick = micro_call,
		.field = field,
	});
}

void micro_wheel(void)
{
	static struct timers t;

	t.timers = micro_memory(TIMERS * sizeof(*t.timers));
	t.order = micro_memory(TIMERS * sizeof(*t.order));
	wheel_init(&t.wheel, t.now_ms);
	for (uint32_t i = 0; i < TIMERS; i++)
		timer_init(&t.timers[i]);
	shuffle(t.order, TIMERS);
	measure(&t, "wheel: arm and disarm", run_arm_disarm, "66 cycles, 40 and 26 " FIELD);
	measure(&t, "wheel: move", run_move, NULL);
	arm_all(&t);
	measure(&t, "wheel: expire and arm again", run_expire, "47 cycles, 7 and 40 (the same)");
	disarm_all(&t);
}
