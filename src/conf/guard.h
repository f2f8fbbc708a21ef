/*
 * Makes jansson honest about memory. Its lexer ignores a failed allocation and goes on with a
 * character missing: then it reads another value than the file says, calls a good file a bad
 * one, or aborts. Inside a guard such an allocation is served from a reserve and remembered,
 * so that jansson finishes its work and the result can be thrown away.
 *
 * The first guard of the process puts itself before jansson's allocator, whichever that is.
 *
 * Thread: any, each its own guards; the first one of the process while no thread is in jansson
 *         but those that are here.
 */
#pragma once

#include <stdbool.h>

#include "base/macros.h"

struct guard;

/* One at a time. NULL: out of memory. */
MUST_CHECK struct guard *guard_enter(void);

/* After the last value made inside was freed. True: memory was short, trust nothing. */
MUST_CHECK bool guard_leave(struct guard *g);
