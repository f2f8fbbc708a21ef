/*
 * What a seed is about: who comes, what the configuration says, what goes wrong, how it ends.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "client.h"

struct scenario {
	uint32_t kinds[KIND_COUNT], kinds_sum; /* how often each kind comes */
	uint32_t n_slots, n_users, n_hubs;
	uint32_t message_bytes; /* longest message of a client */
	uint16_t ports[2];
	uint32_t n_ports;
	uint32_t max_half_open;
	uint32_t slow_consumer;            /* enum conf_slow */
	const struct net_profile *network; /* of every link; NULL: latency alone */
	bool scarce;                       /* limits are so low that newcomers may be refused */
};

extern struct scenario scenario;

/* Live through @seed once; returns the hash of all that happened. */
uint64_t scenario_run(uint64_t seed, bool trace);

/* Idle clients behind each of the networks there are, for hours; fails the world or returns. */
void networks_run(uint64_t seed);
void networks_count_false_death(void);

/* Another configuration for the next reload; @valid: one that can be loaded. */
void scenario_change_settings(bool valid);
