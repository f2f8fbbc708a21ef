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

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct net_addr a = address(rows[i].a), b = address(rows[i].b);

		cr_expect_eq(sources_address(&a) == sources_address(&b), rows[i].same, "%s %s",
		             rows[i].a, rows[i].b);
	}
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
	uint32_t sockets = 0;

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
	}
	for (uint32_t i = 0; i < ADDRESSES; i++)
		cr_assert_eq(sources_connections(&s, &model[i].addr), model[i].connections);
}

Test(sources, full_is_full_until_somebody_leaves)
{
	struct net_addr a = {.family = 4, .ip = {10}};
	uint32_t n = 0;

	cr_assert_eq(sources_init(&s, &key, 1), 0);
	for (a.ip[3] = 0; sources_opened(&s, &a); a.ip[3]++)
		n++;
	cr_assert_geq(n, s.n / 2);
	cr_assert_leq(n, s.n);
	cr_assert_eq(sources_connections(&s, &a), 0);
	cr_assert_not(sources_opened(&s, &a));

	struct net_addr first = a;

	first.ip[3] = 0;
	cr_assert(sources_opened(&s, &first), "who has a place already is counted on");
	for (uint8_t i = 0; i < n; i++) {
		first.ip[3] = i;
		sources_closed(&s, &first);
	}
	sources_closed(&s, &(struct net_addr){.family = 4, .ip = {10}});
	cr_assert(sources_opened(&s, &a));
}

/* As many strangers at once as there may be, and as many again in their places: whoever chooses
 * addresses does not know the key. */
Test(sources, there_is_room_for_as_many_as_was_said)
{
	const uint32_t most = 5000;

	cr_assert_eq(sources_init(&s, &key, most), 0);
	for (uint32_t i = 0; i < 100 * most; i++) {
		struct net_addr a = {.family = 6, .ip = {0x20, 1}};

		memcpy(a.ip + 2, &i, sizeof(i));
		cr_assert(sources_opened(&s, &a), "number %u", i);
		if (i < most - 1)
			continue;
		memcpy(a.ip + 2, &(uint32_t){i - (most - 1)}, sizeof(i));
		sources_closed(&s, &a);
	}
}

Test(sources, memory)
{
	const size_t before = heap_blocks();

	heap_fail_at(1);
	cr_assert_eq(sources_init(&s, &key, 1000), WSMD_ENOMEM);
	sources_fini(&s);
	cr_assert_eq(sources_init(&s, &key, UINT32_MAX), 0);
	cr_assert_eq(s.n, SOURCES_MAX);
	sources_fini(&s);
	cr_assert_eq(heap_blocks(), before);
}
