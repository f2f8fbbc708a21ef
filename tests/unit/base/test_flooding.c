/*
 * User ids made to collide: under SipHash with a random key the table must not notice them.
 * The makers are checked: under the weak hash that is aimed at, all their ids are equal.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/siphash.h"
#include "base/table.h"

#define N_IDS  100000
#define STAGES 17 /* 2^17 > N_IDS */

/*
 * An iterated hash that has two blocks leading from one state to the same next one gives, with
 * k such pairs in a row, 2^k ids of one hash: bit i of the number chooses from pair i.
 */
struct pairs {
	size_t block_len;
	char block[STAGES][2][8];
};

typedef uint32_t (*weak_step)(uint32_t state, const char *block, size_t len);

static uint32_t djb2_step(uint32_t h, const char *block, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h = h * 33 + (unsigned char)block[i];
	return h;
}

static uint32_t fnv1a_step(uint32_t h, const char *block, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)block[i]) * 16777619u;
	return h;
}

static uint32_t rotl(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

static uint32_t murmur3_step(uint32_t h, const char *block, size_t len)
{
	for (size_t i = 0; i < len; i += 4) {
		uint32_t k;

		memcpy(&k, block + i, 4);
		h ^= rotl(k * 0xcc9e2d51u, 15) * 0x1b873593u;
		h = rotl(h, 13) * 5 + 0xe6546b64u;
	}
	return h;
}

/* Try numbered blocks until two meet; 2^16 tries are enough for one in two. */
static void birthday(weak_step step, uint32_t state, size_t len, char pair[2][8])
{
	static uint32_t tried[1 << 20]; /* by the low bits of the state: number of the block, + 1 */

	memset(tried, 0, sizeof(tried));
	for (uint32_t i = 1;; i++) {
		char text[2][24];

		snprintf(text[0], sizeof(text[0]), "%08x", i * 2654435761u);

		const uint32_t reached = step(state, text[0], len);
		uint32_t *before = &tried[reached % ARRAY_LEN(tried)];

		snprintf(text[1], sizeof(text[1]), "%08x", *before * 2654435761u);
		if (*before != 0 && step(state, text[1], len) == reached) {
			memcpy(pair[0], text[0], len);
			memcpy(pair[1], text[1], len);
			return;
		}
		*before = i;
	}
}

static void make_pairs(struct pairs *p, weak_step step, uint32_t state)
{
	p->block_len = 8;
	for (unsigned i = 0; i < STAGES; i++) {
		birthday(step, state, p->block_len, p->block[i]);
		state = step(state, p->block[i][0], p->block_len);
	}
}

static size_t id_of(const struct pairs *p, uint32_t number, char *id)
{
	for (unsigned i = 0; i < STAGES; i++)
		memcpy(id + i * p->block_len, p->block[i][number >> i & 1], p->block_len);
	return STAGES * p->block_len;
}

static struct item {
	struct table_node node;
	uint32_t hash;
} items[N_IDS];

static uint32_t hash_of(const struct table_node *node, const void *arg)
{
	(void)arg;
	return CONTAINER_OF(node, const struct item, node)->hash;
}

/* Nodes looked at to find a present key, on average. */
static double mean_probe(const struct table *t)
{
	double looked_at = 0;

	for (uint32_t b = 0; b < t->n_buckets; b++) {
		double depth = 0;

		for (const struct table_node *n = t->segments[b / TABLE_SEGMENT][b % TABLE_SEGMENT];
		     n != NULL; n = n->next)
			looked_at += ++depth;
	}
	return looked_at / t->count;
}

typedef size_t (*id_maker)(const void *arg, uint32_t number, char *id);

static double probe_of(id_maker make, const void *arg, const struct siphash_key *key)
{
	struct table t;
	double probe;

	cr_assert_eq(table_init(&t, hash_of, NULL), 0);
	for (uint32_t i = 0; i < N_IDS; i++) {
		char id[STAGES * 8];
		const size_t len = make(arg, i, id);

		items[i].hash = (uint32_t)siphash(key, id, len);
		table_insert(&t, &items[i].node, items[i].hash);
	}
	probe = mean_probe(&t);
	table_fini(&t);
	return probe;
}

static size_t make_colliding(const void *arg, uint32_t number, char *id)
{
	return id_of(arg, number, id);
}

static size_t make_stepped(const void *arg, uint32_t number, char *id)
{
	const uint64_t value = (uint64_t)number << *(const unsigned *)arg;

	memcpy(id, &value, sizeof(value));
	return sizeof(value);
}

static size_t make_decimal(const void *arg, uint32_t number, char *id)
{
	return (size_t)snprintf(id, 32, "user-%llu",
	                        (unsigned long long)number << *(const unsigned *)arg);
}

static size_t make_random(const void *arg, uint32_t number, char *id)
{
	uint64_t x = number + *(const uint64_t *)arg;

	for (size_t i = 0; i < 16; i++) {
		x = (x ^ x >> 31) * UINT64_C(0x9e3779b97f4a7c15) + 1;
		id[i] = (char)(x >> 56);
	}
	return 16;
}

static const struct siphash_key keys[] = {
	{0x0123456789abcdef, 0xfedcba9876543210},
	{0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9},
	{1, 0},
};

static void check_like_random(const char *name, id_maker make, const void *arg)
{
	for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
		const uint64_t seed = 99;
		const double random = probe_of(make_random, &seed, &keys[k]);
		const double probe = probe_of(make, arg, &keys[k]);

		cr_assert(probe <= 1.5 * random, "%s: %.2f, random ids %.2f", name, probe, random);
	}
}

static const struct {
	const char *name;
	weak_step step;
	uint32_t start;
} weak_hashes[] = {
	{"djb2", djb2_step, 5381},
	{"FNV-1a", fnv1a_step, 2166136261u},
	{"murmur3", murmur3_step, 0},
};

Test(flooding, ids_that_collide_under_weak_hashes)
{
	static struct pairs p;

	for (size_t w = 0; w < ARRAY_LEN(weak_hashes); w++) {
		char id[STAGES * 8];
		uint32_t first = 0;

		make_pairs(&p, weak_hashes[w].step, weak_hashes[w].start);
		for (uint32_t i = 0; i < N_IDS; i++) {
			const size_t len = id_of(&p, i, id);
			const uint32_t weak = weak_hashes[w].step(weak_hashes[w].start, id, len);

			first = i == 0 ? weak : first;
			cr_assert_eq(weak, first, "%s: id %u is no attack", weak_hashes[w].name, i);
		}
		check_like_random(weak_hashes[w].name, make_colliding, &p);
	}
}

Test(flooding, ids_equal_in_their_low_bits)
{
	static const unsigned shifts[] = {0, 8, 12, 16, 20, 32, 40};

	for (size_t i = 0; i < ARRAY_LEN(shifts); i++) {
		check_like_random("binary", make_stepped, &shifts[i]);
		check_like_random("decimal", make_decimal, &shifts[i]);
	}
}
