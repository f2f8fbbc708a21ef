/*
 * Memory that the limits promise, in user space.
 *
 * What every connection costs while it is quiet is promised for as many as there may be. What
 * grows with what peers send and do not read (send queues, unfinished messages, groups, inboxes,
 * long request heads) is a sum that has a bound of its own, limits.buffered_bytes, because as
 * many times the worst of one connection is more than any machine has; see server/memory.h for
 * how the sum is kept. So the promise is
 *
 *     the process + workers + handshakes + records + connections x idle + limits.buffered_bytes
 *
 * and it has to fit into limits.memory_high_water of the memory.
 *
 * Thread: any; pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "conf/conf.h"

struct plan {
	uint64_t memory;     /* what the process may use [bytes]; 0: unknown */
	uint64_t usable;     /* up to the high water */
	uint64_t process;    /* code, libraries, main [bytes] */
	uint64_t workers;    /* their buffers */
	uint64_t handshakes; /* limits.max_half_open of them */
	uint64_t recorder;   /* records of closed connections */
	uint64_t idle_each, worst_each;
	uint64_t queue_each, message_each, groups_each; /* parts of the worst */
	uint64_t inboxes;     /* requests of limits.inbox_items; inside the budget */
	uint64_t buffered;    /* the budget */
	uint32_t wanted;      /* connections: configured, or what the descriptors allow */
	uint32_t room;        /* connections that the memory has room for */
	uint32_t connections; /* as many of those that are wanted as there is room for */
	bool configured;      /* wanted is limits.max_connections */
};

/* @room: connections that the descriptors allow; @memory: the machine's or group's [bytes] */
void plan_make(const struct conf *c, uint32_t room, uint64_t memory, struct plan *ret);

/* For so many connections [bytes]. */
uint64_t plan_promise(const struct plan *p, uint32_t connections);

/* Are the limits to be refused? Then @fault says what would be right. */
bool plan_refuses(const struct conf *c, const struct plan *p, char *fault, size_t fault_cap);

/* The plan as a table (--plan). */
void plan_print(const struct plan *p, FILE *out);
