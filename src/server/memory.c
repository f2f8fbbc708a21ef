/* Look, refuse, let go. */
#include "server/memory.h"

#include "server/server.h"

#define LOOK_MS      50  /* between two looks ... */
#define LOOK_SOON_MS 10  /* ... and above half of what there is */
#define ROUND_MS     100 /* for a round to show what it has freed */
#define LOW_PERCENT  95  /* of the high water is the low water */

/* Who is handed over and leaves while the blocks are read may be missing, but is not less than
 * nobody. */
static uint64_t connections(const struct server *s) ON_MAIN;
static uint64_t connections(const struct server *s)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < s->n_blocks; i++)
		n += stats_get(&s->blocks[i], STAT_CONNECTIONS_ACTIVE);
	return n > INT64_MAX ? 0 : n;
}

/* UINT64_MAX: there is none. */
static uint64_t high_water(const struct server *s) ON_MAIN;
static uint64_t high_water(const struct server *s)
{
	const struct plan *p = &s->plan;
	const uint64_t budget = s->memory.base + s->memory.most_conns * p->idle_each + p->buffered;

	return p->memory != 0 && p->usable < budget ? p->usable : budget;
}

static void log_water(const struct server *s, const char *event, uint64_t high) ON_MAIN;
static void log_water(const struct server *s, const char *event, uint64_t high)
{
	struct log_line l;

	if (!log_begin(&l, LOG_WARNING, event))
		return;
	log_u64(&l, "memory_bytes", s->memory.used);
	log_u64(&l, "high_water_bytes", high);
	log_u64(&l, "connections", connections(s));
	log_str(&l, "text",
	        s->memory.full ? "newcomers are refused, and who holds much is let go"
	                       : "newcomers are welcome again");
	log_end(&l);
}

static void set_full(struct server *s, bool full, uint64_t high) ON_MAIN;
static void set_full(struct server *s, bool full, uint64_t high)
{
	s->memory.full = full;
	if (!full)
		s->memory.trim.wait_ms = 0; /* what was asked for in vain may come now */
	s->memory.ordered_ms = s->now_ms;
	atomic_store_explicit(&s->pressure.full, full, memory_order_relaxed);
	if (full)
		stats_add(server_stats(s), STAT_MEMORY_FULL, 1);
	log_water(s, full ? "memory_full" : "memory_calm", high);
}

static void order_round(struct server *s) ON_MAIN;
static void order_round(struct server *s)
{
	s->memory.ordered_ms = s->now_ms;
	atomic_fetch_add_explicit(&s->pressure.rounds, 1, memory_order_relaxed);
	stats_add(server_stats(s), STAT_SHED_ROUNDS, 1);
	for (uint32_t i = 0; i < s->n_workers; i++)
		inbox_wake(s->worker_inboxes[i]);
}

static uint32_t interval_ms(const struct server *s) ON_MAIN;
static uint32_t interval_ms(const struct server *s)
{
	return s->memory.full || s->memory.used > high_water(s) / 2 ? LOOK_SOON_MS : LOOK_MS;
}

void memory_begin(struct server *s)
{
	struct memory *m = &s->memory;

	m->base = m->used = m->peak = os_memory_used();
}

uint32_t memory_sleep_ms(const struct server *s)
{
	const uint64_t age = s->now_ms - s->memory.looked_ms;

	if (s->phase != SERVER_RUNNING || (connections(s) == 0 && !s->memory.full))
		return UINT32_MAX; /* nothing grows, and what goes may wait for main's own turns */
	return age < interval_ms(s) ? (uint32_t)(interval_ms(s) - age) : 0;
}

/* What was freed and is kept for reuse is not in use. */
static void trim(struct server *s, uint64_t n) ON_MAIN;
static void trim(struct server *s, uint64_t n)
{
	struct memory *m = &s->memory;
	const uint64_t before = m->used;

	os_memory_trim();
	m->used = os_memory_used();
	trim_done(&m->trim, s->now_ms, before, m->used, n);
}

void memory_step(struct server *s)
{
	struct memory *m = &s->memory;
	const uint64_t n = connections(s);
	uint64_t high, low;

	if (s->now_ms - m->looked_ms < interval_ms(s) || s->phase != SERVER_RUNNING)
		return;
	m->looked_ms = s->now_ms;
	if (n > m->most_conns)
		m->most_conns = n;
	m->used = os_memory_used();
	if (m->most_conns == 0)
		m->base = m->used;
	high = high_water(s);
	low = high / 100 * LOW_PERCENT;
	if (trim_is_due(&m->trim, s->now_ms, m->used, n) || m->used > (m->full ? low : high))
		trim(s, n);
	if (m->used > m->peak)
		m->peak = m->used;
	if (m->used > high && !m->full)
		set_full(s, true, high);
	else if (m->full && m->used <= low)
		set_full(s, false, high);
	else if (m->full && s->now_ms - m->ordered_ms >= ROUND_MS)
		order_round(s); /* between the two as well, or newcomers wait for who holds much */
}
