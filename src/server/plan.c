/* Sums of sizes and bounds. */
#include "server/plan.h"

#include "admit/half_open.h"
#include "hub/group.h"
#include "worker/conn.h"

/* A user's object with a name of usual length, and the shares in the tables' buckets. */
#define USER_BYTES (sizeof(struct user) + 32)
/* A membership in a group that nobody else is in, whose name is as long as it may be. */
#define GROUP_BYTES (sizeof(struct membership) + sizeof(struct group) + GROUP_NAME_MAX)
#define TABLE_BYTES (3 * 2 * sizeof(void *))

uint64_t plan_idle_bytes(const struct conf *c, uint32_t connections)
{
	const uint64_t each = sizeof(struct conn) + recorder_live_bytes(&c->recorder) +
	                      sizeof(struct session) + USER_BYTES + TABLE_BYTES;
	const uint64_t worker = sizeof(struct worker) + 2 * WORKER_READ_BYTES + WS_MAX_TAIL;

	return each * connections + worker * c->workers;
}

uint64_t plan_worst_bytes(const struct conf *c, uint32_t connections)
{
	/* A message is taken when nothing else waits, a reply while half of the queue is free. */
	const uint64_t message = c->limits.max_message_bytes + WS_MAX_TAIL;
	const uint64_t full = c->limits.send_queue_bytes;
	const uint64_t replied = full / 2 + message + WORKER_READ_BYTES;
	const uint64_t queue = full > replied ? full : replied;
	/* An answer takes the place of the request. */
	const uint64_t half_open = sizeof(struct half_open) + c->limits.max_request_head_bytes;
	const uint64_t groups = c->limits.max_groups_per_connection * GROUP_BYTES;

	return plan_idle_bytes(c, connections) + (queue + message + groups) * connections +
	       half_open * c->limits.max_half_open +
	       recorder_ring_bytes(&c->recorder, c->workers) * c->workers;
}
