/* Slabs: handles die with their object, bounds hold, and memory may fail at any point. */
#include "base/slab.h"

#include <criterion/criterion.h>

#include <signal.h>
#include <string.h>

#include "heap.h"

struct object {
	struct slab_head head;
	uint32_t value;
	char padding[52];
};

static uint64_t rng_state = 42;

static uint64_t rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

Test(slab, objects_are_zeroed_even_when_reused)
{
	struct slab s;

	slab_init(&s, sizeof(struct object), 10);
	for (unsigned i = 0; i < 100; i++) {
		static const char zeroes[sizeof(struct object) - sizeof(struct slab_head)];
		struct object *o = slab_new(&s);

		cr_assert_not_null(o);
		cr_assert_eq(memcmp(&o->head + 1, zeroes, sizeof(zeroes)), 0);
		memset(&o->head + 1, 0xff, sizeof(zeroes));
		slab_free(&s, o);
	}
	slab_fini(&s);
	cr_assert_eq(heap_blocks(), 0);
}

Test(slab, a_handle_dies_with_its_object)
{
	struct slab s;
	slab_handle old[1000];

	slab_init(&s, sizeof(struct object), 10);
	for (unsigned i = 0; i < ARRAY_LEN(old); i++) {
		struct object *o = slab_new(&s);

		old[i] = slab_handle_of(o);
		cr_assert_eq(o->head.index, 0, "the memory is reused");
		cr_assert_eq(slab_get(&s, old[i]), o);
		slab_free(&s, o);
		for (unsigned k = 0; k <= i; k++)
			cr_assert_null(slab_get(&s, old[k]));
	}
	slab_free(&s, NULL);
	slab_fini(&s);
}

/* For statistics: what was used before, and whether anything has changed at all. */
Test(slab, reuse_is_counted)
{
	struct slab s;
	struct object *a, *b;

	slab_init(&s, sizeof(struct object), 10);
	a = slab_new(&s);
	b = slab_new(&s);
	cr_assert_eq(s.reused, 0, "both are fresh");
	cr_assert_eq(s.changes, 2);
	slab_free(&s, a);
	slab_free(&s, b);
	cr_assert_eq(s.changes, 4);
	(void)!slab_new(&s);
	(void)!slab_new(&s);
	cr_assert_eq(s.reused, 2);
	(void)!slab_new(&s);
	cr_assert_eq(s.reused, 2, "a third one was never there");
	slab_fini(&s);
}

/* After 2^31 reuses the generation begins again; the parity must survive that. */
Test(slab, the_generation_wraps_and_stays_odd_in_use)
{
	struct slab s;

	slab_init(&s, sizeof(struct object), 1);

	struct object *o = slab_new(&s);

	o->head.generation = UINT32_MAX;
	slab_free(&s, o);
	cr_assert_eq(o->head.generation, 0);
	o = slab_new(&s);
	cr_assert_eq(o->head.generation, 1);
	cr_assert_eq(slab_get(&s, slab_handle_of(o)), o);
	slab_fini(&s);
}

Test(slab, any_number_is_a_safe_question)
{
	static const uint32_t edges[] = {0,    1,    2,          3,          1023,
	                                 1024, 1025, 0x7fffffff, 0x80000000, UINT32_MAX};
	struct slab s;

	slab_init(&s, sizeof(struct object), 100);
	cr_assert_null(slab_get(&s, (uint64_t)0 << 32 | 1), "nothing was made yet");

	struct object *o = slab_new(&s);
	const slab_handle live = slab_handle_of(o);

	for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
		for (size_t g = 0; g < ARRAY_LEN(edges); g++) {
			const slab_handle h = (uint64_t)edges[i] << 32 | edges[g];

			cr_assert_eq(slab_get(&s, h), h == live ? o : NULL);
		}
	}
	for (unsigned i = 0; i < 100000; i++) {
		const slab_handle h = rng() >> (rng() % 64);

		cr_assert_eq(slab_get(&s, h), h == live ? o : NULL);
	}
	slab_fini(&s);
	cr_assert_null(slab_get(&s, live), "nothing lives after the end");
}

