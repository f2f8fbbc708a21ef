/*
 * From a target to its connections. The only place that turns a name into somebody.
 *
 * Thread: the worker that owns the target's connections. For hubs and everyone each worker
 * answers for its own share.
 */
#pragma once

#include "shard/request.h"
#include "worker/conn.h"

/* A walk over the open connections of a target. Closing the one it stands on is allowed. */
struct route {
	const struct target *target;
	struct hub *hub;
	struct user *user;
	struct list *next;   /* of a user's sessions */
	struct session *one; /* of a connection target, until it was handed out */
	uint32_t index;      /* of the connection slab: address order */
};

void route_begin(const struct worker *w, const struct target *t, struct route *ret) ON_WORKER;
struct conn *route_next(struct worker *w, struct route *r) ON_WORKER; /* NULL: that was all */

/* Send to everybody the target names, by reference. */
void route_send(struct worker *w, const struct target *t, struct msg *m, struct outcome *ret)
	ON_WORKER;
