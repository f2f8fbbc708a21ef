/*
 * Reading from a connection: bytes to frames to what is done about them.
 *
 * Thread: the worker that owns the connection.
 */
#pragma once

#include "worker/conn.h"

/* One read of at most WORKER_READ_BYTES, worked off, replies written. */
void input_readable(struct worker *w, struct conn *c) ON_WORKER;

/* Bytes that are here already: what came behind the request head. Changed in place. Between
 * output_begin() and output_end(). */
void input_consume(struct worker *w, struct conn *c, uint8_t *data, size_t len) ON_WORKER;
