/*
 * Events of a tap as JSON, a line each.
 *
 * Thread: main. All return NULL when out of memory.
 */
#pragma once

#include <jansson.h>

#include "shard/tap.h"

/* @missed: events that were left out before it. */
json_t *render_tap_event(const struct tap_event *e, uint64_t missed);
json_t *render_tap_end(const char *reason, uint64_t missed);
