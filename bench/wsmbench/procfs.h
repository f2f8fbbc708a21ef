/*
 * What the kernel says about memory and CPU time.
 *
 * Thread: main.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* name, key, text; bytes all of them */
#define MEMORY_GAUGES(X)                                                                           \
	/* of the server's processes, with --pid */                                                \
	X(MEMORY_RSS, server_rss, "server: resident")                                              \
	X(MEMORY_PSS, server_pss, "server: proportional")                                          \
	X(MEMORY_DIRTY, server_private_dirty, "server: private dirty")                             \
	X(MEMORY_HEAP, server_heap, "server: [heap]")                                              \
	X(MEMORY_OWN, wsmbench_private_dirty, "wsmbench: private dirty")                           \
	/* of the host, so both ends of a loopback connection and everybody else */                \
	X(MEMORY_SLAB, host_slab, "host: kernel slab")                                             \
	X(MEMORY_SOCKET_SLABS, host_socket_slabs, "host: socket slabs")                            \
	X(MEMORY_TCP, host_tcp_buffers, "host: TCP buffers")                                       \
	X(MEMORY_USED, host_used, "host: all in use")

enum memory_gauge {
#define X(name, key, text) name,
	MEMORY_GAUGES(X)
#undef X
	MEMORY_GAUGE_COUNT
};

const char *memory_key(enum memory_gauge g);
const char *memory_text(enum memory_gauge g);

struct memory {
	double bytes[MEMORY_GAUGE_COUNT]; /* negative: unknown here */
};

/*
 * A server is a process and all that descend from it. One that ends takes its CPU time with it, so
 * a difference is right for servers that keep their processes.
 */

/* @pid 0: only the host's. */
void memory_read(uint64_t pid, struct memory *ret);

/*
 * The resident set of a process [bytes]: now, and at its peak since memory_peak_begin(), which
 * asks the kernel to begin anew.
 *
 * Returns: false when that is unknown here
 */
bool memory_rss(uint64_t pid, double *ret);
bool memory_peak_begin(uint64_t pid);
bool memory_peak(uint64_t pid, double *ret);

struct cpu_time {
	double user_s, system_s;
	double total_s; /* by the scheduler's clock; the split above counts whole ticks */
};

void cpu_read_self(struct cpu_time *ret);

/* False: there is no such process, or it may not be looked at. */
bool cpu_read_process(uint64_t pid, struct cpu_time *ret);

struct cpu_time cpu_between(const struct cpu_time *from, const struct cpu_time *to);
