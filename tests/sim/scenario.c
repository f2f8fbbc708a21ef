/* One life of a world, from the server's start to its end. */
#include "scenario.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "host.h"
#include "kernel.h"
#include "model.h"
#include "operator.h"
#include "oracle.h"
#include "world.h"

#define MAX_SETTINGS 40
#define FD_LIMIT     4000

struct scenario scenario;

/* ---- configuration ---- */

static struct conf_setting settings[MAX_SETTINGS];
static char values[MAX_SETTINGS][32];
static struct conf_args args;

static void set(const char *key, const char *fmt, ...) PRINTF(2, 3);
static void set(const char *key, const char *fmt, ...)
{
	size_t i = 0;
	va_list list;

	while (i < args.n_settings && strcmp(settings[i].key, key) != 0)
		i++;
	EXPECT(i < MAX_SETTINGS, "too many settings");
	va_start(list, fmt);
	vsnprintf(values[i], sizeof(values[i]), fmt, list);
	va_end(list);
	settings[i] = (struct conf_setting){key, values[i], "--set"};
	if (i == args.n_settings)
		args.n_settings++;
}

static void choose_times(void)
{
	static const double intervals_s[] = {0.5, 1, 2};
	const double interval = intervals_s[chance_below(ARRAY_LEN(intervals_s))];

	set("heartbeat.interval_s", "%.3f", interval);
	set("heartbeat.timeout_s", "%.3f", interval * (double)chance_between(2, 4));
	set("heartbeat.missed_limit", "%d", (int)chance_between(1, 3));
	set("limits.handshake_timeout_s", "%d", (int)chance_between(1, 3));
	set("limits.message_timeout_s", "%d", (int)chance_between(1, 4));
	set("limits.write_timeout_s", "%d", (int)chance_between(1, 3));
	set("limits.close_timeout_s", "%d", (int)chance_between(1, 2));
	set("shutdown.deadline_s", "%d", (int)chance_between(1, 4));
	set("drain.rate_per_s", "%d", (int)chance_between(10, 300));
	set("drain.deadline_s", "%d", (int)chance_between(1, 5));
}

static void choose_settings(uint32_t n_workers)
{
	static const char *const policies[] = {[SLOW_CLOSE] = "close",
	                                       [SLOW_DROP_NEWEST] = "drop_newest",
	                                       [SLOW_KEEP_NEWEST] = "keep_newest"};

	memset(&args, 0, sizeof(args));
	args.settings = settings;
	args.env_name = "testing";
	set("listen", "[\"127.0.0.1:8080\",\"[::1]:8081\"]");
	set("workers", "%u", n_workers);
	set("control.path", "/run/wsmd/control.sock");
	set("auth.mode", "open");
	set("handshake.legacy_protocols", "refuse");
	set("hubs.*.on_message", "echo");
	set("hubs.quiet.on_message", "drop");
	set("limits.max_message_bytes", "%u", scenario.message_bytes);
	/* Where a full queue is no end, it is full often. */
	set("limits.send_queue_bytes", "%u",
	    (uint32_t)(scenario.slow_consumer == SLOW_CLOSE ? chance_between(20000, 200000)
	                                                    : chance_between(1024, 8000)));
	set("limits.slow_consumer", "%s", policies[scenario.slow_consumer]);
	set("limits.max_connections_per_user", "%d", scenario.scarce ? 3 : 100000);
	set("limits.max_groups_per_connection", "%d", scenario.scarce ? 2 : 100);
	set("limits.max_groups_per_hub", "%d", scenario.scarce ? 2 : 100);
	set("limits.user_policy", "%s", scenario.scarce && chance(500) ? "close_oldest" : "refuse");
	set("limits.inbox_items", "%d", scenario.scarce ? 16 : 4096);
	set("limits.max_half_open", "%u", scenario.max_half_open);
	set("limits.control_frame_burst", "%d", 60);
	set("limits.control_frames_per_s", "%d", 60);
	choose_times();
}

