/* `stats --watch`: the statistics again and again, with rates. */
#pragma once

#include "wsmctl/command.h"

/**
 * On a terminal one picture is repainted; elsewhere each interval appends a line. Ends on q and
 * on SIGINT, SIGTERM and SIGHUP, with the terminal as it was, or when wsmd goes away.
 *
 * Cost:    blocks
 * Returns: an exit code
 */
int watch_run(struct invocation *in, double interval_s);
