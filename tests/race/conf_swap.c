/* Readers copy configurations out while main publishes new ones: none is torn, stale or freed. */
#include <sched.h>

#include "conf/cell.h"
#include "race.h"

#define READERS   3
#define PUBLISHED 5000
#define ROWS      8

static struct conf_cell cell;
static _Atomic unsigned torn, backwards, copies;
static _Atomic bool done;

/* Every number of it is @n. */
static struct conf *make(uint32_t n)
{
	struct conf *c = calloc(1, sizeof(*c) + ROWS * sizeof(struct conf_hub));

	race_need(c != NULL, "memory");
	c->limits.max_connections = n;
	c->limits.inbox_items = n;
	c->heartbeat.interval_ms = n;
	c->drain.deadline_ms = n;
	c->n_hubs = ROWS;
	for (unsigned i = 0; i < ROWS; i++)
		snprintf(c->hubs[i].name, sizeof(c->hubs[i].name), "h%u", n);
	return c;
}

/* What a worker keeps of a configuration. */
struct view {
	struct conf_limits limits;
	struct conf_heartbeat heartbeat;
	struct conf_drain drain;
	struct conf_hub last;
};

static void copy_out(struct view *v)
{
	rcu_enter();
	const struct conf *c = conf_cell_read(&cell);

	v->limits = c->limits;
	v->heartbeat = c->heartbeat;
	v->drain = c->drain;
	v->last = c->hubs[c->n_hubs - 1];
	rcu_leave();
	atomic_fetch_add_explicit(&copies, 1, memory_order_relaxed);
}

static bool whole(const struct view *v)
{
	const uint32_t n = v->limits.max_connections;
	char name[16];

	snprintf(name, sizeof(name), "h%u", n);
	for (unsigned i = 0; name[i] != '\0'; i++)
		if (name[i] != v->last.name[i])
			return false;
	return v->limits.inbox_items == n && v->heartbeat.interval_ms == n &&
	       v->drain.deadline_ms == n;
}

static void *read_on(void *arg)
{
	const bool look_always = arg != NULL;
	uint64_t seen = 0;
	uint32_t last = 0;

	rcu_thread_enter();
	while (!atomic_load_explicit(&done, memory_order_relaxed) || last < PUBLISHED) {
		struct view v;

		if (!conf_cell_changed(&cell, &seen) && !look_always) {
			sched_yield();
			continue;
		}
		copy_out(&v);
		if (!whole(&v))
			atomic_fetch_add_explicit(&torn, 1, memory_order_relaxed);
		/* What the number announces is there already, and never an older one. */
		if (v.limits.max_connections < last || v.limits.max_connections < seen)
			atomic_fetch_add_explicit(&backwards, 1, memory_order_relaxed);
		last = v.limits.max_connections;
	}
	rcu_thread_leave();
	return NULL;
}

/* However the machine shares its cores out: a copy is made in every hundred publications. */
static void wait_for_a_copy(void)
{
	const unsigned was = atomic_load_explicit(&copies, memory_order_relaxed);

	while (atomic_load_explicit(&copies, memory_order_relaxed) == was)
		sched_yield();
}

int main(void)
{
	pthread_t threads[READERS];

	rcu_thread_enter();
	conf_cell_publish(&cell, make(1));
	for (size_t i = 0; i < READERS; i++)
		threads[i] = race_start(read_on, i == 0 ? &cell : NULL);
	for (uint32_t n = 2; n <= PUBLISHED; n++) {
		conf_cell_publish(&cell, make(n));
		if (n % 100 == 0)
			wait_for_a_copy();
	}
	atomic_store(&done, true);
	for (size_t i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	conf_cell_publish(&cell, NULL);
	rcu_thread_leave();
	race_check(atomic_load(&torn) == 0, "no reader sees half a configuration");
	race_check(atomic_load(&backwards) == 0, "no reader sees an older one again");
	race_check(atomic_load(&copies) >= PUBLISHED / 100, "readers were reading");
	return race_end();
}
