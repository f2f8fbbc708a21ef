/* Connection ids: one spelling each, the hash in front, and workers that get even shares. */
#include "shard/conn_id.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

static const struct siphash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
static uint64_t rng_state = 42;

static uint64_t rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

static void random_bytes(uint8_t *dst, size_t len)
{
	for (size_t i = 0; i < len; i++)
		dst[i] = (uint8_t)(rng() >> 32);
}

/* ---- text ---- */

Test(conn_id, known_spellings)
{
	static const struct {
		struct conn_id id;
		const char *text;
	} cases[] = {
		{{{0}}, "aaaaaaaaaaaaaaaaaaaaaaaaaa"},
		{{{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}},
	         "7777777777777777777777777" /* and 3 bits of 5: */ "4"},
		{{{'f', 'o', 'o', 'b', 'a', 'r'}}, "mzxw6ytboiaaaaaaaaaaaaaaaa"}, /* RFC 4648, 10 */
		{{{[15] = 1}}, "aaaaaaaaaaaaaaaaaaaaaaaaae"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[CONN_ID_TEXT];
		struct conn_id back;

		conn_id_format(&cases[i].id, text);
		cr_assert_str_eq(text, cases[i].text);
		cr_assert(conn_id_parse(text, strlen(text), &back));
		cr_assert(conn_id_equal(&back, &cases[i].id));
	}
}

Test(conn_id, every_id_comes_back_from_its_text)
{
	for (int n = 0; n < 100000; n++) {
		struct conn_id id, back;
		char text[CONN_ID_TEXT];

		random_bytes(id.bytes, sizeof(id.bytes));
		conn_id_format(&id, text);
		cr_assert_eq(strlen(text), CONN_ID_TEXT - 1);
		cr_assert(conn_id_parse(text, CONN_ID_TEXT - 1, &back));
		cr_assert(conn_id_equal(&id, &back));
	}
}

/* What parses is what would be printed: no second way to name a connection. */
Test(conn_id, one_spelling)
{
	struct conn_id id, parsed;
	char good[CONN_ID_TEXT], text[CONN_ID_TEXT], again[CONN_ID_TEXT];

	random_bytes(id.bytes, sizeof(id.bytes));
	conn_id_format(&id, good);
	for (size_t at = 0; at < CONN_ID_TEXT - 1; at++) {
		int accepted = 0;

		for (int ch = 0; ch < 256; ch++) {
			memcpy(text, good, sizeof(text));
			text[at] = (char)ch;
			if (!conn_id_parse(text, CONN_ID_TEXT - 1, &parsed))
				continue;
			accepted++;
			conn_id_format(&parsed, again);
			cr_assert_str_eq(again, text);
		}
		/* The last character has two bits that belong to no byte. */
		cr_assert_eq(accepted, at < CONN_ID_TEXT - 2 ? 32 : 8);
	}
}

Test(conn_id, refused_texts_leave_the_result_alone)
{
	static const struct {
		const char *text;
		size_t len;
	} cases[] = {
		{"", 0},
		{"aaaaaaaaaaaaaaaaaaaaaaaaa", 25},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaa", 27},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaa\0", 27},
		{"aaaaaaaaaaaaaaaaaaaaaaaaa", 26}, /* a NUL inside */
		{"AAAAAAAAAAAAAAAAAAAAAAAAAA", 26},
		{"aaaaaaaaaaaaaaaaaaaaaaaaa0", 26},
		{"aaaaaaaaaaaaaaaaaaaaaaaaa1", 26},
		{"aaaaaaaaaaaaaaaaaaaaaaaaa8", 26},
		{"aaaaaaaaaaaaaaaaaaaaaaaaa=", 26},
		{"aaaaaaaaaaaaaaaaaaaaaaaaab", 26}, /* padding bits */
		{"aaaaaaaaaaaaaaaaaaaaaaaaac", 26},
		{" aaaaaaaaaaaaaaaaaaaaaaaaa", 26},
		{"aaaaaaaaaaaa\xff"
	         "aaaaaaaaaaaaa",
	         26},
	};
	struct conn_id id, before;

	memset(&before, 0x5a, sizeof(before));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		id = before;
		cr_assert_not(conn_id_parse(cases[i].text, cases[i].len, &id), "'%s'",
		              cases[i].text);
		cr_assert(conn_id_equal(&id, &before));
	}
}

/* ---- routing ---- */

Test(conn_id, the_front_is_the_hash_of_the_user)
{
	uint8_t random[16];
	struct conn_id id, other;

	for (int n = 0; n < 1000; n++) {
		const uint64_t hash = rng() >> 16;

		random_bytes(random, sizeof(random));
		conn_id_make(&id, &hash, random);
		cr_assert_eq(conn_id_hash48(&id), hash);
		cr_assert_eq(memcmp(id.bytes + 6, random + 6, 10), 0, "the rest is random");
		random_bytes(random, sizeof(random));
		conn_id_make(&other, &hash, random);
		cr_assert_eq(conn_id_hash48(&other), hash, "all his connections meet");
		cr_assert_not(conn_id_equal(&id, &other));
	}
}

Test(conn_id, an_anonymous_one_is_random_throughout)
{
	uint8_t random[16];
	struct conn_id id;

	random_bytes(random, sizeof(random));
	conn_id_make(&id, NULL, random);
	cr_assert_eq(memcmp(id.bytes, random, sizeof(random)), 0);
}

