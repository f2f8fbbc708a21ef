/*
 * A line each second about a run that is going on, on stderr.
 *
 * Thread: main.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "procfs.h"

struct run;

struct progress {
	uint64_t due_ns;   /* the next line */
	uint64_t shown_ns; /* the last one */
	uint64_t done;     /* at the last one, as server_cpu_s */
	double server_cpu_s;
};

void progress_init(struct progress *p, const struct run *r);

/* If it is time for one. */
void progress_show(struct progress *p, const struct run *r, uint64_t now_ns);
