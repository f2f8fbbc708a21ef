/*
 * One list of errors, which embedding programs see too: include/wsmd/error.h. Functions return 0
 * or a negative number: -errno from the kernel as it is, or one of these. "Need more" and "would
 * block" are answers, not faults.
 */
#pragma once

#include "wsmd/error.h"

/* Text of an error of this list or of a negated errno; never NULL, not to be freed. */
const char *err_text(int err);
