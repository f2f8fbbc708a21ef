/*
 * The server in the simulated world, and whose turn it is: main, acceptor, workers and what is
 * on the agenda take turns in an order of chance.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "server/server.h"

/* Build and start it. @args must outlive it. False: out of memory, and all is given back. */
bool host_start(const struct conf_args *args);
void host_free(void);
void host_want(uint32_t wants); /* SERVER_WANT_* */

struct server *host_server(void);
bool host_running(void);      /* main has not said yet that everything has ended */
const char *host_phase(void); /* who is still there */

/* Messages that were given up for newer ones. */
uint64_t host_skipped(void);

/* Pings that there was no memory for. */
uint64_t host_unwritten_pings(void);

/* Run the world until then, or until the server has ended. */
void host_run_until(uint64_t until_us);

/* Hold up one thread (0 main, 1 acceptor, 2... workers), or all of them. */
void host_stall(uint32_t thread, uint64_t for_us);
void host_stall_all(uint64_t for_us);

/* The strictest of the configuration's deadlines that was ever in force, and the laxest. */
struct host_times {
	uint64_t silence_min_us, silence_max_us; /* timeout x grace */
	uint64_t interval_max_us;
	uint64_t closing_max_us, handshake_max_us, incomplete_max_us, write_max_us, stop_max_us;
};
extern struct host_times host_times;