void scenario_change_settings(bool valid)
{
	choose_times();
	set("limits.max_half_open", "%u", valid ? scenario.max_half_open : 0);
}

/* ---- who comes ---- */

static void choose_kinds(void)
{
	static const uint32_t usual[KIND_COUNT] = {
		[KIND_GOOD] = 50,     [KIND_IDLE] = 10,  [KIND_CHATTY] = 5,    [KIND_MUTE] = 5,
		[KIND_SLOW] = 5,      [KIND_DEAF] = 5,   [KIND_DRIBBLER] = 5,  [KIND_RUDE] = 8,
		[KIND_VANISHING] = 5, [KIND_ABRUPT] = 5, [KIND_MALFORMED] = 8, [KIND_PAGE] = 5,
	};

	memcpy(scenario.kinds, usual, sizeof(usual));
	if (chance(200)) /* a crowd that only wants to be left alone */
		scenario.kinds[KIND_IDLE] = 200;
	scenario.kinds_sum = 0;
	for (size_t i = 0; i < KIND_COUNT; i++)
		scenario.kinds_sum += scenario.kinds[i];
}

static void choose(uint32_t *ret_workers)
{
	const uint64_t size = chance_below(100);

	scenario = (struct scenario){
		.n_users = (uint32_t)chance_between(3, 80),
		.n_hubs = (uint32_t)chance_between(1, 3),
		.message_bytes = (uint32_t)chance_between(4000, 90000),
		.ports = {8080, 8081},
		.n_ports = 2,
		.scarce = chance(150),
		.slow_consumer = chance(500) ? (uint32_t)chance_below(3) : SLOW_CLOSE,
	};
	*ret_workers = (uint32_t)chance_between(2, 4);
	scenario.n_slots = size < 60   ? (uint32_t)chance_between(3, 30)
	                   : size < 98 ? (uint32_t)chance_between(30, 200)
	                               : 1200;
	if (scenario.scarce)
		scenario.n_slots += 60; /* a crowd, for limits to be met */
	choose_kinds();
	if (size < 98)
		return;
	/* More connections than one look at the poll can tell of. */
	*ret_workers = 1;
	scenario.scarce = false;
	scenario.kinds_sum += 3000;
	scenario.kinds[KIND_IDLE] += 3000;
}

/* A third of all worlds is calm: there nothing at all is excused. */
static void choose_faults(void)
{
	const bool calm = chance(330);
	struct faults *f = &world.faults;

	f->stall = chance(400) ? (uint32_t)chance_below(300) : 0;
	if (calm)
		return;
	f->short_read = (uint32_t)chance_below(400);
	f->short_write = (uint32_t)chance_below(400);
	f->again = (uint32_t)chance_below(200);
	f->late = (uint32_t)chance_below(100);
	f->spurious = (uint32_t)chance_below(200);
	f->interrupt = (uint32_t)chance_below(50);
	f->poll_fails = chance(300) ? (uint32_t)chance_below(8) : 0;
	f->accept_full = chance(300) ? (uint32_t)chance_below(30) : 0;
	f->accept_aborted = chance(300) ? (uint32_t)chance_below(60) : 0;
}

/* ---- what happens to everybody ---- */

static bool quiet;

static void trouble(void *arg, uint64_t unused)
{
	static const uint64_t longest_us[] = {100000, 2000000, 60000000};
	const uint64_t us = 1 + chance_below(longest_us[chance_below(ARRAY_LEN(longest_us))]);

	(void)arg;
	(void)unused;
	if (quiet || !host_running())
		return;
	if (chance(100)) /* a day and a half in either direction */
		world.wall_us += chance_below(3ull << 37) - (3ull << 36);
	if (chance(50))
		host_want(SERVER_WANT_RELOAD);
	if (chance(world.faults.stall)) {
		if (chance(600))
			host_stall((uint32_t)chance_below(8), us);
		else if (chance(500))
			host_stall_all(us);
		else
			world.freeze_us = us;
	}
	agenda_at(world.now_us + chance_below(2 * US_PER_S), trouble, NULL, 0);
}

