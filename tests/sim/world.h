/*
 * The simulated world: chance, time, things that happen later, and a hash of all that happened.
 *
 * One world at a time, one thread. The same seed gives the same world, step for step: nothing
 * here may depend on an address, the real clock or the order of the host.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/macros.h"

#define US_PER_S UINT64_C(1000000)

/* How often things go wrong, per mille of the calls they may happen to. */
struct faults {
	uint32_t short_read, short_write, again;
	uint32_t poll_fails;
	uint32_t accept_full, accept_aborted;
	uint32_t late, spurious, interrupt;
	uint32_t stall; /* per mille of the moments at which one may begin */
	uint32_t heap;  /* allocations of the server between two that fail; 0: none fails */
};

struct world {
	uint64_t seed;
	uint64_t now_us;  /* monotonic */
	uint64_t wall_us; /* since 1970, at now_us 0 */
	uint64_t hash;
	uint64_t disturbed_us; /* until then, at the latest, a server thread was held up */
	uint64_t freeze_us;    /* at the next chance everything stands still for so long */
	struct faults faults;
	bool trace;
	bool hurt; /* something failed that may cost anybody his connection */
};

extern struct world world;

void world_begin(uint64_t seed, bool trace);
void world_end(void);

/* Was a thread of the server held up at any time since? */
static inline bool world_disturbed(uint64_t since_us)
{
	return world.disturbed_us > since_us;
}
void world_disturb(uint64_t until_us);
void world_freeze(void); /* now is such a moment */

/* ---- chance ---- */

uint64_t chance_next(void);
uint64_t chance_below(uint64_t n); /* 0 ... n - 1 */
uint64_t chance_between(uint64_t least, uint64_t most);
bool chance(uint32_t per_mille);

/* ---- time ---- */

/* Call @fn at @when_us; what is due at the same time happens in an order of chance. */
void agenda_at(uint64_t when_us, void (*fn)(void *arg, uint64_t n), void *arg, uint64_t n);
uint64_t agenda_next_us(void); /* UINT64_MAX: nothing is planned */
void agenda_run_one(void);

/* ---- what happened ---- */

/* Enters the hash: two runs of a seed must agree on every one of them. */
void world_mix(uint64_t what);
void world_mix_bytes(const void *bytes, size_t len);

/* A line of the trace. */
void world_trace(const char *fmt, ...) PRINTF(1, 2);
#define TRACE(...) (world.trace ? world_trace(__VA_ARGS__) : (void)0)

/* An invariant does not hold: says so and ends the process. */
NORETURN void world_fail(const char *fmt, ...) PRINTF(1, 2);
#define EXPECT(x, ...) (LIKELY(x) ? (void)0 : world_fail(__VA_ARGS__))

/* Memory of the simulator itself: never fails, is not counted as the server's. */
void *sim_alloc(size_t bytes); /* zeroed */
void *sim_grow(void *p, size_t bytes);
