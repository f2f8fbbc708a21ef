/*
 * The commands of the control protocol: one row and one handler each.
 *
 * Thread: main.
 */
#pragma once

#include "server/control.h"

/* Begin the command of @request for @c, which is busy until it is answered. */
void command_run(struct server *s, struct control *c, json_t *request) ON_MAIN;

/* A worker's part is done; consumes @r. The session when its command was answered by this and
 * it is still there, or NULL. */
struct control *command_on_answer(struct server *s, struct request *r) ON_MAIN;
