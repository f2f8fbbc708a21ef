/*
 * Requests about groups: join, leave, list.
 *
 * Thread: the worker.
 */
#pragma once

#include "shard/request.h"
#include "worker/worker.h"

void serve_join(struct worker *w, struct request *r) ON_WORKER;
void serve_leave(struct worker *w, struct request *r) ON_WORKER;

/* A page in the order of names: the same order on every worker, so pages can be merged. */
void serve_groups(struct worker *w, struct request *r) ON_WORKER;
