/*
 * A worker with very many connections and their heartbeats: memory, turns, pings.
 *
 * usage: million [CONNECTIONS [MINUTES]]
 *
 * Exit code 1: a bound does not hold.
 */
#include <inttypes.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rcu.h"
#include "base/role.h"
#include "conf/cell.h"
#include "kernel.h"
#include "stats/histogram.h"
#include "worker/conn.h"

#define OPEN_A_MS   20  /* new connections in each millisecond */
#define LEAVE_A_MS  100 /* the same of those that leave */
#define FIRST_OF    19000
#define INTERVAL_S  25 /* of heartbeats, as in production */
#define MAX_SECONDS 3600

/* The bounds: of a connection, of the whole heap for so many, and of the rate of pings. */
#define MOST_BYTES     560
#define MOST_HEAP      600000000
#define MOST_HEAP_OF   1000000
#define MOST_VARIATION 0.1

static struct {
	uint32_t n;
	struct worker *w;
	struct conf_cell conf;
	struct stats_block *stats;
	struct sources sources;
	struct pressure pressure;
	struct inbox to_main;
	struct histogram turns, busy;     /* in the real world, and of the processor [ns] */
	size_t heap_before, heap_without; /* before all, and without a connection */
	bool failed;
} m;

/* ---- set-up ---- */

static struct conf *make_conf(void)
{
	struct conf *c = calloc(1, sizeof(*c) + sizeof(struct conf_hub));

	ASSERT(c != NULL);
	c->n_hubs = 1;
	c->hubs[0] = (struct conf_hub){"*", HUB_ECHO};
	c->heartbeat = (struct conf_heartbeat){.interval_ms = INTERVAL_S * MS_PER_S,
	                                       .timeout_ms = 3 * INTERVAL_S * MS_PER_S,
	                                       .missed_limit = 2,
	                                       .grace_factor = 1.2,
	                                       .adaptive = true};
	c->limits = (struct conf_limits){.max_connections_per_user = 32,
	                                 .max_message_bytes = 1 << 20,
	                                 .max_fragments = 1 << 18,
	                                 .message_timeout_ms = 30000,
	                                 .send_queue_bytes = 1 << 20,
	                                 .write_timeout_ms = 10000,
	                                 .close_timeout_ms = 5000,
	                                 .control_frame_burst = 128,
	                                 .control_frames_per_s = 32};
	return c;
}

static void set_up(void)
{
	const struct siphash_key key = {1, 2};

	m.heap_before = mallinfo2().uordblks + mallinfo2().hblkhd;
	m.stats = aligned_alloc(_Alignof(struct stats_block), sizeof(*m.stats));
	m.w = aligned_alloc(_Alignof(struct worker), sizeof(*m.w));
	ASSERT(m.stats != NULL && m.w != NULL);
	memset(m.stats, 0, sizeof(*m.stats));
	ASSERT(sources_init(&m.sources, &key, m.n) == 0);
	ASSERT(inbox_init(&m.to_main, 10) == 0);
	conf_cell_publish(&m.conf, make_conf());
	const struct worker_setup setup = {
		.n_workers = 1,
		.inbox_items = 10 * OPEN_A_MS,
		.recorder = {.events = 24, .closed_bytes = 16 << 20},
		.key = key,
		.conf = &m.conf,
		.stats = m.stats,
		.colleagues = m.stats,
		.sources = &m.sources,
		.pressure = &m.pressure,
		.to_main = &m.to_main,
	};
	ASSERT(worker_init(m.w, &setup) == 0);
}

/* What the acceptor would have done. */
static void open_one(uint32_t number)
{
	const struct siphash_key ids = {3, 4};
	struct handoff *h = calloc(1, sizeof(*h));

	ASSERT(h != NULL);
	h->item.kind = ITEM_HANDOFF;
	h->fd = kernel_connect();
	h->peer = (struct net_addr){.family = 4, .port = 40000};
	memcpy(h->peer.ip, &number, sizeof(number));
	h->protocol = PROTOCOL_WEBSOCKET;
	for (unsigned half = 0; half < 2; half++) {
		const uint64_t seed[2] = {number, half};
		const uint64_t random = siphash(&ids, seed, sizeof(seed));

		memcpy(h->id.bytes + 8 * half, &random, sizeof(random));
	}
	h->hub_len = (uint32_t)snprintf(h->hub, sizeof(h->hub), "default");
	h->user_len = (uint32_t)snprintf(h->user, sizeof(h->user), "user%u", number);
	h->answer_len = (uint32_t)snprintf(h->answer, sizeof(h->answer), "HTTP/1.1 101 x\r\n\r\n");
	stats_add(m.stats, STAT_CONNECTIONS_ACTIVE, 1);
	ASSERT(sources_opened(&m.sources, &h->peer));
	sources_handed(&m.sources, &h->peer);
	inbox_push_always(&m.w->inbox, &h->item);
}

/* ---- life ---- */

