/* A heap in an array: the children of i are 2i + 1 and 2i + 2. */
#include "shard/ranking.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

struct ranking *ranking_new(enum ranking_key key, bool reverse, uint32_t max)
{
	struct ranking *r = malloc(sizeof(*r) + max * sizeof(r->entries[0]));

	if (r != NULL)
		*r = (struct ranking){.key = key, .reverse = reverse, .max = max};
	return r;
}

static void swap(struct ranked *a, struct ranked *b)
{
	const struct ranked was = *a;

	*a = *b;
	*b = was;
}

static void sink(struct ranking *r)
{
	for (uint32_t i = 0, least = 0;; i = least) {
		for (uint32_t child = 2 * i + 1; child <= 2 * i + 2 && child < r->n; child++)
			if (r->entries[child].weight < r->entries[least].weight)
				least = child;
		if (least == i)
			return;
		swap(&r->entries[i], &r->entries[least]);
	}
}

static void rise(struct ranking *r)
{
	for (uint32_t i = r->n - 1; i > 0; i = (i - 1) / 2) {
		struct ranked *parent = &r->entries[(i - 1) / 2];

		if (parent->weight <= r->entries[i].weight)
			return;
		swap(parent, &r->entries[i]);
	}
}

void ranking_offer(struct ranking *r, uint64_t value, uint64_t conn)
{
	const uint64_t weight = r->reverse ? UINT64_MAX - value : value;

	if (r->n < r->max) {
		r->entries[r->n++] = (struct ranked){weight, conn};
		rise(r);
	} else if (r->max > 0 && weight > r->entries[0].weight) {
		r->entries[0] = (struct ranked){weight, conn};
		sink(r);
	}
}

static int compare(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return x->conn < y->conn ? -1 : x->conn > y->conn;
}

void ranking_sort(struct ranking *r)
{
	qsort(r->entries, r->n, sizeof(r->entries[0]), compare);
}

bool ranking_key_find(const char *word, enum ranking_key *ret)
{
	static const char *const words[] = {
#define X(name, word) [name] = word,
		RANKING_KEYS(X)
#undef X
	};

	for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(words[i], word) == 0) {
			*ret = (enum ranking_key)i;
			return true;
		}
	}
	return false;
}
