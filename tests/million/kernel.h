/*
 * A kernel for a million connections behind os/os.h, in one thread: sockets whose peers answer
 * pings after a round trip and say nothing else, one poll, and time that passes as the server
 * sleeps. Calls cost next to nothing, so what is left of a turn's time is the server's own.
 *
 * Its memory is not from malloc(): what malloc() has given out is the server's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

void kernel_begin(uint32_t sockets);

int kernel_connect(void);      /* the descriptor of a new socket */
void kernel_leave(uint32_t n); /* the peers of the first @n that are there close */

uint64_t kernel_now_us(void); /* monotonic, of the simulated world */

/* Let the server sleep no longer than until then. */
void kernel_wake_at_us(uint64_t us);

/* What the real world's clocks say, and what they said when the poll last let the server go. */
struct kernel_clocks {
	uint64_t busy_ns; /* that this thread has been run */
	uint64_t real_ns; /* monotonic */
};
struct kernel_clocks kernel_clocks(void);
struct kernel_clocks kernel_woken(void);

/* Pings that reached their peers, ever. */
uint64_t kernel_pings(void);
