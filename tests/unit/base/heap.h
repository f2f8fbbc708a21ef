/* The allocator of a test program: the n-th allocation fails on demand, and blocks are counted. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The @n-th allocation of this thread from now on fails, once; 0: none does. */
void heap_fail_at(unsigned n);

/* From now on every allocation fails, or none. */
void heap_fail_always(bool fail);

/* Blocks in use that were allocated by the code under test. */
size_t heap_blocks(void);
