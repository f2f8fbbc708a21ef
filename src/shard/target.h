/*
 * Who is meant: a user, a connection, a group, a hub or everyone; and who of them is left out.
 *
 * Thread: whoever holds it. That a name is here does not say that somebody has it.
 * Owns:   its group's name and its exclusions, which few targets have.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "shard/conn_id.h"
#include "shard/handoff.h"

#define GROUP_NAME_MAX 1024
#define EXCEPT_MAX     256 /* users and connections that may be left out of one send */

enum target_kind {
	TARGET_USER,
	TARGET_CONNECTION,
	TARGET_GROUP,
	TARGET_HUB,
	TARGET_EVERYONE
};

/* Who is left out: one block of memory, so that a copy is one copy. */
struct except {
	uint32_t n, cap;
	uint32_t names_len, names_cap; /* bytes of users' names, behind the rows */
	struct except_row {
		bool is_user;
		uint16_t name_len;
		uint32_t name_at;
		struct conn_id id;
		const void *who; /* the worker's: his user or session here; NULL: not here */
	} rows[];
};

struct target {
	enum target_kind kind;
	uint32_t hub_len, user_len;
	char hub[HUB_NAME_BYTES];
	char user[USER_NAME_MAX + 1];
	struct conn_id id;
	uint32_t group_len;
	char *group;           /* of TARGET_GROUP, or to be joined or left; NULL: none */
	struct except *except; /* NULL: nobody is left out */
};

/* 0 or WSMD_ENOMEM. @name is copied; 1 to GROUP_NAME_MAX bytes. */
MUST_CHECK int target_set_group(struct target *t, const char *name, uint32_t len);

/* Room for so many exclusions and for the names of the users among them. 0 or WSMD_ENOMEM. */
MUST_CHECK int target_set_except(struct target *t, uint32_t cap, uint32_t names_cap);

/* Within that room. */
void target_except_user(struct target *t, const char *name, uint16_t len);
void target_except_connection(struct target *t, const struct conn_id *id);
const char *except_name(const struct except *e, const struct except_row *row);

/* @to is overwritten; on failure it owns nothing. 0 or WSMD_ENOMEM. */
MUST_CHECK int target_copy(struct target *to, const struct target *from);
void target_fini(struct target *t); /* all zero is allowed, and twice */

/* 1 to GROUP_NAME_MAX bytes, no control character, and not only white space. */
bool group_name_valid(const char *name, size_t len);
