/* Making the list of faults; conf.h says how to read and free it. */
#pragma once

#include "conf/conf.h"

/* Add one line; control bytes in it become '?'. Returns 0 or WSMD_ENOMEM. */
MUST_CHECK int faults_add(struct conf_faults *f, const char *fmt, ...) PRINTF(2, 3);
