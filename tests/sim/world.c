/* Chance from a keyed counter, time from a heap of things to come. */
#include "world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/siphash.h"
#include "heap.h"

struct world world;

static struct siphash_key key;
static uint64_t drawn;

struct entry {
	uint64_t when_us, order;
	void (*fn)(void *arg, uint64_t n);
	void *arg;
	uint64_t n;
};

static struct entry *agenda;
static size_t agenda_len, agenda_cap;

void world_begin(uint64_t seed, bool trace)
{
	world = (struct world){.seed = seed, .trace = trace, .hash = seed};
	key = (struct siphash_key){seed, 0x77736d64};
	drawn = 0;
	agenda_len = 0;
	heap_begin();
	/* Past 2^31 ms in some worlds, past 2^32 in others: counters must not mind. */
	world.now_us = (1 + chance_below(3)) * ((1ull << 31) - 5000) * US_PER_MS;
	world.wall_us = 1767225600ull * US_PER_S;
}

void world_end(void)
{
	free(agenda);
	agenda = NULL;
	agenda_len = agenda_cap = 0;
}

void world_disturb(uint64_t until_us)
{
	if (until_us > world.disturbed_us)
		world.disturbed_us = until_us;
}

void world_freeze(void)
{
	if (world.freeze_us == 0)
		return;
	TRACE("the world stands still for %" PRIu64 " us", world.freeze_us);
	world.now_us += world.freeze_us;
	world.freeze_us = 0;
	world_disturb(world.now_us + 1);
}

/* ---- chance ---- */

uint64_t chance_next(void)
{
	drawn++;
	return siphash(&key, &drawn, sizeof(drawn));
}

uint64_t chance_below(uint64_t n)
{
	return n == 0 ? 0 : chance_next() % n;
}

uint64_t chance_between(uint64_t least, uint64_t most)
{
	return least + chance_below(most - least + 1);
}

bool chance(uint32_t per_mille)
{
	return per_mille > 0 && chance_below(1000) < per_mille;
}

/* ---- time ---- */

static bool before(const struct entry *a, const struct entry *b)
{
	return a->when_us != b->when_us ? a->when_us < b->when_us : a->order < b->order;
}

static void swap(size_t i, size_t j)
{
	const struct entry t = agenda[i];

	agenda[i] = agenda[j];
	agenda[j] = t;
}

void agenda_at(uint64_t when_us, void (*fn)(void *arg, uint64_t n), void *arg, uint64_t n)
{
	if (agenda_len == agenda_cap) {
		agenda_cap = agenda_cap == 0 ? 1024 : 2 * agenda_cap;
		agenda = sim_grow(agenda, agenda_cap * sizeof(*agenda));
	}
	agenda[agenda_len] = (struct entry){when_us, chance_next(), fn, arg, n};
	for (size_t i = agenda_len++; i > 0 && before(&agenda[i], &agenda[(i - 1) / 2]);
	     i = (i - 1) / 2)
		swap(i, (i - 1) / 2);
}

uint64_t agenda_next_us(void)
{
	return agenda_len == 0 ? UINT64_MAX : agenda[0].when_us;
}

void agenda_run_one(void)
{
	const struct entry first = agenda[0];
	size_t i = 0;

	agenda[0] = agenda[--agenda_len];
	for (;;) {
		size_t least = i;

		for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++)
			if (child < agenda_len && before(&agenda[child], &agenda[least]))
				least = child;
		if (least == i)
			break;
		swap(i, least);
		i = least;
	}
	first.fn(first.arg, first.n);
}

/* ---- what happened ---- */

void world_mix(uint64_t what)
{
	world.hash = (world.hash ^ what) * 0x9e3779b97f4a7c15ull;
	world.hash ^= world.hash >> 29;
}

void world_mix_bytes(const void *bytes, size_t len)
{
	static const struct siphash_key fixed = {1, 2};

	world_mix(siphash(&fixed, bytes, len));
}

static void print(const char *fmt, va_list args) PRINTF(1, 0);
static void print(const char *fmt, va_list args)
{
	printf("%" PRIu64 ".%06" PRIu64 " ", world.now_us / US_PER_S, world.now_us % US_PER_S);
	vprintf(fmt, args);
	putchar('\n');
}

void world_trace(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print(fmt, args);
	va_end(args);
}

void world_fail(const char *fmt, ...)
{
	va_list args;

	printf("FAILED: seed %" PRIu64 ": at ", world.seed);
	va_start(args, fmt);
	print(fmt, args);
	va_end(args);
	fflush(stdout);
	_exit(1);
}

/* ---- memory ---- */

void *sim_grow(void *p, size_t bytes)
{
	p = heap_real_realloc(p, bytes);
	if (p == NULL)
		abort();
	return p;
}

void *sim_alloc(size_t bytes)
{
	void *p = sim_grow(NULL, bytes);

	memset(p, 0, bytes);
	return p;
}
