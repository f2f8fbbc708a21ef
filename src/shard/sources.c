/* Linear probing, one inserting thread. */
#include "shard/sources.h"

#include <string.h>

#include "base/err.h"

/* Looked at for each socket that is accepted. All places come round before a quarter of them
 * can have been taken anew. */
#define SWEEP 4

/* Addresses without an IP. The numbers are multicast prefixes, which nobody calls from. */
#define IPV4_PREFIX 0xFFFFFFFF00000000u
#define NO_IP       0xFFFFFFFE00000000u
#define ZERO_PREFIX 0xFFFFFFFD00000000u /* ::/64, where ::1 is */

int sources_init(struct sources *s, const struct siphash_key *key, uint32_t most)
{
	uint32_t n = 64;

	/* Half of the places at most are in use, so that a probe ends soon. */
	while (n < SOURCES_MAX && n / 2 < most)
		n *= 2;
	*s = (struct sources){.key = *key, .mask = n - 1};
	s->place = calloc(n, sizeof(*s->place));
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

static uint64_t address_at(const struct source *at)
{
	return atomic_load_explicit(&at->address, memory_order_relaxed);
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

/* The place of @address, or NULL. */
static struct source *find(const struct sources *s, uint64_t address)
{
	uint32_t i = (uint32_t)siphash(&s->key, &address, sizeof(address)) & s->mask;

	/* Relaxed, on a worker too: what lies before its own place was there when that was taken,
	 * before the hand-off, and is never emptied while something lies behind it. */
	for (uint32_t n = 0; n <= s->mask; n++, i = (i + 1) & s->mask) {
		const uint64_t there = address_at(&s->place[i]);

		if (there == address)
			return &s->place[i];
		if (there == 0)
			break;
	}
	return NULL;
}

/* A place that nobody uses may become empty when none behind it can be on the way past it. The
 * walk goes backwards, so that a whole row of them goes at once. */
static void sweep(struct sources *s)
{
	for (int n = 0; n < SWEEP; n++) {
		struct source *at = &s->place[s->sweep];

		if (address_at(at) != 0 && idle(at) &&
		    address_at(&s->place[(s->sweep + 1) & s->mask]) == 0) {
			atomic_store_explicit(&at->address, 0, memory_order_relaxed);
			s->used--;
		}
		s->sweep = (s->sweep - 1) & s->mask;
	}
}

/* The place of @address, a new one if it has none. NULL: all are taken. */
static struct source *obtain(struct sources *s, uint64_t address)
{
	uint32_t i = (uint32_t)siphash(&s->key, &address, sizeof(address)) & s->mask;
	struct source *free_one = NULL;
	uint64_t there = 0;

	for (uint32_t n = 0; n <= s->mask; n++, i = (i + 1) & s->mask) {
		there = address_at(&s->place[i]);
		if (there == address)
			return &s->place[i];
		if (free_one == NULL && (there == 0 || idle(&s->place[i])))
			free_one = &s->place[i];
		if (there == 0)
			break;
	}
	if (free_one == NULL)
		return NULL;
	/* One is always empty, or a search for somebody who is not there would have no end. */
	if (address_at(free_one) == 0) {
		if (s->used == s->mask)
			return NULL;
		s->used++;
	}
	/* Of an address that is gone for good the numbers are equal: they may go on from there. */
	atomic_store_explicit(&free_one->address, address, memory_order_relaxed);
	return free_one;
}

static struct source *must_find(const struct sources *s, const struct net_addr *peer)
{
	struct source *at = find(s, sources_address(peer));

	ASSERT(at != NULL);
	return at;
}

bool sources_opened(struct sources *s, const struct net_addr *peer)
{
	struct source *at;

	sweep(s);
	at = obtain(s, sources_address(peer));
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
