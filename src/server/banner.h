/*
 * What `wsmd --dev` tells a newcomer: where it is, what it can hold, and what to type next.
 *
 * Thread: main.
 */
#pragma once

#include <stdio.h>

#include "server/server.h"

void banner_print(const struct server *s, FILE *out) ON_MAIN;
