/* Memory for tests that ends at an unreadable page: one byte too far is a crash. */
#pragma once

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macros.h"

struct guard {
	uint8_t *map;
	size_t usable; /* bytes in front of the unreadable page */
};

static inline void guard_init(struct guard *g, size_t at_least)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	g->usable = (at_least + page - 1) / page * page;
	g->map = mmap(NULL, g->usable + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	              -1, 0);
	ASSERT(g->map != MAP_FAILED);
	ASSERT(mprotect(g->map + g->usable, page, PROT_NONE) == 0);
}

static inline void guard_fini(struct guard *g)
{
	munmap(g->map, g->usable + (size_t)sysconf(_SC_PAGESIZE));
}

/* The last @len bytes in front of the unreadable page. */
static inline uint8_t *guard_tail(const struct guard *g, size_t len)
{
	ASSERT(len <= g->usable);
	return g->map + g->usable - len;
}
