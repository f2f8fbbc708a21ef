/* The last words of a process that found its own state impossible. */
#include "base/macros.h"

#include <stdio.h>

void assert_failed(const char *what, const char *file, int line)
{
	fprintf(stderr, "wsmd: assertion failed: %s at %s:%d\n", what, file, line);
	abort();
}
