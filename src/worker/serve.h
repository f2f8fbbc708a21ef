/*
 * Requests from other threads: what each kind does here, and its answer.
 *
 * Thread: the worker.
 */
#pragma once

#include "shard/request.h"
#include "worker/worker.h"

/* Do it and give @r back, at once or, for a ping, later. */
void serve_request(struct worker *w, struct request *r) ON_WORKER;
