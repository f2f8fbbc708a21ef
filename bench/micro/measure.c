/* Rounds, medians, spreads, and the yardsticks that several cases use. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"
#include "micro.h"

#define MAX_ROUNDS    101
#define THREAD_ROUNDS 40 /* times as long, since threads have to be started in them */

struct micro_effort micro_effort;

struct rounds {
	clockid_t clock;
	uint64_t ns; /* of one */
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t time_ns(clockid_t clock, micro_run run, void *arg, uint64_t n)
{
	const uint64_t begin = now_ns(clock);

	run(arg, n);
	return now_ns(clock) - begin;
}

/* How often @run fits into a round; warms caches up as well. */
static uint64_t times_in_a_round(const struct rounds *r, micro_run run, void *arg)
{
	uint64_t n = 1, ns = time_ns(r->clock, run, arg, 1);

	while (ns < r->ns) {
		n = ns < r->ns / 8 ? 4 * n : n * r->ns / ns + 1;
		ns = time_ns(r->clock, run, arg, n);
	}
	return n;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct spread {
	double least, median, most; /* the quartiles on both sides of the median */
};

static struct spread spread_of(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_value);
	return (struct spread){values[n / 4], values[n / 2], values[n - 1 - n / 4]};
}

static void print(const struct micro_case *c, struct spread ns, double yard_ns, double ratio)
{
	const double bytes = (double)c->bytes;

	if (c->bytes > 0)
		printf("%-36s %7.2f GB/s (%.2f to %.2f)  %6.2f x %s %.2f GB/s\n", c->name,
		       bytes / ns.median, bytes / ns.most, bytes / ns.least, 1 / ratio,
		       c->yardstick.name, bytes / yard_ns);
	else
		printf("%-36s %7.1f ns   (%.1f to %.1f)  %6.2f x %s %.1f ns\n", c->name, ns.median,
		       ns.least, ns.most, ratio, c->yardstick.name, yard_ns);
	if (c->field)
		printf("    field: %s\n", c->field);
	fflush(stdout);
}

void micro_measure(const struct micro_case *c)
{
	const struct rounds rounds = {
		.clock = c->threads ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID,
		.ns = micro_effort.round_ns * (c->threads ? THREAD_ROUNDS : 1),
	};
	const struct micro_yardstick *y = &c->yardstick;
	const uint64_t n = times_in_a_round(&rounds, c->run, c->arg);
	const uint64_t m = times_in_a_round(&rounds, y->run, y->arg);
	const double ops = c->ops > 0 ? (double)c->ops : 1;
	double ns[MAX_ROUNDS], yard_ns[MAX_ROUNDS], ratio[MAX_ROUNDS];

	ASSERT(micro_effort.rounds <= MAX_ROUNDS);
	for (unsigned int i = 0; i < micro_effort.rounds; i++) {
		ns[i] = (double)time_ns(rounds.clock, c->run, c->arg, n) / (double)n / ops;
		yard_ns[i] = (double)time_ns(rounds.clock, y->run, y->arg, m) / (double)m;
		ratio[i] = ns[i] / yard_ns[i];
	}
	print(c, spread_of(ns, micro_effort.rounds), spread_of(yard_ns, micro_effort.rounds).median,
	      spread_of(ratio, micro_effort.rounds).median);
}

/* ---- yardsticks ---- */

static void nothing(void)
{
	__asm__ volatile("");
}

static void run_calls(void *arg, uint64_t n)
{
	void (*volatile callee)(void) = nothing;

	(void)arg;
	while (n-- > 0)
		callee();
}

static void run_atomics(void *arg, uint64_t n)
{
	static _Atomic uint64_t counter CACHE_ALIGNED;

	(void)arg;
	while (n-- > 0)
		atomic_fetch_add(&counter, 1);
}

const struct micro_yardstick micro_call = {.name = "a call", .run = run_calls};
const struct micro_yardstick micro_atomic = {.name = "an atomic", .run = run_atomics};

void micro_copy_run(void *arg, uint64_t n)
{
	const struct micro_copy *c = arg;

	while (n-- > 0) {
		memcpy(c->dst, c->src, c->len);
		micro_use((uintptr_t)c->dst);
	}
}

/* ---- inputs ---- */

void *micro_memory(uint64_t len)
{
	static void **last; /* a chain, so that what is never freed is not taken for lost */
	const uint64_t page = 4096, size = page + (len + page - 1) / page * page;
	void **const p = aligned_alloc(page, size);

	ASSERT(p != NULL);
	memset(p, 0, size);
	p[0] = last;
	last = p;
	return (uint8_t *)p + page;
}

uint64_t micro_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 8;
}
