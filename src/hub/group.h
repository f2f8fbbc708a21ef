/*
 * Groups: named sets of sessions inside a hub, as an index on each worker.
 *
 * A group has the members that this worker owns; workers with members of the same group do not
 * know of each other. A group exists while it has a member, so nothing has to be cleaned up:
 * whoever closes leaves all of his (registry_remove() sees to it). A member is in a group once.
 *
 * Thread: the worker that owns the registry.
 */
#pragma once

#include "hub/registry.h"
#include "shard/request.h"

struct group {
	struct table_node node; /* in registry.groups */
	uint32_t hash;
	struct hub *hub;
	struct list members; /* struct membership.of_group */
	struct list of_hub;  /* in hub.groups */
	uint32_t n_members;
	uint16_t name_len;
	char name[];
};

struct membership {
	struct slab_head head;
	struct membership *next; /* of the session */
	struct group *group;
	struct session *session;
	struct list of_group; /* in group.members */
};

struct group_limits {
	uint32_t per_connection; /* groups that a session may be in */
	uint32_t per_hub;        /* groups of a hub, here */
};

/* For registry.groups. */
uint32_t group_table_hash(const struct table_node *node, const void *arg);

/* NULL: nobody here is in it. */
struct group *group_find(const struct registry *r, const struct hub *h, const char *name,
                         uint16_t len);

/* Limits come before memory: what is refused has cost nothing. */
enum join_result group_join(struct registry *r, struct session *s, const char *name, uint16_t len,
                            const struct group_limits *limits);

/* False: it was not in it. The group may be gone afterwards. */
bool group_leave(struct registry *r, struct session *s, const char *name, uint16_t len);

/* Returns the number of groups that were left. */
uint32_t group_leave_all(struct registry *r, struct session *s);

/*
 * A walk over group.members that is to go on later rests at the next of them, @at. Members may
 * leave meanwhile, and the group end. One walk rests at a time.
 */
void group_rest(struct registry *r, struct list *at);
struct list *group_go_on(struct registry *r); /* NULL: the group is gone */
