/*
 * Linear hashing: the buckets follow the nodes, of which each has one or two. A step adds or
 * removes one bucket and a call takes up to two: growing so catches up after a time without
 * memory, and shrinking, where one bucket goes for each node, ends where it began.
 */
#include "base/table.h"

#include "base/err.h"

#define STEPS 2

static struct table_node **bucket(const struct table *t, uint32_t i)
{
	return &t->segments[i / TABLE_SEGMENT][i % TABLE_SEGMENT];
}

/* Largest power of two <= n. */
static uint32_t floor_pow2(uint32_t n)
{
	return 1u << (31 - __builtin_clz(n));
}

/* The buckets below n - floor_pow2(n) have been split already and use one bit more. */
static struct table_node **bucket_of(const struct table *t, uint32_t hash)
{
	const uint32_t low = floor_pow2(t->n_buckets);
	uint32_t i = hash & (2 * low - 1);

	if (i >= t->n_buckets)
		i = hash & (low - 1);
	return bucket(t, i);
}

static bool add_segment(struct table *t)
{
	if (t->n_segments == t->cap_segments) {
		const uint32_t cap = t->cap_segments ? 2 * t->cap_segments : 8;
		struct table_node ***segments = realloc(t->segments, cap * sizeof(*segments));

		if (segments == NULL)
			return false;
		t->segments = segments;
		t->cap_segments = cap;
	}
	t->segments[t->n_segments] = calloc(TABLE_SEGMENT, sizeof(**t->segments));
	if (t->segments[t->n_segments] == NULL)
		return false;
	t->n_segments++;
	return true;
}

int table_init(struct table *t, table_hash hash, const void *arg)
{
	*t = (struct table){.hash = hash, .arg = arg, .n_buckets = TABLE_SEGMENT};
	if (add_segment(t))
		return 0;
	table_fini(t);
	return WSMD_ENOMEM;
}

void table_fini(struct table *t)
{
	for (uint32_t i = 0; i < t->n_segments; i++)
		free(t->segments[i]);
	free(t->segments);
	*t = (struct table){0};
}

/* Split the next bucket in line: its nodes go, by one more bit of hash, there or stay. */
static void grow(struct table *t)
{
	const uint32_t low = floor_pow2(t->n_buckets);
	const uint32_t to = t->n_buckets, from = to - low;

	if (to == t->n_segments * TABLE_SEGMENT && !add_segment(t))
		return;

	struct table_node **at = bucket(t, from), **moved = bucket(t, to);

	*moved = NULL;
	t->n_buckets++;
	while (*at != NULL) {
		struct table_node *n = *at;

		if ((t->hash(n, t->arg) & (2 * low - 1)) == to) {
			*at = n->next;
			n->next = *moved;
			*moved = n;
		} else {
			at = &n->next;
		}
	}
}

/* Undo the last split. A segment that falls empty is returned, one kept as slack. */
static void shrink(struct table *t)
{
	const uint32_t from = t->n_buckets - 1, to = from - floor_pow2(from);
	struct table_node **tail = bucket(t, to), *moved = *bucket(t, from);

	while (*tail != NULL)
		tail = &(*tail)->next;
	*tail = moved;
	t->n_buckets--;
	if (t->n_buckets + 2 * TABLE_SEGMENT <= t->n_segments * TABLE_SEGMENT)
		free(t->segments[--t->n_segments]);
}

static bool is_sparse(const struct table *t)
{
	return t->n_buckets > TABLE_SEGMENT && t->count < t->n_buckets;
}

void table_insert(struct table *t, struct table_node *node, uint32_t hash)
{
	for (int i = 0; i < STEPS && t->count >= TABLE_LOAD * t->n_buckets; i++)
		grow(t);

	struct table_node **b = bucket_of(t, hash);

	node->next = *b;
	*b = node;
	t->count++;
}

struct table_node *table_find(const struct table *t, uint32_t hash, table_match match,
                              const void *key)
{
	for (struct table_node *n = *bucket_of(t, hash); n != NULL; n = n->next)
		if (match(n, key))
			return n;
	return NULL;
}

void table_remove(struct table *t, struct table_node *node)
{
	struct table_node **at = bucket_of(t, t->hash(node, t->arg));

	while (*at != node) {
		ASSERT(*at != NULL);
		at = &(*at)->next;
	}
	*at = node->next;
	node->next = NULL;
	t->count--;
	for (int i = 0; i < STEPS && is_sparse(t); i++)
		shrink(t);
}

size_t table_bytes(const struct table *t)
{
	return t->n_segments * TABLE_SEGMENT * sizeof(**t->segments) +
	       t->cap_segments * sizeof(*t->segments);
}

struct table_node *table_next(const struct table *t, struct table_walk *walk)
{
	while (walk->next == NULL && walk->bucket < t->n_buckets)
		walk->next = *bucket(t, walk->bucket++);

	struct table_node *n = walk->next;

	if (n != NULL)
		walk->next = n->next;
	return n;
}