/* Ids of one user differ in the bits that tables look at. */
Test(conn_id, table_hash_ignores_the_hash_part)
{
	const uint64_t one = 1, two = 2;
	uint8_t random[16];
	struct conn_id a, b;

	random_bytes(random, sizeof(random));
	conn_id_make(&a, &one, random);
	conn_id_make(&b, &two, random);
	cr_assert_eq(conn_id_table_hash(&a), conn_id_table_hash(&b));
	random[6] ^= 1;
	conn_id_make(&b, &one, random);
	cr_assert_neq(conn_id_table_hash(&a), conn_id_table_hash(&b));
}

Test(shard, hash_has_48_bits_and_tells_pairs_apart)
{
	const uint64_t ab_c = shard_hash(&key, "ab", 2, "c", 1);
	uint64_t all = 0;

	cr_assert_eq(ab_c, shard_hash(&key, "ab", 2, "c", 1));
	cr_assert_neq(ab_c, shard_hash(&key, "a", 1, "bc", 2));
	cr_assert_neq(ab_c, shard_hash(&key, "ab", 2, "d", 1));
	cr_assert_neq(ab_c, shard_hash(&key, "abc", 3, "", 0));
	cr_assert_neq(ab_c, shard_hash(&(struct siphash_key){1, 2}, "ab", 2, "c", 1));
	for (int n = 0; n < 1000; n++) {
		char name[16];

		snprintf(name, sizeof(name), "%d", n);
		all |= shard_hash(&key, "h", 1, name, strlen(name));
	}
	cr_assert_eq(all, ((uint64_t)1 << 48) - 1);
}

Test(shard, longest_names_fit)
{
	char hub[128], user[255];

	memset(hub, 'h', sizeof(hub));
	memset(user, 'u', sizeof(user));
	cr_assert_neq(shard_hash(&key, hub, sizeof(hub), user, sizeof(user)),
	              shard_hash(&key, hub, sizeof(hub), user, sizeof(user) - 1));
}

Test(shard, worker_is_in_range_and_monotone_for_every_count)
{
	const uint64_t last = ((uint64_t)1 << 48) - 1;

	for (uint32_t n = 1; n <= 256; n++) {
		uint32_t before = 0;

		cr_assert_eq(shard_worker(0, n), 0);
		cr_assert_eq(shard_worker(last, n), n - 1);
		for (uint64_t i = 0; i <= 1024; i++) {
			const uint32_t w = shard_worker(last / 1024 * i, n);

			cr_assert_lt(w, n);
			cr_assert(w == before || w == before + 1);
			before = w;
		}
	}
}

/* ---- balance ---- */

#define NAMES 100000

static size_t name_sequence(char *dst, uint32_t i)
{
	return (size_t)sprintf(dst, "user-%u", i);
}

/* The same number of low zero bits in each, as an identity hash would see them. */
static size_t name_equal_mod_4096(char *dst, uint32_t i)
{
	const uint64_t v = (uint64_t)i << 12;

	memcpy(dst, &v, sizeof(v));
	return sizeof(v);
}

/* "Ez" and "FY" are alike to h * 33 + ch: every name made of them collides under djb2. */
static size_t name_colliding_djb2(char *dst, uint32_t i)
{
	for (int bit = 0; bit < 17; bit++)
		memcpy(dst + 2 * bit, i >> bit & 1 ? "Ez" : "FY", 2);
	return 34;
}

static size_t name_of_zeroes_and_a_tail(char *dst, uint32_t i)
{
	return (size_t)sprintf(dst, "%0200u", i);
}

/* Share of the fullest and the emptiest worker. */
static void check_balance(const char *what, const uint32_t *load, uint32_t n_workers)
{
	for (uint32_t w = 0; w < n_workers; w++) {
		const double share = (double)load[w] * n_workers / NAMES;

		cr_assert(share > 0.9 && share < 1.1, "%s: worker %u of %u has %.3f of its share",
		          what, w, n_workers, share);
	}
}

Test(shard, chosen_names_do_not_meet_on_one_worker)
{
	static const struct {
		const char *what;
		size_t (*name)(char *dst, uint32_t i);
	} kinds[] = {
		{"sequence", name_sequence},
		{"equal mod 4096", name_equal_mod_4096},
		{"djb2", name_colliding_djb2},
		{"long", name_of_zeroes_and_a_tail},
	};
	static const uint32_t counts[] = {2, 3, 4, 7, 8, 16, 32};

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		for (size_t c = 0; c < ARRAY_LEN(counts); c++) {
			uint32_t load[256] = {0};
			char name[255];

			for (uint32_t i = 0; i < NAMES; i++) {
				const size_t len = kinds[k].name(name, i);
				const uint64_t hash = shard_hash(&key, "default", 7, name, len);

				load[shard_worker(hash, counts[c])]++;
			}
			check_balance(kinds[k].what, load, counts[c]);
		}
}

Test(shard, anonymous_connections_are_spread)
{
	uint32_t load[16] = {0};

	for (uint32_t i = 0; i < NAMES; i++) {
		struct conn_id id;
		uint8_t random[16];

		random_bytes(random, sizeof(random));
		conn_id_make(&id, NULL, random);
		load[shard_worker(conn_id_hash48(&id), 16)]++;
	}
	check_balance("anonymous", load, 16);
}
