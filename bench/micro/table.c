/* Looking up connections by name, hash included: hits and misses, few and many. */
#include <stdio.h>

#include "base/macros.h"
#include "base/siphash.h"
#include "base/table.h"
#include "micro.h"

static const struct siphash_key key = {1, 2};

struct entry {
	struct table_node node;
	uint64_t name;
};

struct names {
	struct table table;
	struct entry *entries;
	struct entry **order; /* all entries in a random order: for the yardstick */
	uint32_t n, at;
	uint64_t first; /* of the names to look for */
};

static uint32_t hash_of(uint64_t name)
{
	return (uint32_t)siphash(&key, &name, sizeof(name));
}

static bool has_name(const struct table_node *node, const void *name)
{
	return CONTAINER_OF(node, const struct entry, node)->name == *(const uint64_t *)name;
}

static uint32_t hash_of_node(const struct table_node *node, const void *arg UNUSED)
{
	return hash_of(CONTAINER_OF(node, const struct entry, node)->name);
}

static void fill(struct names *s, uint32_t n)
{
	uint64_t seed = 1;

	*s = (struct names){.n = n};
	s->entries = micro_memory(n * sizeof(*s->entries));
	s->order = micro_memory(n * sizeof(struct entry *));
	ASSERT(table_init(&s->table, hash_of_node, NULL) == 0);
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t j = (uint32_t)(micro_random(&seed) % (i + 1));

		s->order[i] = s->order[j];
		s->order[j] = &s->entries[i];
		s->entries[i].name = i;
		table_insert(&s->table, &s->entries[i].node, hash_of(i));
	}
}

/* Names one after the other have nothing in common but that: their hashes are random. */
static void run_find(void *arg, uint64_t n)
{
	struct names *s = arg;

	while (n-- > 0) {
		const uint64_t name = s->first + s->at;
		const struct table_node *node =
			table_find(&s->table, hash_of(name), has_name, &name);

		micro_use((uintptr_t)node);
		s->at = s->at + 1 < s->n ? s->at + 1 : 0;
	}
}

/* The least that a look-up can be: the hash, and one entry read. */
static void run_read(void *arg, uint64_t n)
{
	struct names *s = arg;

	while (n-- > 0) {
		micro_use(hash_of(s->at));
		micro_use(s->order[s->at]->name);
		s->at = s->at + 1 < s->n ? s->at + 1 : 0;
	}
}

static void measure(struct names *s, const char *name, uint64_t first)
{
	s->first = first;
	micro_measure(&(struct micro_case){
		.name = name,
		.run = run_find,
		.arg = s,
		.yardstick = {.name = "hash + read", .run = run_read, .arg = s},
	});
}

void micro_table(void)
{
	struct names few, many;

	fill(&few, 20000);
	measure(&few, "table: there, of 20 000", 0);
	measure(&few, "table: not there, of 20 000", few.n);
	table_fini(&few.table);
	fill(&many, 1000000);
	measure(&many, "table: there, of 1 000 000", 0);
	measure(&many, "table: not there, of 1 000 000", many.n);
	table_fini(&many.table);
}
