/* The manual, in both of its forms, from the tables of command.h. */
#pragma once

#include "wsmctl/command.h"

/* On stdout. NULL: wsmctl as a whole. */
void help_print(const struct command *command);
