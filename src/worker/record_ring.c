/* Each record is preceded by the places of its neighbours. */
#include "worker/record_ring.h"

#include <string.h>

#include "base/err.h"

struct link {
	uint64_t older, newer; /* RECORD_NOWHERE: there was none */
};

static_assert(RECORD_RING_MIN >= sizeof(struct link) + RECORD_MAX_BYTES, "any record fits");

int record_ring_init(struct record_ring *ring, uint64_t cap)
{
	*ring = (struct record_ring){.cap = cap / 8 * 8};
	if (cap == 0)
		return 0;
	ASSERT(cap >= RECORD_RING_MIN);
	ring->end = ring->cap; /* so that no place is RECORD_NOWHERE */
	ring->bytes = malloc(ring->cap);
	return ring->bytes == NULL ? WSMD_ENOMEM : 0;
}

void record_ring_fini(struct record_ring *ring)
{
	free(ring->bytes);
	*ring = (struct record_ring){0};
}

static struct link *link_at(const struct record_ring *ring, uint64_t place)
{
	return (void *)(ring->bytes + place % ring->cap);
}

static void forget_oldest(struct record_ring *ring)
{
	ring->oldest = link_at(ring, ring->oldest)->newer;
	if (--ring->held == 0)
		ring->newest = RECORD_NOWHERE;
}

struct record *record_ring_add(struct record_ring *ring, uint32_t bytes, uint64_t *ret_place)
{
	const uint64_t size = sizeof(struct link) + bytes;
	uint64_t place = ring->end, left;
	struct link *l;

	if (ring->bytes == NULL)
		return NULL;
	left = ring->cap - place % ring->cap;
	if (left < size)
		place += left;
	while (ring->held > 0 && ring->oldest + ring->cap < place + size)
		forget_oldest(ring);
	if (ring->held > 0)
		link_at(ring, ring->newest)->newer = place;
	else
		ring->oldest = place;
	l = link_at(ring, place);
	memset(l, 0, size);
	l->older = ring->newest;
	ring->newest = place;
	ring->end = place + size;
	ring->held++;
	*ret_place = place;
	return (void *)(l + 1);
}

struct record *record_ring_at(const struct record_ring *ring, uint64_t place)
{
	if (ring->held == 0 || place < ring->oldest || place > ring->newest)
		return NULL;
	return (void *)(link_at(ring, place) + 1);
}

uint64_t record_ring_older(const struct record_ring *ring, uint64_t place)
{
	const uint64_t older = link_at(ring, place)->older;

	return older < ring->oldest ? RECORD_NOWHERE : older;
}
