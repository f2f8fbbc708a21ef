/* Stands between the code under test and the allocator (linked with --wrap). */
#include "heap.h"

#include <stdlib.h>

static _Thread_local unsigned countdown;
static bool fail_always;
static _Atomic size_t blocks;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void __wrap_free(void *p);

void heap_fail_at(unsigned n)
{
	countdown = n;
}

void heap_fail_always(bool fail)
{
	fail_always = fail;
}

size_t heap_blocks(void)
{
	return blocks;
}

static bool refuse(void)
{
	if (fail_always)
		return true;
	return countdown > 0 && --countdown == 0;
}

static void *count(void *p)
{
	blocks += p != NULL;
	return p;
}

void *__wrap_malloc(size_t size)
{
	return refuse() ? NULL : count(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return refuse() ? NULL : count(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t size)
{
	if (refuse())
		return NULL;
	return p == NULL ? count(__real_malloc(size)) : __real_realloc(p, size);
}

void __wrap_free(void *p)
{
	blocks -= p != NULL;
	__real_free(p);
}
