/* Client addresses: what is one client, and the counts against a plain array of them. */
#include "shard/sources.h"

#include <criterion/criterion.h>

#include <string.h>

#include "base/err.h"
#include "heap.h"

static const struct siphash_key key = {11, 22};
static struct sources s;

static struct net_addr address(const char *text)
{
	struct net_addr a;

	cr_assert_eq(net_addr_parse(text, &a), 0, "%s", text);
	return a;
}

static void fini(void)
{
	sources_fini(&s);
}

TestSuite(sources, .fini = fini);

Test(sources, who_is_one_client)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{"10.1.2.3:1", "10.1.2.3:2", true},
		{"10.1.2.3:1", "10.1.2.4:1", false},
		{"10.1.2.3:1", "[::ffff:10.1.2.3]:1", true},
		{"[2001:db8:1:2::1]:1", "[2001:db8:1:2:ffff::9]:7", true},
		{"[2001:db8:1:2::1]:1", "[2001:db8:1:3::1]:1", false},
		{"[::1]:1", "0.0.0.0:1", false},
		{"[::1]:1", "[::2]:1", true},
	};
	const struct net_addr nobody = {0};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct net_addr a = address(rows[i].a), b = address(rows[i].b);

		cr_expect_eq(sources_address(&a) == sources_address(&b), rows[i].same, "%s %s",
		             rows[i].a, rows[i].b);
		cr_expect_neq(sources_address(&a), 0, "%s: an empty place", rows[i].a);
	}
	cr_expect_neq(sources_address(&nobody), 0);
}

Test(sources, life_of_a_socket)
{
	const struct net_addr a = address("10.0.0.1:1"), b = address("10.0.0.2:1");

	cr_assert_eq(sources_init(&s, &key, 100), 0);
	cr_assert(sources_opened(&s, &a));
	cr_assert(sources_opened(&s, &a));
	cr_expect_eq(sources_opening(&s, &a), 2);
	cr_expect_eq(sources_connections(&s, &a), 0);
	sources_handed(&s, &a);
	cr_expect_eq(sources_opening(&s, &a), 1);
	cr_expect_eq(sources_connections(&s, &a), 1);
	sources_handed(&s, &a);
	sources_returned(&s, &a);
	cr_expect_eq(sources_opening(&s, &a), 1);
	cr_expect_eq(sources_connections(&s, &a), 1);
	sources_closed(&s, &a);
	sources_left(&s, &a);
	cr_expect_eq(sources_connections(&s, &a), 0);
	cr_expect_eq(sources_connections(&s, &b), 0, "nobody was ever there");
}

/* ---- against a model ---- */

#define ADDRESSES 500
#define MOST      60

static struct model {
	struct net_addr addr;
	uint32_t opening, connections;
} model[ADDRESSES];

static uint64_t chance = 88172645463325252u;

static uint32_t below(uint32_t n)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return (uint32_t)(chance % n);
}

static void step(struct model *m, uint32_t *sockets)
{
	switch (below(5)) {
	case 0:
	case 1:
		if (*sockets == MOST)
			break;
		cr_assert(sources_opened(&s, &m->addr), "half of the places are free");
		m->opening++;
		++*sockets;
		break;
	case 2:
		if (m->opening == 0)
			break;
		sources_handed(&s, &m->addr);
		m->opening--;
		m->connections++;
		break;
	case 3:
		if (m->opening == 0)
			break;
		sources_closed(&s, &m->addr);
		m->opening--;
		--*sockets;
		break;
	case 4:
		if (m->connections == 0)
			break;
		sources_left(&s, &m->addr);
		m->connections--;
		--*sockets;
		break;
	}
}

Test(sources, counts_are_those_of_a_model)
{
	uint32_t sockets = 0, least_used = UINT32_MAX;

	for (uint32_t i = 0; i < ADDRESSES; i++)
		model[i].addr = (struct net_addr){.family = 4,
		                                  .ip = {10, 0, (uint8_t)(i >> 8), (uint8_t)i}};
	cr_assert_eq(sources_init(&s, &key, MOST), 0);
	for (uint32_t n = 0; n < 400000; n++) {
		struct model *m = &model[below(ADDRESSES)];

		/* Most of the time a busy one, or nobody would ever get old. */
		for (int i = 0; i < 8 && m->opening + m->connections == 0; i++)
			m = &model[below(ADDRESSES)];
		step(m, &sockets);
		cr_assert_eq(sources_opening(&s, &m->addr), m->opening);
		cr_assert_eq(sources_connections(&s, &m->addr), m->connections);
		if (n > 1000 && s.used < least_used)
			least_used = s.used;
	}
	for (uint32_t i = 0; i < ADDRESSES; i++)
		cr_assert_eq(sources_connections(&s, &model[i].addr), model[i].connections);
	/* 500 addresses came and went: places are forgotten, not only used again. */
	cr_assert_lt(least_used, s.mask);
}

Test(sources, full_is_full_until_somebody_leaves)
{
	struct net_addr a = {.family = 4, .ip = {10}};
	uint32_t n = 0;

	cr_assert_eq(sources_init(&s, &key, 1), 0);
	for (a.ip[3] = 0; sources_opened(&s, &a); a.ip[3]++)
		n++;
	cr_assert_eq(n, s.mask, "one place stays empty, so that a search ends");
	cr_assert_eq(sources_connections(&s, &a), 0);
	cr_assert_not(sources_opened(&s, &a));

	struct net_addr first = a;

	first.ip[3] = 0;
	cr_assert(sources_opened(&s, &first), "who has a place already is counted on");
	sources_closed(&s, &first);
	sources_closed(&s, &first);
	cr_assert(sources_opened(&s, &a));
}

/* A wave of strangers, one each: the table is as empty afterwards as it was. */
Test(sources, forgets)
{
	struct net_addr a = {.family = 6, .ip = {0x20, 1}};

	cr_assert_eq(sources_init(&s, &key, 1000), 0);
	for (uint32_t i = 0; i < 200000; i++) {
		memcpy(a.ip + 2, &i, sizeof(i));
		cr_assert(sources_opened(&s, &a));
		sources_closed(&s, &a);
		cr_assert_leq(s.used, s.mask / 2 + 1, "a probe is short");
	}
}

Test(sources, memory)
{
	const size_t before = heap_blocks();

	heap_fail_at(1);
	cr_assert_eq(sources_init(&s, &key, 1000), WSMD_ENOMEM);
	sources_fini(&s);
	cr_assert_eq(sources_init(&s, &key, UINT32_MAX), 0);
	cr_assert_eq(s.mask, SOURCES_MAX - 1);
	sources_fini(&s);
	cr_assert_eq(heap_blocks(), before);
}
