/*
 * Arguments of control commands. Whatever is wrong is told to the session, so false means that
 * the command is answered already.
 *
 * Thread: main.
 */
#pragma once

#include "server/control.h"

/* A string of 1 to @cap - 1 bytes with a NUL behind it; absent: @fallback. */
MUST_CHECK bool argument_name(struct server *s, struct control *c, json_t *args, const char *key,
                              const char *fallback, char *dst, uint32_t cap, uint32_t *ret_len)
	ON_MAIN;

/* The hub, "default" when absent. */
MUST_CHECK bool argument_hub(struct server *s, struct control *c, json_t *args, struct target *t)
	ON_MAIN;

/* The user called @key, in the hub of the arguments. */
MUST_CHECK bool argument_user(struct server *s, struct control *c, json_t *args, const char *key,
                              struct target *t) ON_MAIN;

/* A connection id. */
MUST_CHECK bool argument_connection(struct server *s, struct control *c, json_t *args,
                                    struct target *t) ON_MAIN;

/* "target": a connection id if it looks like one, a user's name otherwise. */
MUST_CHECK bool argument_either(struct server *s, struct control *c, json_t *args, struct target *t)
	ON_MAIN;

/* "group", a name that is required, for the target; its kind stays. */
MUST_CHECK bool argument_group(struct server *s, struct control *c, json_t *args, struct target *t)
	ON_MAIN;

/* "except": who is left out; absent: nobody. */
MUST_CHECK bool argument_except(struct server *s, struct control *c, json_t *args, struct target *t)
	ON_MAIN;

/* A flag that is true or absent, or false. */
MUST_CHECK bool argument_flag(struct server *s, struct control *c, json_t *args, const char *key,
                              bool *ret) ON_MAIN;

/* Tell the session that the target matched nobody. */
void argument_not_found(struct server *s, struct control *c, const struct target *t) ON_MAIN;
