/* Turns. */
#include "host.h"

#include <stdio.h>
#include <string.h>

#include "heap.h"
#include "kernel.h"
#include "moved.h"
#include "oracle.h"
#include "world.h"

#define MAX_THREADS 16
#define WALK_EVERY  50 /* turns of the server between two walks of its tables */

static struct server *server;
static struct sim_thread threads[MAX_THREADS];
static uint32_t n_threads, turns;
static bool running;
static uint64_t noted; /* generation of the configuration */

struct host_times host_times;

struct server *host_server(void)
{
	return server;
}

bool host_running(void)
{
	return running;
}

static uint64_t sum_of(unsigned id)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < server->n_blocks; i++)
		n += stats_get(&server->blocks[i], id);
	return n;
}

uint64_t host_skipped(void)
{
	return sum_of(STAT_SKIPPED);
}

uint64_t host_unwritten_pings(void)
{
	return sum_of(STAT_PINGS_UNWRITTEN);
}

const char *host_phase(void)
{
	static char text[256];
	size_t len = 0;

	role_enter(&role_main);
	role_enter(&role_worker);
	len += (size_t)snprintf(text, sizeof(text), "phase %d", server->phase);
	for (uint32_t i = 0; i < server->n_workers && len < sizeof(text); i++)
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, ", worker %u%s: %u connections, leave %d",
			i, threads[2 + i].ended ? " (ended)" : "", server->workers[i].conns.in_use,
			server->workers[i].leave.kind);
	return text;
}

/* ---- life ---- */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* After each turn of main, who may have read a new one. */
static void note_conf(void)
{
	struct host_times *t = &host_times;

	role_enter(&role_main);
	const struct conf *c = server_conf(server);

	if (!conf_cell_changed(&server->conf, &noted))
		return;
	TRACE("configuration: interval %u, timeout %u x %.1f, close %u, message %u, write %u",
	      c->heartbeat.interval_ms, c->heartbeat.timeout_ms, c->heartbeat.grace_factor,
	      c->limits.close_timeout_ms, c->limits.message_timeout_ms, c->limits.write_timeout_ms);

	const uint64_t silence =
		(uint64_t)(c->heartbeat.timeout_ms * c->heartbeat.grace_factor) * US_PER_MS;

	t->silence_min_us = t->silence_min_us == 0 ? silence : least(t->silence_min_us, silence);
	t->silence_max_us = most(t->silence_max_us, silence);
	t->interval_max_us = most(t->interval_max_us, c->heartbeat.interval_ms * 1000ull);
	t->closing_max_us = most(t->closing_max_us, c->limits.close_timeout_ms * 1000ull);
	t->handshake_max_us = most(t->handshake_max_us, c->limits.handshake_timeout_ms * 1000ull);
	t->incomplete_max_us = most(t->incomplete_max_us, c->limits.message_timeout_ms * 1000ull);
	t->write_max_us = most(t->write_max_us, c->limits.write_timeout_ms * 1000ull);
	t->stop_max_us = most(t->stop_max_us, c->shutdown.deadline_ms * 1000ull);
}

static struct conf *load(const struct conf_args *args)
{
	struct conf_faults faults = {0};
	struct conf *c = NULL;
	const int err = conf_load(args, 2, &c, &faults);

	EXPECT(err == 0 || faults.n == 0, "the configuration: %s", faults.lines[0]);
	conf_faults_fini(&faults);
	return err == 0 ? c : NULL;
}

static void name_threads(void)
{
	static const char *const names[MAX_THREADS] = {
		"main",     "acceptor", "worker 0", "worker 1", "worker 2", "worker 3",
		"worker 4", "worker 5", "worker 6", "worker 7", "worker 8", "worker 9",
		"worker a", "worker b", "worker c", "worker d",
	};

	memset(threads, 0, sizeof(threads));
	for (uint32_t i = 0; i < MAX_THREADS; i++) {
		threads[i].name = names[i];
		threads[i].poll = -1;
	}
}

static bool write_line(void *arg, enum log_level level, const char *line, size_t len)
{
	(void)arg;
	(void)level;
	return os_write_stderr(line, len);
}