static void arrive(void *arg, uint64_t slot)
{
	(void)arg;
	if (!quiet)
		client_spawn((uint32_t)slot);
}

/* ---- the end ---- */

/* Time in which everything that was begun comes to its end. */
static uint64_t settling_us(void)
{
	const struct host_times *t = &host_times;

	return t->silence_max_us + t->interval_max_us + t->handshake_max_us + t->write_max_us +
	       t->incomplete_max_us + 2 * t->closing_max_us + 2 * US_PER_S;
}

static void calm_down(void)
{
	quiet = true;
	world.freeze_us = 0;
	world.faults.stall = world.faults.heap = world.faults.poll_fails = 0;
	clients_quiet();
	operators_quiet();
	host_run_until(world.now_us + 61 * US_PER_S); /* stalls end */
	host_run_until(world.now_us + settling_us());
	EXPECT(operators_idle() || world.hurt, "an operator still waits");
	clients_check_settled();
	model_check();
}

static void everybody_leaves(void)
{
	clients_leave();
	operators_leave();
	host_run_until(world.now_us + settling_us());
	oracle_idle(0);
}

static void stop(void)
{
	uint64_t bound;

	TRACE("SIGTERM");
	quiet = true; /* no more trouble */
	world.freeze_us = 0;
	model_stopped_us = world.now_us;
	host_want(SERVER_WANT_STOP);
	if (chance(60)) {
		host_run_until(world.now_us + chance_below(US_PER_S));
		if (host_running())
			host_want(SERVER_WANT_CUT);
	}
	bound = world.disturbed_us > model_stopped_us ? world.disturbed_us : model_stopped_us;
	/* Until then, and in the turn after, a reload may change the deadline. */
	host_run_until(bound + 100 * US_PER_MS);
	host_run_until(bound + host_times.stop_max_us + 400 * US_PER_MS);
	EXPECT(!host_running(), "the server does not end: %s", host_phase());
}

static void finish(void)
{
	host_free();
	EXPECT(kernel_open_all() == 0, "%u descriptors are left open", kernel_open_all());
	EXPECT(!kernel_control_exists(), "the control socket's file is left behind");
}

static void live(void)
{
	const uint64_t run_us = chance_between(3, 25) * US_PER_S;
	const uint64_t end = chance_below(100);

	operators_begin((uint32_t)chance_between(1, 3));
	if (scenario.scarce && chance(500)) /* while they come, which fills his inbox */
		host_stall(2, run_us / 3);
	for (uint32_t i = 0; i < scenario.n_slots; i++)
		agenda_at(world.now_us + chance_below(run_us / 3), arrive, NULL, i);
	agenda_at(world.now_us + US_PER_S, trouble, NULL, 0);
	host_run_until(world.now_us + run_us);
	if (end < 60) {
		calm_down();
		everybody_leaves();
	} else if (end < 75) {
		calm_down();
	} else if (end < 90 && operator_drain()) {
		host_run_until(world.now_us + chance_below(8 * US_PER_S));
	}
	stop();
}

uint64_t scenario_run(uint64_t seed, bool trace)
{
	uint32_t n_workers;
	bool started;

	world_begin(seed, trace);
	quiet = false;
	choose(&n_workers);
	scenario.max_half_open = scenario.scarce ? 5 : 4096;
	choose_settings(n_workers);
	choose_faults();
	kernel_begin(scenario.scarce ? (uint32_t)chance_between(120, 200) : FD_LIMIT);
	clients_begin(scenario.n_users, scenario.n_hubs);
	model_begin();
	if (chance(150))
		world.faults.heap = (uint32_t)chance_between(20, 3000);
	started = host_start(&args);
	if (started) {
		live();
		finish();
	}
	EXPECT(kernel_open_all() == 0, "%u descriptors are left open", kernel_open_all());
	operators_end();
	clients_end();
	model_end();
	net_free_all();
	kernel_end();
	world_end();
	return world.hash;
}
