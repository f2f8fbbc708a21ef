/*
 * Which counters any seed has moved: a counter that nothing moves tells nobody anything.
 *
 * A seed lives in a process of its own, so the marks are in memory that all of them share.
 */
#pragma once

#include <stdbool.h>

#include "server/server.h"

/* Before the first seed. Ends the process when there is no memory. */
void moved_begin(void);

/* Mark what is not 0 now; a gauge is 0 again at the end. */
void moved_note(const struct server *s) ON_MAIN;

/**
 * After the last seed: every counter must have moved, but for those that @path lists with the
 * reason why not. Prints what is missing.
 *
 * Returns: whether all is well
 */
bool moved_report(const char *path);
