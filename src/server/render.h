/*
 * Things of the server as JSON, for the control protocol.
 *
 * Thread: main. All return NULL when out of memory.
 */
#pragma once

#include <jansson.h>

#include "server/server.h"
#include "shard/request.h"

json_t *render_outcome(const struct outcome *o);
json_t *render_outcome_row(const struct outcome_row *row);
/* @names: those of request.names, and with them the long fields; NULL: without. */
json_t *render_row(const struct conn_row *row, const char *names);
json_t *render_heartbeat(const struct heartbeat *h);
json_t *render_stats(const struct server *s, const struct stats_snapshot *snapshot) ON_MAIN;
json_t *render_conf(const struct conf *c);
