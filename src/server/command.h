/*
 * The commands of the control protocol: one row and one handler each.
 *
 * Thread: main.
 */
#pragma once

#include "server/control.h"

/* May the command be begun before the ones before it are answered, and those behind it before it
 * is? True of "send": the order in which it is told is the order of the workers' inboxes. */
bool command_overlaps(const json_t *request);

/* Begin the command of @request for @c. */
void command_run(struct server *s, struct control *c, json_t *request) ON_MAIN;

/* The handlers. Each answers @c exactly once, now or when the workers have answered. */
void command_stats(struct server *s, struct control *c, json_t *args) ON_MAIN;
void command_limits(struct server *s, struct control *c, json_t *args) ON_MAIN;
void command_config(struct server *s, struct control *c, json_t *args) ON_MAIN;
void command_ls(struct server *s, struct control *c, json_t *args) ON_MAIN;
void command_rank(struct server *s, struct control *c, json_t *args, const struct target *t)
	ON_MAIN; /* ls with "sort" */
void command_show(struct server *s, struct control *c, json_t *args) ON_MAIN;
void command_send(struct server *s, struct control *c, json_t *args) ON_MAIN;
void command_join(struct server *s, struct control *c, json_t *args) ON_MAIN;
void command_leave(struct server *s, struct control *c, json_t *args) ON_MAIN;
void command_groups(struct server *s, struct control *c, json_t *args) ON_MAIN;
void command_kick(struct server *s, struct control *c, json_t *args) ON_MAIN;
void command_ping(struct server *s, struct control *c, json_t *args) ON_MAIN;
void command_why(struct server *s, struct control *c, json_t *args) ON_MAIN;
void command_heartbeat(struct server *s, struct control *c, json_t *args) ON_MAIN;
void command_tap(struct server *s, struct control *c, json_t *args) ON_MAIN;
void command_token(struct server *s, struct control *c, json_t *args) ON_MAIN;
void command_reload(struct server *s, struct control *c, json_t *args) ON_MAIN;
void command_drain(struct server *s, struct control *c, json_t *args) ON_MAIN;
