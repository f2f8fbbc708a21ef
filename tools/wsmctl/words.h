/* The command line, read against the tables of command.h. */
#pragma once

#include "base/macros.h"
#include "wsmctl/command.h"

/**
 * Options stand anywhere, as "--name value" or "--name=value"; "--" ends them; "-" is a word.
 * Every value is checked, the number of words is not: "kick --help" is complete.
 *
 * @in->args, @in->list  room for argc words each
 *
 * Returns: 0, or WSMD_CTL_USAGE after saying what is wrong
 */
MUST_CHECK int words_read(struct invocation *in, int argc, char **argv);

/* The number of words and the options fit the command. Returns: like words_read() */
MUST_CHECK int words_fit(const struct invocation *in);

/* Say that there is no command @name, and which one is near. Returns: WSMD_CTL_USAGE */
int words_no_command(const struct invocation *in, const char *name);