Test(slab, the_limit_holds_and_frees_up)
{
	struct slab s;
	struct object *objects[3000];

	slab_init(&s, sizeof(struct object), ARRAY_LEN(objects));
	for (unsigned i = 0; i < ARRAY_LEN(objects); i++)
		cr_assert_not_null(objects[i] = slab_new(&s));
	cr_assert_null(slab_new(&s));
	cr_assert_eq(s.in_use, ARRAY_LEN(objects));
	slab_free(&s, objects[1234]);
	cr_assert_not_null(objects[1234] = slab_new(&s));
	cr_assert_null(slab_new(&s));

	const size_t bytes = slab_bytes(&s);

	for (unsigned i = 0; i < ARRAY_LEN(objects); i++)
		slab_free(&s, objects[i]);
	cr_assert_eq(s.in_use, 0);
	cr_assert_eq(slab_bytes(&s), bytes, "memory stays ...");
	cr_assert_geq(slab_room(&s), ARRAY_LEN(objects));
	slab_trim(&s);
	cr_assert_eq(slab_room(&s), 1u << s.chunk_shift, "... until one chunk is enough");
	cr_assert_lt(slab_bytes(&s), bytes / 2);
	slab_fini(&s);
	cr_assert_eq(slab_bytes(&s), 0);
	cr_assert_eq(heap_blocks(), 0);
}

Test(slab, objects_of_any_size_are_aligned_and_do_not_overlap)
{
	static const size_t sizes[] = {8, 9, 16, 24, 100, 4096, 40000, 65536, 65537, 200000};
	void *objects[40];
	struct slab s;

	for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
		const size_t payload = sizes[k] - sizeof(struct slab_head);

		slab_init(&s, sizes[k], ARRAY_LEN(objects));
		for (unsigned i = 0; i < ARRAY_LEN(objects); i++) {
			objects[i] = slab_new(&s);
			cr_assert_not_null(objects[i]);
			cr_assert_eq((uintptr_t)objects[i] % SLAB_ALIGN, 0);
			memset((char *)objects[i] + sizeof(struct slab_head), (int)i, payload);
		}
		for (unsigned i = 0; i < ARRAY_LEN(objects); i++) {
			const unsigned char *bytes =
				(unsigned char *)objects[i] + sizeof(struct slab_head);

			cr_assert_eq(slab_get(&s, slab_handle_of(objects[i])), objects[i]);
			for (size_t b = 0; b < payload; b++)
				cr_assert_eq(bytes[b], i);
		}
		cr_assert(slab_bytes(&s) >= ARRAY_LEN(objects) * sizes[k]);
		slab_fini(&s);
	}
	cr_assert_eq(heap_blocks(), 0);
}

static void check_walk(const struct slab *s, struct object *const *live, uint32_t n_live)
{
	uint32_t index = 0, found = 0, last = 0;
	struct object *o;

	while ((o = slab_next(s, &index)) != NULL) {
		cr_assert(found == 0 || o->head.index > last, "not in order");
		cr_assert_eq(o, live[o->value]);
		last = o->head.index;
		found++;
	}
	cr_assert_eq(found, n_live);
	cr_assert_eq(index, slab_end(s));
	cr_assert_eq(s->in_use, n_live);
}

Test(slab, a_walk_meets_exactly_what_lives)
{
	static struct object *live[5000];
	uint32_t n_live = 0;
	struct slab s;

	slab_init(&s, sizeof(struct object), ARRAY_LEN(live));
	check_walk(&s, live, 0);
	for (unsigned step = 0; step < 50000; step++) {
		const uint32_t i = (uint32_t)(rng() % ARRAY_LEN(live));

		if (live[i] == NULL) {
			live[i] = slab_new(&s);
			live[i]->value = i;
			n_live++;
		} else {
			slab_free(&s, live[i]);
			live[i] = NULL;
			n_live--;
		}
		if (step % 1000 == 0) {
			check_walk(&s, live, n_live);
			slab_trim(&s);
			check_walk(&s, live, n_live);
		}
	}
	slab_fini(&s);
}

/*
 * Tides, and what is left is given back at each ebb: a handle from before never leads to who is
 * there now, however often the memory of its place went and came.
 */
