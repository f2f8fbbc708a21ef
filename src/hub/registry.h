/*
 * Who is here: the hubs, users and sessions of one worker, and how they are found.
 *
 * A session is a connection as the API knows it: id, hub, user. A plain client's session lives
 * as long as its socket. All sessions of a user are on one worker, so a walk of his list
 * reaches him everywhere. A hub and a user exist while they have a session.
 *
 * Thread: the worker that owns the registry. Knows nothing of sockets: a session points to the
 * connection that carries it, and only worker/ looks behind that pointer.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slab.h"
#include "base/table.h"
#include "conf/conf.h"
#include "shard/conn_id.h"
#include "shard/handoff.h"

struct conn;
struct membership;

/* At a handover to a new process names, ids, hub actions, memberships and both seq are carried;
 * what is left are tables, rings and counts, which are rebuilt. */

struct hub {
	struct table_node node;
	uint32_t hash;      /* of its name, by the registry's key */
	struct list groups; /* struct group.of_hub */
	uint32_t n_sessions, n_groups;
	enum hub_action on_message; /* what becomes of a plain client's message */
	uint16_t name_len;
	char name[];
};

struct user {
	struct slab_head head; /* in registry.users_by_size */
	struct table_node node;
	struct hub *hub;
	uint64_t seq; /* of the last send to him */
	uint32_t n_sessions;
	uint32_t oldest; /* index of a session: the first of their ring, see session.of_user */
	uint8_t name_len;
	char name[];
};

struct session {
	struct slab_head head;
	struct table_node node; /* in registry.by_id */
	struct conn_id id;
	struct hub *hub;
	struct user *user; /* NULL: anonymous */
	struct {
		uint32_t next, prev; /* indexes of sessions: a ring */
	} of_user;
	struct conn *conn;
	struct membership *groups; /* hub/group.h; NULL: in none */
	uint64_t seq; /* of the last send that reached it; anonymous: of the last send */
};

/* The promise of the idle connection: see docs/performance.md before one of them grows. */
static_assert(sizeof(struct session) <= 80, "one for each connection");
static_assert(offsetof(struct user, name) <= 41, "one for each user");

#define USER_STEP  8 /* sizes of users' objects are multiples of it */
#define USER_SIZES (USER_NAME_MAX / USER_STEP + 1)

struct registry {
	struct siphash_key key;
	struct slab sessions, memberships;
	struct slab
		users_by_size[USER_SIZES]; /* with names of so many steps, and less than one more */
	struct table by_id, users, hubs, groups; /* their counts: who and what is here */
	/* Where a walk over the members of a group rests, which goes on later: the next of them, or
	 * the group's end; NULL: no walk rests, or its group is gone. See group.h. */
	struct list *resting;
};

MUST_CHECK int registry_init(struct registry *r, const struct siphash_key *key,
                             uint32_t max_sessions);
void registry_fini(struct registry *r); /* must be empty of sessions */
void registry_trim(struct registry *r); /* memory that a peak has left, see slab_trim() */

/* A walk over a user's sessions, the oldest first; NULL: that was all. Whoever asks for the next
 * before he removes the one at hand may remove it. */
struct session *registry_first_of_user(const struct registry *r, const struct user *u);
struct session *registry_next_of_user(const struct registry *r, const struct session *s);

/* Who is asking to be registered. */
struct identity {
	struct conn_id id;
	const char *hub, *user; /* user_len 0: anonymous */
	uint16_t hub_len, user_len;
	enum hub_action on_message; /* for the hub, if this is its first session */
};

/**
 * Register a session.
 *
 * @max_per_user  sessions that one named user may have
 *
 * Returns: 0 with *@ret; WSMD_EFULL: the user has as many as he may; WSMD_ENOMEM
 */
MUST_CHECK int registry_add(struct registry *r, const struct identity *who, uint32_t max_per_user,
                            struct session **ret);

/* Also ends its groups, user and hub when this was their last. */
void registry_remove(struct registry *r, struct session *s);

struct session *registry_session(const struct registry *r, const struct conn_id *id);
struct user *registry_user(const struct registry *r, const char *hub, uint16_t hub_len,
                           const char *name, uint16_t name_len);
struct hub *registry_hub(const struct registry *r, const char *name, uint16_t len);

/* Take the hubs' actions from a new configuration. Does not block or allocate. */
void registry_configure(struct registry *r, const struct conf *c);
