/*
 * What `wsmd --dev` tells a newcomer: where it is, what it can hold, and what to type next.
 *
 * Thread: main.
 */
#pragma once

#include <stdio.h>

#include "server/server.h"

/* @program  how wsmd was called: its neighbours are called the same way */
void banner_print(const struct server *s, const char *program, FILE *out) ON_MAIN;
