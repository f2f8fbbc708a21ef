/* The hash table against a model, against adversaries, and without memory. */
#include "base/table.h"

#include <criterion/criterion.h>

#include <signal.h>
#include <string.h>

#include "base/err.h"
#include "heap.h"

struct item {
	struct table_node node;
	uint32_t key;
	bool in;
};

#define N_ITEMS 20000

static struct item items[N_ITEMS];
static uint64_t rng_state = 7;

static uint64_t rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

static bool match(const struct table_node *node, const void *key)
{
	return CONTAINER_OF(node, const struct item, node)->key == *(const uint32_t *)key;
}

/* A mixing of 32 bits without collisions. */
static uint32_t good_hash(uint32_t key)
{
	key = (key ^ key >> 16) * 0x45d9f3b;
	key = (key ^ key >> 16) * 0x45d9f3b;
	return key ^ key >> 16;
}

static uint32_t one_hash(uint32_t key)
{
	(void)key;
	return 0xdeadbeef;
}

/* Equal in all bits that a small table looks at. */
static uint32_t high_bits(uint32_t key)
{
	return key << 16;
}

/* What the table under test asks. */
static uint32_t (*hash_now)(uint32_t);

static uint32_t hash_of(const struct table_node *node, const void *arg)
{
	cr_assert_eq(arg, items);
	return hash_now(CONTAINER_OF(node, const struct item, node)->key);
}

static int init(struct table *t, uint32_t (*hash)(uint32_t))
{
	hash_now = hash;
	return table_init(t, hash_of, items);
}

static void check_present(const struct table *t, uint32_t i, uint32_t (*hash)(uint32_t))
{
	const struct table_node *found = table_find(t, hash(i), match, &i);

	cr_assert_eq(found, items[i].in ? &items[i].node : NULL, "item %u", i);
}

static void put(struct table *t, uint32_t i, uint32_t (*hash)(uint32_t))
{
	items[i].key = i;
	items[i].in = true;
	table_insert(t, &items[i].node, hash(i));
}

static void take(struct table *t, uint32_t i)
{
	items[i].in = false;
	table_remove(t, &items[i].node);
}

static void check_whole(const struct table *t, uint32_t count, uint32_t (*hash)(uint32_t))
{
	struct table_walk walk = {0};
	uint32_t walked = 0;
	struct table_node *node;

	for (uint32_t i = 0; i < N_ITEMS; i++)
		check_present(t, i, hash);
	while ((node = table_next(t, &walk)) != NULL) {
		cr_assert(CONTAINER_OF(node, struct item, node)->in);
		walked++;
	}
	cr_assert_eq(walked, count);
	cr_assert_eq(t->count, count);
	cr_assert(t->n_buckets >= TABLE_SEGMENT);
	cr_assert(t->n_buckets * TABLE_LOAD >= count, "%u buckets for %u nodes", t->n_buckets,
	          count);
	cr_assert(t->n_buckets <= TABLE_SEGMENT || t->n_buckets <= count + 2 ||
	                  t->n_buckets <= N_ITEMS,
	          "%u buckets for %u nodes", t->n_buckets, count);
}

/* Tides: long stretches that mostly insert, then mostly remove, down to nothing. */
Test(table, agrees_with_the_model_on_random_runs)
{
	static const struct {
		uint32_t (*hash)(uint32_t);
		uint32_t n_items;
	} rows[] = {{good_hash, N_ITEMS}, {high_bits, 500}};
	struct table t;

	for (size_t h = 0; h < ARRAY_LEN(rows); h++) {
		uint32_t count = 0, greatest = 0;

		memset(items, 0, sizeof(items));
		cr_assert_eq(init(&t, rows[h].hash), 0);
		for (unsigned step = 0; step < 200000; step++) {
			const uint32_t i = (uint32_t)(rng() % rows[h].n_items);
			const bool rising = step / 50000 % 2 == 0;

			check_present(&t, i, rows[h].hash);
			if (!items[i].in && (rising || rng() % 8 == 0)) {
				put(&t, i, rows[h].hash);
				count++;
			} else if (items[i].in && (!rising || rng() % 8 == 0)) {
				take(&t, i);
				count--;
			}
			greatest = count > greatest ? count : greatest;
			if (step % 10000 == 0)
				check_whole(&t, count, rows[h].hash);
		}
		cr_assert_gt(greatest, rows[h].n_items / 2);
		table_fini(&t);
		cr_assert_eq(heap_blocks(), 0);
	}
}

