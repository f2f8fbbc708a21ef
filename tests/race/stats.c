/* Counters: one writer for each block, sums at any time; snapshots are read whole. */
#include "stats/snapshot.h"

#include "base/rcu.h"
#include "race.h"

#define WRITERS   3
#define READERS   2
#define ADDS      100000
#define PUBLISHED 2000

static struct stats_block blocks[WRITERS];
static struct stats_cell cell;
static _Atomic unsigned writing = WRITERS, torn, backwards, reads;
static _Atomic bool done;

static void *count(void *arg)
{
	struct stats_block *mine = arg;

	for (unsigned i = 0; i < ADDS; i++) {
		stats_add(mine, STAT_MESSAGES_IN, 1);
		stats_add(mine, STAT_BYTES_IN, 10);
		stats_add(mine, STAT_QUEUE_BYTES, 7);
		stats_sub(mine, STAT_QUEUE_BYTES, 7);
	}
	atomic_fetch_sub(&writing, 1);
	return NULL;
}

/* Summing while they count: counters never go back. */
static void run_sums(void)
{
	pthread_t threads[WRITERS];
	uint64_t last = 0;
	bool monotone = true;

	for (size_t i = 0; i < WRITERS; i++)
		threads[i] = race_start(count, &blocks[i]);
	while (atomic_load(&writing) > 0) {
		uint64_t sum[STAT_COUNT] = {0};

		for (size_t i = 0; i < WRITERS; i++)
			stats_sum(sum, &blocks[i]);
		monotone &= sum[STAT_MESSAGES_IN] >= last;
		last = sum[STAT_MESSAGES_IN];
	}
	for (size_t i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);

	uint64_t sum[STAT_COUNT] = {0};

	for (size_t i = 0; i < WRITERS; i++)
		stats_sum(sum, &blocks[i]);
	race_check(monotone, "a sum never goes back");
	race_check(sum[STAT_MESSAGES_IN] == WRITERS * ADDS, "nothing counted is lost");
	race_check(sum[STAT_BYTES_IN] == 10ull * WRITERS * ADDS, "in no row");
	race_check(sum[STAT_QUEUE_BYTES] == 0, "a gauge comes back to 0");
}

static void publish(uint64_t n)
{
	struct stats_snapshot *s = calloc(1, sizeof(*s));

	race_need(s != NULL, "memory");
	s->uptime_ms = n;
	s->n_workers = STATS_MAX_WORKERS;
	for (unsigned i = 0; i < STAT_COUNT; i++)
		s->sum[i] = n;
	for (unsigned i = 0; i < STATS_MAX_WORKERS; i++)
		s->worker[i].turns = n;
	stats_cell_publish(&cell, s);
}

static bool whole(const struct stats_snapshot *s)
{
	for (unsigned i = 0; i < STAT_COUNT; i++)
		if (s->sum[i] != s->uptime_ms)
			return false;
	for (unsigned i = 0; i < STATS_MAX_WORKERS; i++)
		if (s->worker[i].turns != s->uptime_ms)
			return false;
	return true;
}

static void *read_on(void *arg)
{
	struct stats_snapshot s;
	uint64_t last = 0;

	(void)arg;
	rcu_thread_enter();
	while (!atomic_load_explicit(&done, memory_order_relaxed)) {
		if (!stats_cell_read(&cell, &s))
			continue;
		if (!whole(&s))
			atomic_fetch_add_explicit(&torn, 1, memory_order_relaxed);
		if (s.uptime_ms < last)
			atomic_fetch_add_explicit(&backwards, 1, memory_order_relaxed);
		last = s.uptime_ms;
		atomic_fetch_add_explicit(&reads, 1, memory_order_relaxed);
	}
	rcu_thread_leave();
	return NULL;
}

static void run_snapshots(void)
{
	pthread_t threads[READERS];

	rcu_thread_enter();
	for (size_t i = 0; i < READERS; i++)
		threads[i] = race_start(read_on, NULL);
	for (uint64_t n = 1; n <= PUBLISHED || atomic_load(&reads) < READERS; n++)
		publish(n);
	atomic_store(&done, true);
	for (size_t i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	stats_cell_publish(&cell, NULL);
	rcu_thread_leave();
	race_check(atomic_load(&torn) == 0, "snapshots are read whole");
	race_check(atomic_load(&backwards) == 0, "and never an older one again");
}

int main(void)
{
	run_sums();
	run_snapshots();
	return race_end();
}
