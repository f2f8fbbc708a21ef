/* The ring of records against a list that forgets nothing. */
#include "worker/record_ring.h"

#include <criterion/criterion.h>

#include <string.h>

#include "heap.h"

#define MANY 5000

static struct written {
	uint64_t place;
	uint32_t bytes;
} list[MANY];

static uint32_t next_random(uint32_t *seed)
{
	return *seed = *seed * 1664525 + 1013904223;
}

static uint32_t size_of(uint32_t n_events, uint32_t text_len)
{
	const struct record_parts parts = {.n_events = (uint8_t)n_events,
	                                   .text_len = (uint8_t)text_len};

	return record_size(&parts);
}

static void add(struct record_ring *ring, uint32_t i, uint32_t bytes)
{
	struct record *r = record_ring_add(ring, bytes, &list[i].place);

	cr_assert_not_null(r);
	for (uint32_t k = 0; k < bytes; k++)
		cr_assert_eq(((char *)r)[k], 0, "zeroed");
	memset(r, (int)(i % 250 + 1), bytes);
	r->bytes = bytes;
	list[i].bytes = bytes;
}

/* From the newest back: all that the ring says to hold are as they were written. */
static uint64_t check(const struct record_ring *ring, uint32_t n)
{
	uint64_t held = 0, sum = 0;

	for (uint64_t at = ring->newest; at != RECORD_NOWHERE; at = record_ring_older(ring, at)) {
		cr_assert_lt(held, n);

		const struct written *w = &list[n - 1 - held];
		const struct record *r = record_ring_at(ring, at);

		cr_assert_eq(at, w->place);
		cr_assert(r != NULL && r->bytes == w->bytes);
		for (uint32_t k = sizeof(r->bytes); k < w->bytes; k++)
			cr_assert_eq(((const uint8_t *)r)[k], (n - 1 - held) % 250 + 1);
		sum += w->bytes;
		held++;
	}
	cr_assert_eq(held, ring->held);
	cr_assert_leq(sum, ring->cap);
	for (uint64_t i = held; i < n; i++)
		cr_assert_null(record_ring_at(ring, list[n - 1 - i].place), "it is overwritten");
	return sum;
}

Test(record_ring, holds_the_newest)
{
	static const uint64_t caps[] = {RECORD_RING_MIN, RECORD_RING_MIN + 5, 10000, 65536};

	for (size_t c = 0; c < ARRAY_LEN(caps); c++) {
		struct record_ring ring;
		uint32_t seed = (uint32_t)c;

		cr_assert_eq(record_ring_init(&ring, caps[c]), 0);
		cr_assert_eq(check(&ring, 0), 0);
		for (uint32_t i = 0; i < MANY; i++) {
			const uint32_t n = next_random(&seed) >> 16;

			add(&ring, i, n % 40 == 0 ? RECORD_MAX_BYTES : size_of(n % 25, n % 124));
			if (i < 100 || i % 97 == 0)
				cr_assert(check(&ring, i + 1) + 2 * RECORD_MAX_BYTES +
				                          24 * ring.held >=
				                  ring.cap ||
				          ring.held == i + 1);
		}
		record_ring_fini(&ring);
	}
	cr_assert_eq(heap_blocks(), 0);
}

/* Records that fill the memory exactly leave nothing unused. */
Test(record_ring, exact_fit)
{
	struct record_ring ring;
	const uint32_t bytes = 4096 / 8 - 16;

	cr_assert_eq(record_ring_init(&ring, 4096), 0);
	for (uint32_t i = 0; i < 100; i++) {
		add(&ring, i, bytes);
		cr_assert_eq(ring.held, i < 8 ? i + 1 : 8);
	}
	check(&ring, 100);
	record_ring_fini(&ring);
}

Test(record_ring, of_nothing_keeps_nothing)
{
	struct record_ring ring;
	uint64_t place;

	cr_assert_eq(record_ring_init(&ring, 0), 0);
	cr_assert_null(record_ring_add(&ring, size_of(0, 0), &place));
	cr_assert_null(record_ring_at(&ring, RECORD_NOWHERE));
	cr_assert_eq(ring.newest, RECORD_NOWHERE);
	record_ring_fini(&ring);
	heap_fail_at(1);
	cr_assert_lt(record_ring_init(&ring, RECORD_RING_MIN), 0);
	record_ring_fini(&ring);
}

Test(record_ring, parts_come_back)
{
	static const struct record_event events[] = {{.at_ms = 1},
	                                             {.at_ms = 2, .kind = EVENT_PONG}};
	const struct record_parts parts = {.events = events,
	                                   .n_events = 2,
	                                   .hub = "default",
	                                   .hub_len = 7,
	                                   .user = "alice",
	                                   .user_len = 5,
	                                   .text = "bye",
	                                   .text_len = 3};
	const struct record_parts none = {.hub = "h", .hub_len = 1};
	struct record_ring ring;
	struct record *r;
	uint64_t place;

	cr_assert_eq(record_ring_init(&ring, RECORD_RING_MIN), 0);
	r = record_ring_add(&ring, record_size(&parts), &place);
	record_write(r, &parts);
	cr_assert_eq(r->bytes, record_size(&parts));
	cr_assert_eq(memcmp(record_events(r), events, sizeof(events)), 0);
	cr_assert_eq(memcmp(record_hub(r), "default", 7), 0);
	cr_assert_eq(memcmp(record_user(r), "alice", 5), 0);
	cr_assert_eq(memcmp(record_text(r), "bye", 3), 0);
	r = record_ring_add(&ring, record_size(&none), &place);
	record_write(r, &none);
	cr_assert(r->user_len == 0 && r->text_len == 0 && r->n_events == 0);
	record_ring_fini(&ring);
}

Test(record_ring, every_event_has_a_label)
{
	for (int i = 0; i < EVENT_KIND_COUNT; i++) {
		const enum record_event_kind kind = (enum record_event_kind)i;

		cr_expect(strlen(record_event_label(kind)) > 0);
		cr_expect_gt(record_event_kept(kind), 0);
		cr_expect(record_event_value(kind, 0) != NULL ||
		          record_event_value(kind, 1) == NULL);
	}
}