bool host_start(const struct conf_args *args)
{
	struct server_setup setup = {
		.args = args,
		.conf = load(args),
		.sink = {.write = write_line, .wall_ms = os_wall_ms},
	};
	char fault[512];
	int err;

	role_enter(&role_main);
	if (setup.conf == NULL)
		return false;
	n_threads = 2 + setup.conf->workers;
	name_threads();
	host_times = (struct host_times){0};
	noted = 0;
	heap_enter_server();
	err = server_new(&setup, &server, fault, sizeof(fault));
	heap_leave_server();
	if (err < 0) {
		EXPECT(world.hurt, "the server does not start: %s", fault);
		server = NULL;
		return false;
	}
	log_use(&server->log);
	err = server_start(server);
	EXPECT(err == 0, "the server's threads do not start: %d", err);
	running = true;
	note_conf();
	return true;
}

void host_free(void)
{
	role_enter(&role_main);
	moved_note(server);
	log_use(NULL);
	server_free(server);
	server = NULL;
}

void host_want(uint32_t wants)
{
	server_want(server, wants);
}

/* ---- turns ---- */

/* False: the thread has ended. What its body does around the turns is done here. */
static bool take_turn(uint32_t i)
{
	role_enter(&role_main);
	role_enter(&role_acceptor);
	role_enter(&role_worker);
	if (i == 0) {
		running = server_turn(server);
		note_conf();
		return running;
	}
	if (i == 1) {
		if (acceptor_turn(server->acceptor))
			return true;
		acceptor_ended(server->acceptor);
		return false;
	}
	if (worker_turn(&server->workers[i - 2]))
		return true;
	worker_ended(&server->workers[i - 2]);
	return false;
}

static void run_thread(uint32_t i)
{
	struct sim_thread *t = &threads[i];

	kernel_enter(t);
	if (setjmp(t->asleep) == 0) {
		threads[i].ended = !take_turn(i);
		world.now_us += chance_between(1, 200);
		turns++;
	}
	kernel_leave();
	if (turns % WALK_EVERY == 0 && running)
		oracle_walk();
}

static bool may_run(const struct sim_thread *t)
{
	return !t->ended && world.now_us >= t->stalled_us && kernel_ready(t);
}

static uint64_t next_moment(void)
{
	uint64_t next = agenda_next_us();

	for (uint32_t i = 0; i < n_threads; i++) {
		const struct sim_thread *t = &threads[i];
		uint64_t at;

		if (t->ended)
			continue;
		at = world.now_us < t->stalled_us && kernel_ready(t) ? t->stalled_us
		                                                     : kernel_wake_us(t);
		next = least(next, most(at, t->stalled_us));
	}
	return next;
}

/* Somebody who has something to do, does it. False: nobody has. */
static bool step(void)
{
	uint32_t candidates[MAX_THREADS], n = 0;
	const bool planned = agenda_next_us() <= world.now_us;

	for (uint32_t i = 0; i < n_threads; i++)
		if (may_run(&threads[i]))
			candidates[n++] = i;
	if (n == 0 && !planned)
		return false;

	/* What is on the agenda is as many as a thread of its own. */
	const uint64_t i = chance_below(n + (planned ? 2 : 0));

	world_mix(world.now_us ^ i << 56);
	if (i < n)
		run_thread(candidates[i]);
	else
		agenda_run_one();
	return true;
}

void host_run_until(uint64_t until_us)
{
	while (running && world.now_us < until_us) {
		if (step())
			continue;
		world.now_us = least(next_moment(), until_us);
	}
}

/* ---- stalls ---- */

static void hold_up(struct sim_thread *t, uint64_t for_us)
{
	TRACE("%s is held up for %llu us", t->name, (unsigned long long)for_us);
	t->stalled_us = most(t->stalled_us, world.now_us + for_us);
	world_disturb(t->stalled_us);
}

void host_stall(uint32_t thread, uint64_t for_us)
{
	hold_up(&threads[thread % n_threads], for_us);
}

void host_stall_all(uint64_t for_us)
{
	for (uint32_t i = 0; i < n_threads; i++)
		hold_up(&threads[i], for_us);
}
