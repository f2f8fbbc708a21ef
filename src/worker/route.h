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
	struct group *group;
	struct list *member;  /* of the group, the next */
	struct session *next; /* of the user, or the one of a connection target */
	uint32_t index;       /* of the connection slab: address order */
	uint32_t excluded;    /* passed over so far because the target leaves them out */
};

/* Looks up here whom @t leaves out, and notes it in there. */
void route_begin(const struct worker *w, struct target *t, struct route *ret) ON_WORKER;
struct conn *route_next(struct worker *w, struct route *r) ON_WORKER; /* NULL: that was all */

/* REQUEST_SEND: to everybody the target names, by reference. */
void route_send(struct worker *w, struct request *r) ON_WORKER;
