/*
 * A newcomer whose user has limits.max_connections_per_user connections already: who makes room
 * for him, as limits.user_policy says.
 *
 *   close_oldest  the one that came first
 *   refuse        nobody who is alive; but whoever does not answer loses his place, so that dead
 *                 connections never lock a user out. All that have been quiet are pinged, the
 *                 newcomer is told to come again in a few seconds, and then they are known.
 *
 * Thread: the worker that owns the user.
 */
#pragma once

#include "hub/registry.h"
#include "worker/worker.h"

/* True: there is room for one more of @u. Connections may have been told to close. */
bool user_limit_admits(struct worker *w, struct user *u) ON_WORKER;
