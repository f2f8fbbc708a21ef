/* Which environment the server runs in, and with it which profile of defaults. */
#pragma once

#include "conf/conf.h"

/**
 * @option  what --env said; NULL: WSMD_ENV, then ENVIRONMENT, then development
 *
 * Thread:  main (reads the process environment)
 * Returns: 0; WSMD_ECONFIG with one fault added; WSMD_ENOMEM
 */
MUST_CHECK int env_choose(const char *option, enum conf_env *ret, struct conf_faults *faults);