static void turn(void) ON_WORKER;
static void turn(void)
{
	ASSERT(worker_turn(m.w));

	const struct kernel_clocks now = kernel_clocks(), woken = kernel_woken();

	histogram_record(&m.turns, now.real_ns - woken.real_ns);
	histogram_record(&m.busy, now.busy_ns - woken.busy_ns);
}

static void live_until(uint64_t us) ON_WORKER;
static void live_until(uint64_t us)
{
	kernel_wake_at_us(us);
	while (kernel_now_us() < us)
		turn();
}

static size_t heap(void)
{
	const struct mallinfo2 i = mallinfo2();

	return i.uordblks + i.hblkhd - m.heap_before;
}

static size_t resident(void)
{
	unsigned long long total = 0, pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	ASSERT(f != NULL && fscanf(f, "%llu %llu", &total, &pages) == 2);
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void tell_times(const char *what, struct histogram *h)
{
	printf("    %-31s p50 %.1f us   p99 %.1f us   worst %.1f us\n", what,
	       (double)histogram_quantile(h, 0.5) / 1e3, (double)histogram_quantile(h, 0.99) / 1e3,
	       (double)h->max / 1e3);
	histogram_reset(h);
}

static void tell_turns(const char *when)
{
	printf("%-34s %9" PRIu64 " turns\n", when, m.turns.count);
	tell_times("processor", &m.busy);
	tell_times("clock", &m.turns);
}

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	printf("does not hold: %s\n", what);
	m.failed = true;
}

static void check_heap(void)
{
	printf("heap in use                        %9.1f MB   %.0f bytes for each, %.1f MB "
	       "before\n",
	       (double)heap() / 1e6, (double)(heap() - m.heap_without) / m.n,
	       (double)m.heap_without / 1e6);
	check(heap() - m.heap_without <= (size_t)m.n * MOST_BYTES, "a connection is small");
	check(m.n > MOST_HEAP_OF || heap() <= MOST_HEAP, "the bound of the heap");
}

static void arrive(void) ON_WORKER;
static void arrive(void)
{
	for (uint32_t i = 0; i < m.n;) {
		for (int k = 0; k < OPEN_A_MS && i < m.n; k++)
			open_one(i++);
		live_until(kernel_now_us() + US_PER_MS);
		if (i == FIRST_OF)
			tell_turns("growing to 19 000");
	}
	live_until(kernel_now_us() + MS_PER_S * US_PER_MS);
	tell_turns(m.n > FIRST_OF ? "growing on to all of them" : "growing");
	check(m.w->conns.in_use == m.n, "everybody is there");
	check_heap();
}

static void stay(uint32_t seconds) ON_WORKER;
static void stay(uint32_t seconds)
{
	double sum = 0, squares = 0, least = INFINITY, most = 0;

	live_until(kernel_now_us() + 2 * INTERVAL_S * MS_PER_S * (uint64_t)US_PER_MS);
	histogram_reset(&m.turns);
	histogram_reset(&m.busy);
	for (uint32_t s = 0; s < seconds; s++) {
		const uint64_t before = kernel_pings();

		live_until(kernel_now_us() + MS_PER_S * US_PER_MS);

		const double rate = (double)(kernel_pings() - before);

		sum += rate;
		squares += rate * rate;
		least = fmin(least, rate);
		most = fmax(most, rate);
	}
	const double mean = sum / seconds, variance = squares / seconds - mean * mean;
	const double variation = sqrt(variance > 0 ? variance : 0) / mean;

	tell_turns("with heartbeats");
	printf("pings a second                     %9.0f   %.0f to %.0f, coefficient of variation "
	       "%.3f\n",
	       mean, least, most, variation);
	check_heap();
	check(variation <= MOST_VARIATION, "the line of pings is flat");
	check(m.w->conns.in_use == m.n, "nobody was lost");
	check(stats_get(m.stats, STAT_PONGS_MISSED) == 0, "no pong was missed");
}

static void leave(size_t resident_before) ON_WORKER;
static void leave(size_t resident_before)
{
	while (m.w->conns.in_use > 0) {
		kernel_leave(LEAVE_A_MS);
		live_until(kernel_now_us() + US_PER_MS);
	}
	live_until(kernel_now_us() + 3 * MS_PER_S * (uint64_t)US_PER_MS);
	tell_turns("leaving");
	malloc_trim(0); /* what main does after a peak */
	printf("heap in use                        %9.1f MB\n", (double)heap() / 1e6);
	printf("resident, before and after all     %9.1f MB   %.1f MB\n",
	       (double)resident_before / 1e6, (double)resident() / 1e6);
}

int main(int argc, char **argv)
{
	size_t before;
	uint32_t minutes;

	m.n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
	minutes = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 3;
	if (argc > 3 || m.n == 0 || m.n > 10000000 || minutes == 0 || minutes > 60) {
		fputs("usage: million [CONNECTIONS [MINUTES]]\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	role_enter(&role_worker);
	rcu_thread_enter();
	kernel_begin(m.n);
	set_up();
	before = resident();
	m.heap_without = heap();
	arrive();
	stay(60 * minutes);
	leave(before);
	return m.failed;
}