Test(slab, a_handle_stays_dead_when_its_memory_has_gone)
{
	enum {
		N = 2000,
		TIDES = 8
	};
	static slab_handle old[TIDES * N];
	static struct object *live[N];
	uint32_t n_old = 0;
	struct slab s;

	slab_init(&s, sizeof(struct object), N);
	for (int tide = 0; tide < TIDES; tide++) {
		const bool some_stay = tide % 2;

		for (uint32_t i = 0; i < N; i++) {
			if (live[i] != NULL)
				continue;
			live[i] = slab_new(&s);
			cr_assert_not_null(live[i]);
			live[i]->value = i;
		}
		for (uint32_t k = 0; k < n_old; k++)
			cr_assert_null(slab_get(&s, old[k]));
		for (uint32_t i = 0; i < N; i++) {
			cr_assert_eq(slab_get(&s, slab_handle_of(live[i])), live[i]);
			if (some_stay && i % 700 == 0)
				continue;
			old[n_old++] = slab_handle_of(live[i]);
			slab_free(&s, live[i]);
			live[i] = NULL;
		}
		slab_trim(&s);
		cr_assert_leq(slab_room(&s), (some_stay ? 4u : 1u) << s.chunk_shift);
		for (uint32_t k = 0; k < n_old; k++)
			cr_assert_null(slab_get(&s, old[k]));
		for (uint32_t i = 0; i < N; i++)
			cr_assert(live[i] == NULL || live[i]->value == i);
	}
	slab_fini(&s);
	cr_assert_eq(heap_blocks(), 0);
}

/* So that what is above falls empty when there are fewer. */
Test(slab, the_lowest_chunk_with_room_is_used)
{
	static struct object *objects[3000];
	struct slab s;

	slab_init(&s, sizeof(struct object), ARRAY_LEN(objects));
	for (uint32_t i = 0; i < ARRAY_LEN(objects); i++)
		objects[i] = slab_new(&s);
	slab_free(&s, objects[2999]);
	slab_free(&s, objects[5]);
	slab_free(&s, objects[1500]);
	cr_assert_eq(((struct object *)slab_new(&s))->head.index, 5);
	cr_assert_eq(((struct object *)slab_new(&s))->head.index, 1500);
	cr_assert_eq(((struct object *)slab_new(&s))->head.index, 2999);
	slab_fini(&s);
}

/* One object for each chunk, so that chunks and the directory of chunks both have to grow. */
Test(slab, each_allocation_may_fail)
{
	for (unsigned n = 1; n < 60; n++) {
		struct slab s;
		unsigned made = 0, failed = 0;

		slab_init(&s, 40000, 40);
		heap_fail_at(n);
		while (made < 40) {
			const size_t before = heap_blocks();

			if (slab_new(&s) != NULL) {
				made++;
				continue;
			}
			failed++;
			cr_assert(heap_blocks() <= before + 1,
			          "at most a larger directory was kept");
			cr_assert_eq(s.in_use, made);
			cr_assert_leq(failed, 1, "it does not recover");
		}
		heap_fail_at(0);

		cr_assert_eq(failed, n <= 40 + 4, "allocation %u", n);
		slab_fini(&s);
		cr_assert_eq(heap_blocks(), 0);
	}
}

Test(slab, freeing_twice_is_fatal, .signal = SIGABRT)
{
	struct slab s;

	slab_init(&s, sizeof(struct object), 2);
	cr_assert_not_null(slab_new(&s));

	struct object *o = slab_new(&s);

	slab_free(&s, o);
	slab_free(&s, o);
}

Test(slab, freeing_into_another_slab_is_fatal, .signal = SIGABRT)
{
	struct slab s, other;

	slab_init(&s, sizeof(struct object), 2);
	slab_init(&other, sizeof(struct object), 2);
	cr_assert_not_null(slab_new(&other));
	slab_free(&other, slab_new(&s));
}

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN
#endif
#endif
#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>

Test(slab, a_freed_object_is_out_of_bounds)
{
	struct slab s;

	slab_init(&s, sizeof(struct object), 2);

	struct object *o = slab_new(&s);

	cr_assert(!__asan_address_is_poisoned(&o->value));
	slab_free(&s, o);
	cr_assert(__asan_address_is_poisoned(&o->value));
	cr_assert(__asan_address_is_poisoned((char *)(o + 1) - 1));
	cr_assert(!__asan_address_is_poisoned(&o->head), "slab_get() looks there");
	slab_fini(&s);
}
#endif
