/* Rankings: the same as sorting everything, with room for a few. */
#include "shard/ranking.h"

#include <criterion/criterion.h>

#include "heap.h"

#define N 2000

static uint64_t value_of(uint64_t i)
{
	return i * 7919 % 101; /* many equals */
}

static uint32_t count_above(uint64_t value)
{
	uint32_t n = 0;

	for (uint64_t i = 0; i < N; i++)
		n += value_of(i) > value;
	return n;
}

static void check(bool reverse, uint32_t max)
{
	struct ranking *r = ranking_new(RANK_BY_RATE, reverse, max);

	cr_assert_not_null(r);
	for (uint64_t i = 0; i < N; i++)
		ranking_offer(r, reverse ? 100 - value_of(i) : value_of(i), i);
	ranking_sort(r);
	cr_assert_eq(r->n, max < N ? max : N);
	for (uint32_t i = 0; i < r->n; i++) {
		const uint64_t value = value_of(r->entries[i].conn);

		if (i > 0)
			cr_assert_leq(r->entries[i].weight, r->entries[i - 1].weight);
		cr_assert_leq(count_above(value), i, "somebody greater was left out");
		for (uint32_t k = 0; k < i; k++)
			cr_assert_neq(r->entries[k].conn, r->entries[i].conn, "twice");
	}
	free(r);
}

Test(ranking, the_greatest_stay)
{
	static const uint32_t rooms[] = {0, 1, 2, 3, 10, 99, N, N + 5};

	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		check(false, rooms[i]);
		check(true, rooms[i]);
	}
}

Test(ranking, keys_by_their_names)
{
	enum ranking_key key = RANK_BY_IDLE;

	cr_assert(ranking_key_find("rtt", &key));
	cr_assert_eq(key, RANK_BY_RTT);
	cr_assert_not(ranking_key_find("", &key));
	cr_assert_not(ranking_key_find("rttx", &key));
	cr_assert_eq(key, RANK_BY_RTT, "untouched");
}

Test(ranking, without_memory)
{
	heap_fail_always(true);
	cr_assert_null(ranking_new(RANK_BY_RTT, false, 10));
	heap_fail_always(false);
}
