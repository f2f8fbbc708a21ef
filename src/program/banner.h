/*
 * What `wsmd --dev` tells a newcomer: where it is, what it can hold, and what to type next.
 *
 * Thread: the program's.
 */
#pragma once

#include <stdio.h>

#include "wsmd/manager.h"

/* @program  how wsmd was called: its neighbours are called the same way */
void banner_print(const struct wsmd_manager *m, const char *program, FILE *out);
