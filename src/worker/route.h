/*
 * From a target to its connections. The only place that turns a name into somebody.
 *
 * When the places that it may look at are used up, a walk rests, and goes on in a later turn.
 * Meanwhile connections may close and leave groups, but none may open or join: see deliver.h.
 *
 * Thread: the worker that owns the target's connections. For hubs and everyone each worker
 * answers for its own share.
 */
#pragma once

#include "base/role.h"
#include "shard/request.h"

struct worker;

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
	uint32_t *places;     /* of a group, hub or everyone that may be looked at; NULL: all */
	bool rests;           /* there was none left for the next */
};

/* Looks up here whom @t leaves out, and notes it in there. It does not rest unless @ret->places
 * is set behind it. */
void route_begin(const struct worker *w, struct target *t, struct route *ret) ON_WORKER;

/* NULL: that was all, or the walk rests. */
struct conn *route_next(struct worker *w, struct route *r) ON_WORKER;

/* Behind NULL: does it rest? Then it needs route_go_on() in a later turn. One walk of a worker
 * rests at a time. */
bool route_rests(struct worker *w, struct route *r) ON_WORKER;
void route_go_on(struct worker *w, struct route *r) ON_WORKER;
