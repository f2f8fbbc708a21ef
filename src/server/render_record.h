/*
 * Records as JSON, for the command why.
 *
 * Thread: main. Returns NULL when out of memory.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "server/why_text.h"

json_t *render_record(const struct record *r, const struct why_context *x, bool with_events);
