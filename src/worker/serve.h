/*
 * Requests from other threads: what each kind does here, and its answer.
 *
 * Thread: the worker.
 */
#pragma once

#include "shard/request.h"
#include "worker/worker.h"

/* @c as it is shown. */
void serve_row(const struct worker *w, const struct conn *c, struct conn_row *row) ON_WORKER;

/* Do it and give @r back: at once or, for a ping, a ranking and a message to many, later. */
void serve_request(struct worker *w, struct request *r) ON_WORKER;
