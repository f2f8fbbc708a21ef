/* Allocation with failures (linked with --wrap). */
#include "heap.h"

#include <stdint.h>
#include <stdlib.h>

#include "world.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);

static bool in_server;
static uint64_t countdown;

void heap_begin(void)
{
	in_server = false;
	countdown = 0;
}

void heap_enter_server(void)
{
	in_server = true;
}

void heap_leave_server(void)
{
	in_server = false;
}

static bool refuse(void)
{
	if (!in_server || world.faults.heap == 0)
		return false;
	if (countdown == 0)
		countdown = chance_between(1, world.faults.heap);
	if (--countdown > 0)
		return false;
	world.hurt = true;
	TRACE("an allocation fails");
	return true;
}

void *__wrap_malloc(size_t size)
{
	return refuse() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return refuse() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return refuse() ? NULL : __real_realloc(p, size);
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
	return refuse() ? NULL : __real_aligned_alloc(align, size);
}

void *heap_real_realloc(void *p, size_t bytes)
{
	return __real_realloc(p, bytes);
}