/* After everybody has left, the buckets have left too. */
Test(table, shrinks_to_where_it_began)
{
	struct table t;

	cr_assert_eq(init(&t, good_hash), 0);

	const size_t bytes = table_bytes(&t);

	for (uint32_t i = 0; i < N_ITEMS; i++)
		put(&t, i, good_hash);
	cr_assert_eq(t.n_buckets, N_ITEMS / TABLE_LOAD);
	for (uint32_t i = N_ITEMS; i-- > 0;) {
		take(&t, i);
		cr_assert(t.n_buckets <= TABLE_SEGMENT || t.n_buckets <= t.count + 2 ||
		                  t.count > N_ITEMS / 4,
		          "%u buckets for %u nodes", t.n_buckets, t.count);
	}
	cr_assert_eq(t.n_buckets, TABLE_SEGMENT);
	cr_assert(t.n_segments <= 2, "one segment and one of slack");
	cr_assert(table_bytes(&t) <= bytes + TABLE_SEGMENT * sizeof(void *) + N_ITEMS / 16,
	          "%zu bytes, %zu at first", table_bytes(&t), bytes);
	table_fini(&t);
	cr_assert_eq(heap_blocks(), 0);
}

Test(table, equal_hashes_are_slow_but_right)
{
	enum {
		N = 2000
	};
	struct table t;
	uint32_t count = N;

	cr_assert_eq(init(&t, one_hash), 0);
	for (uint32_t i = 0; i < N; i++)
		put(&t, i, one_hash);
	check_whole(&t, N, one_hash);
	while (count > 0) {
		const uint32_t i = (uint32_t)(rng() % N);

		if (!items[i].in)
			continue;
		take(&t, i);
		check_present(&t, i, one_hash);
		count--;
	}
	check_whole(&t, 0, one_hash);
	table_fini(&t);
}

Test(table, without_memory_chains_grow_and_later_it_catches_up)
{
	struct table t;

	cr_assert_eq(init(&t, good_hash), 0);
	heap_fail_always(true);
	for (uint32_t i = 0; i < N_ITEMS / 2; i++)
		put(&t, i, good_hash);
	cr_assert_eq(t.n_buckets, TABLE_SEGMENT);
	for (uint32_t i = 0; i < N_ITEMS; i++)
		check_present(&t, i, good_hash);
	heap_fail_always(false);
	for (uint32_t i = N_ITEMS / 2; i < N_ITEMS; i++)
		put(&t, i, good_hash);
	check_whole(&t, N_ITEMS, good_hash);
	table_fini(&t);
	cr_assert_eq(heap_blocks(), 0);
}

Test(table, each_allocation_may_fail)
{
	for (unsigned n = 1; n < 100; n++) {
		struct table t;

		memset(items, 0, sizeof(items));
		heap_fail_at(n);
		const int err = init(&t, good_hash);

		cr_assert_eq(err, n <= 2 ? WSMD_ENOMEM : 0);
		for (uint32_t i = 0; err == 0 && i < N_ITEMS; i++)
			put(&t, i, good_hash);
		heap_fail_at(0);
		if (err == 0) {
			check_whole(&t, N_ITEMS, good_hash);
			table_fini(&t);
		}
		cr_assert_eq(heap_blocks(), 0);
	}
}

Test(table, removing_a_stranger_is_fatal, .signal = SIGABRT)
{
	struct table t;
	struct item stranger = {.key = 1};

	cr_assert_eq(init(&t, good_hash), 0);
	put(&t, 1, good_hash);
	table_remove(&t, &stranger.node);
}
