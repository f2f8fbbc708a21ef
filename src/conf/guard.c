/* Noticing that jansson ran out of memory. */
#include "conf/guard.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>

#define RESERVE_BYTES (64u << 10) /* many times what a file of a few KiB becomes */

struct guard {
	_Alignas(16) char reserve[RESERVE_BYTES];
	size_t used;
	bool failed;
};

/* Per thread, because the allocator serves those without a guard too. */
static _Thread_local struct guard *current;
/* Constant once installed. */
static json_malloc_t next_malloc;
static json_free_t next_free;
static pthread_once_t installed = PTHREAD_ONCE_INIT;

static void *guarded_malloc(size_t n)
{
	struct guard *g = current;
	void *p = next_malloc(n);

	if (p != NULL || g == NULL)
		return p;
	g->failed = true;
	if (n > RESERVE_BYTES - g->used)
		return NULL;
	p = g->reserve + g->used;
	g->used += (n + 15) & ~(size_t)15;
	return p;
}

static void guarded_free(void *p)
{
	const struct guard *g = current;

	if (g != NULL && (uintptr_t)p - (uintptr_t)g->reserve < RESERVE_BYTES)
		return;
	next_free(p);
}

static void install(void)
{
	json_get_alloc_funcs(&next_malloc, &next_free);
	json_set_alloc_funcs(guarded_malloc, guarded_free);
}

struct guard *guard_enter(void)
{
	struct guard *g = malloc(sizeof(*g));

	if (g == NULL)
		return NULL;
	/* Twice would be a guard before itself. Two managers may be born at the same moment. */
	pthread_once(&installed, install);
	ASSERT(current == NULL);
	g->used = 0;
	g->failed = false;
	current = g;
	return g;
}

bool guard_leave(struct guard *g)
{
	const bool failed = g->failed;

	ASSERT(current == g);
	current = NULL;
	free(g);
	return failed;
}
