/* Heartbeats behind good and bad networks: nobody who lives is dead, whoever vanished is gone. */
#include <inttypes.h>
#include <stdio.h>

#include "host.h"
#include "kernel.h"
#include "model.h"
#include "oracle.h"
#include "scenario.h"
#include "world.h"

#define MS(n)    ((n)*1000u)
#define HOUR_US  (3600 * US_PER_S)
#define FD_LIMIT 4000

static const struct run {
	struct net_profile network;
	uint32_t clients, hours;
	uint32_t false_deaths; /* that are tolerated: 1 % of an hour of each connection */
} runs[] = {
	{{"1 ms, no loss", MS(1), 0, 0}, 50, 4, 0},
	{{"50 ms +- 20 ms, 5 % loss", MS(50), MS(20), 50}, 100, 10, 0},
	{{"200 ms +- 100 ms, 10 % loss", MS(200), MS(100), 100}, 100, 10, 10},
	{{"500 ms +- 300 ms, 20 % loss", MS(500), MS(300), 200}, 200, 20, 40},
};

static uint32_t false_deaths;

void networks_count_false_death(void)
{
	false_deaths++;
}

static void arrive(void *arg, uint64_t slot)
{
	(void)arg;
	client_spawn((uint32_t)slot);
}

/* Timeout x grace, one interval, and what the wheel and the turns take. */
static void check_closed(void *arg, uint64_t vanished_us)
{
	const struct client *c = arg;

	EXPECT(c->link->server_closed || !host_running(),
	       "link %u vanished %" PRIu64 " us ago and is still there", c->link->id,
	       world.now_us - vanished_us);
}

static void some_vanish(void)
{
	const struct host_times *t = &host_times;
	const uint64_t bound_us = t->silence_max_us + t->interval_max_us + 100 * US_PER_MS;
	const uint32_t n = clients_count();

	for (uint32_t i = 0; i < n; i++) {
		struct client *c = clients_at(i);

		if (c->state != CLIENT_OPEN)
			continue;
		host_run_until(world.now_us + chance_below(US_PER_S));
		if (c->state != CLIENT_OPEN)
			continue;
		client_vanish(c);
		agenda_at(world.now_us + bound_us, check_closed, c, world.now_us);
	}
	host_run_until(world.now_us + bound_us + US_PER_S);
}

static void live(const struct run *r, const struct conf_args *args)
{
	false_deaths = 0;
	EXPECT(host_start(args), "the server does not start");
	for (uint32_t i = 0; i < r->clients; i++)
		agenda_at(world.now_us + chance_below(60 * US_PER_S), arrive, NULL, i);
	host_run_until(world.now_us + r->hours * HOUR_US);
	oracle_walk();
	printf("%s: %u false deaths in %u hours of connections\n", r->network.name, false_deaths,
	       r->clients * r->hours);
	EXPECT(false_deaths <= r->false_deaths, "%u living peers were dead, %u may be",
	       false_deaths, r->false_deaths);
	some_vanish();
	model_stopped_us = world.now_us;
	host_want(SERVER_WANT_STOP);
	host_run_until(world.now_us + host_times.stop_max_us + US_PER_S);
	EXPECT(!host_running(), "the server does not end: %s", host_phase());
	host_free();
}

void networks_run(uint64_t seed)
{
	static const struct conf_setting settings[] = {
		{"listen", "[\"127.0.0.1:8080\"]", "--set"},
		{"workers", "2", "--set"},
		{"control.path", "/run/wsmd/control.sock", "--set"},
		{"auth.mode", "open", "--set"},
		{"limits.handshake_timeout_s", "300", "--set"},
		{"limits.max_connections_per_user", "100000", "--set"},
		{"limits.write_timeout_s", "3600", "--set"},
	};
	static const struct conf_args args = {
		.env_name = "production", .n_settings = ARRAY_LEN(settings), .settings = settings};

	for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
		world_begin(seed, false);
		scenario = (struct scenario){.kinds = {[KIND_IDLE] = 1},
		                             .kinds_sum = 1,
		                             .n_slots = runs[i].clients,
		                             .n_users = 1000,
		                             .n_hubs = 1,
		                             .message_bytes = 4000,
		                             .ports = {8080},
		                             .n_ports = 1,
		                             .max_half_open = 4096,
		                             .network = &runs[i].network};
		kernel_begin(FD_LIMIT);
		clients_begin(scenario.n_users, scenario.n_hubs);
		model_begin();
		live(&runs[i], &args);
		clients_end();
		model_end();
		net_free_all();
		kernel_end();
		world_end();
	}
}
