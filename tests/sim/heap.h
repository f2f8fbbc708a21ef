/* Stands between the program and the allocator: in the server's turns every so-many-th
 * allocation fails, if the world says so. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

void heap_begin(void); /* of a world */

/* The server runs from here on, or no longer. */
void heap_enter_server(void);
void heap_leave_server(void);

/* The simulator's own: never fails. */
void *heap_real_realloc(void *p, size_t bytes);
