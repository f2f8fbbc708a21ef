/* A short-lived program has one answer to want of memory: say so and end. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include <wsmd/ctl.h>

/* Wraps each allocation, jansson's too. Returns: @p, never NULL. */
static inline void *must(void *p)
{
	if (p == NULL) {
		fputs("wsmctl: out of memory\n", stderr);
		exit(WSMD_CTL_FAILED);
	}
	return p;
}
