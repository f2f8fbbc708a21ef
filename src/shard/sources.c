/* Two choices of eight places for each address, one inserting thread. */
#include "shard/sources.h"

#include <string.h>

#include "base/err.h"

#define PLACES 8 /* of one choice */

/* Addresses without an IP. The numbers are multicast prefixes, which nobody calls from. */
#define IPV4_PREFIX 0xFFFFFFFF00000000u
#define NO_IP       0xFFFFFFFE00000000u
#define ZERO_PREFIX 0xFFFFFFFD00000000u /* ::/64, where ::1 is */

int sources_init(struct sources *s, const struct siphash_key *key, uint32_t most)
{
	uint32_t n = 2;

	/* Half of the places at most are in use: with two choices of eight there is always one. */
	while (n * PLACES < SOURCES_MAX && n * PLACES / 2 < most)
		n *= 2;
	*s = (struct sources){.key = *key, .n = n * PLACES};
	s->place = calloc(s->n, sizeof(*s->place));
	return s->place == NULL ? WSMD_ENOMEM : 0;
}

void sources_fini(struct sources *s)
{
	free(s->place);
	s->place = NULL;
}

static uint64_t big_endian(const uint8_t *p, int n)
{
	uint64_t v = 0;

	for (int i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

uint64_t sources_address(const struct net_addr *peer)
{
	static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF}; /* ::ffff:a.b.c.d */
	uint64_t prefix;

	if (peer->family == 4)
		return IPV4_PREFIX | big_endian(peer->ip, 4);
	if (peer->family != 6)
		return NO_IP;
	if (memcmp(peer->ip, mapped, sizeof(mapped)) == 0)
		return IPV4_PREFIX | big_endian(peer->ip + 12, 4);
	prefix = big_endian(peer->ip, 8);
	return prefix == 0 ? ZERO_PREFIX : prefix;
}

/* Connections that workers have. Acquire: the place is theirs until they have said goodbye. */
static uint32_t connections(const struct source *at)
{
	return at->came - atomic_load_explicit(&at->left, memory_order_acquire);
}

static bool idle(const struct source *at)
{
	return at->opening == 0 && connections(at) == 0;
}

/* The first of the places that @address may have, by the one half of its hash and the other. */
static void choices(const struct sources *s, uint64_t address, struct source *ret[2])
{
	const uint64_t hash = siphash(&s->key, &address, sizeof(address));
	const uint32_t n = s->n / PLACES; /* a power of two */

	ret[0] = &s->place[((uint32_t)hash & (n - 1)) * PLACES];
	ret[1] = &s->place[((uint32_t)(hash >> 32) & (n - 1)) * PLACES];
}

/* The place of @address, or NULL. */
static struct source *find(const struct sources *s, uint64_t address)
{
	struct source *from[2];

	choices(s, address, from);
	/* Relaxed, on a worker too: its own place was written before the hand-off. */
	for (int i = 0; i < 2 * PLACES; i++) {
		struct source *at = &from[i / PLACES][i % PLACES];

		if (atomic_load_explicit(&at->address, memory_order_relaxed) == address)
			return at;
	}
	return NULL;
}

/* How many of its places nobody uses, and one of them. */
static int count_idle(struct source *from, struct source **ret)
{
	int n = 0;

	for (int i = 0; i < PLACES; i++) {
		if (!idle(&from[i]))
			continue;
		*ret = &from[i];
		n++;
	}
	return n;
}

/* A place for @address where more are left. NULL: all are taken. */
static struct source *take(struct sources *s, uint64_t address)
{
	struct source *from[2], *one = NULL, *other = NULL;

	choices(s, address, from);
	if (count_idle(from[0], &one) < count_idle(from[1], &other))
		one = other;
	if (one == NULL)
		return NULL;
	/* Its two numbers are equal: they may go on from there. */
	atomic_store_explicit(&one->address, address, memory_order_relaxed);
	return one;
}

static struct source *must_find(const struct sources *s, const struct net_addr *peer)
{
	struct source *at = find(s, sources_address(peer));

	ASSERT(at != NULL);
	return at;
}

bool sources_opened(struct sources *s, const struct net_addr *peer)
{
	const uint64_t address = sources_address(peer);
	struct source *at = find(s, address);

	if (at == NULL)
		at = take(s, address);
	if (at == NULL)
		return false;
	at->opening++;
	return true;
}

void sources_closed(struct sources *s, const struct net_addr *peer)
{
	struct source *at = must_find(s, peer);

	ASSERT(at->opening > 0);
	at->opening--;
}

void sources_handed(struct sources *s, const struct net_addr *peer)
{
	struct source *at = must_find(s, peer);

	ASSERT(at->opening > 0);
	at->opening--;
	at->came++;
}

void sources_returned(struct sources *s, const struct net_addr *peer)
{
	struct source *at = must_find(s, peer);

	at->came--;
	at->opening++;
}

void sources_left(struct sources *s, const struct net_addr *peer)
{
	/* Release: whoever takes the place over does so behind this. */
	atomic_fetch_add_explicit(&must_find(s, peer)->left, 1, memory_order_release);
}

uint32_t sources_connections(const struct sources *s, const struct net_addr *peer)
{
	const struct source *at = find(s, sources_address(peer));

	return at == NULL ? 0 : connections(at);
}

uint32_t sources_opening(const struct sources *s, const struct net_addr *peer)
{
	const struct source *at = find(s, sources_address(peer));

	return at == NULL ? 0 : at->opening;
}
