/* Timer wheel: four rings of slots, each slot of one ring as long as the whole ring below it. */
#include "net/wheel.h"

#include <string.h>

#include "base/macros.h"

#define SLOT_BITS 6
#define SLOT_MASK (WHEEL_SLOTS - 1)
#define TOP       (WHEEL_LEVELS - 1)

static_assert(WHEEL_SLOTS == 1 << SLOT_BITS, "a slot is one bit of a 64-bit word");

/* Rounded up: a timer is never early. */
static uint64_t tick_of(uint64_t expires_ms)
{
	return expires_ms / WHEEL_TICK_MS + (expires_ms % WHEEL_TICK_MS != 0);
}

/* How many slots of @level lie between now and @tick, which is not in the past. */
static uint64_t slots_ahead(const struct wheel *w, unsigned level, uint64_t tick)
{
	return (tick >> (level * SLOT_BITS)) - (w->now_tick >> (level * SLOT_BITS));
}

/*
 * The finest level that reaches so far. Above level 0 that is never the slot of the present
 * moment, which has been emptied already: whatever falls into it fits the level below.
 */
static void place(struct wheel *w, struct timer *t)
{
	const uint64_t expires = tick_of(t->expires_ms);
	const uint64_t tick = expires > w->now_tick ? expires : w->now_tick;
	unsigned level = 0;

	while (level < TOP && slots_ahead(w, level, tick) >= WHEEL_SLOTS)
		level++;

	const uint64_t ahead = slots_ahead(w, level, tick);
	const uint64_t number = (w->now_tick >> (level * SLOT_BITS)) +
	                        (ahead < WHEEL_SLOTS ? ahead : WHEEL_SLOTS - 1);

	w->occupied[level] |= UINT64_C(1) << (number & SLOT_MASK);
	list_append(&w->slots[level][number & SLOT_MASK], &t->link);
}

/* The tick at which the next occupied slot of @level begins, UINT64_MAX when there is none. */
static uint64_t next_slot_tick(const struct wheel *w, unsigned level)
{
	const uint64_t now = w->now_tick >> (level * SLOT_BITS), bits = w->occupied[level];
	const unsigned at = now & SLOT_MASK;

	if (bits == 0)
		return UINT64_MAX;

	const uint64_t from_now = bits >> at | bits << (-at & SLOT_MASK);

	return (now + (unsigned)__builtin_ctzll(from_now)) << (level * SLOT_BITS);
}

static uint64_t next_tick(const struct wheel *w)
{
	uint64_t next = UINT64_MAX;

	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		const uint64_t tick = next_slot_tick(w, level);

		if (tick < next)
			next = tick;
	}
	return next;
}

/* Empty the slot of @level that begins now into @to. */
static void take_slot(struct wheel *w, unsigned level, struct list *to)
{
	const unsigned slot = (w->now_tick >> (level * SLOT_BITS)) & SLOT_MASK;

	w->occupied[level] &= ~(UINT64_C(1) << slot);
	list_splice(to, &w->slots[level][slot]);
}

/* Coarse levels first, because what they hold may belong to the present tick. */
static void enter_tick(struct wheel *w, uint64_t tick)
{
	struct list moved;

	w->now_tick = tick;
	list_init(&moved);
	for (unsigned level = TOP; level > 0; level--)
		if (tick % (UINT64_C(1) << (level * SLOT_BITS)) == 0)
			take_slot(w, level, &moved);
	list_for_each_safe (node, next, &moved)
		place(w, list_entry(node, struct timer, link));
	take_slot(w, 0, &w->due);
}

void wheel_init(struct wheel *w, uint64_t now_ms)
{
	w->now_tick = now_ms / WHEEL_TICK_MS;
	memset(w->occupied, 0, sizeof(w->occupied));
	for (unsigned level = 0; level < WHEEL_LEVELS; level++)
		for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
			list_init(&w->slots[level][slot]);
	list_init(&w->due);
	w->armed = 0;
}

void timer_init(struct timer *t)
{
	list_init(&t->link);
	t->expires_ms = 0;
}

bool timer_armed(const struct timer *t)
{
	return !list_empty(&t->link);
}

void wheel_arm(struct wheel *w, struct timer *t, uint64_t expires_ms)
{
	wheel_disarm(w, t);
	t->expires_ms = expires_ms;
	place(w, t);
	w->armed++;
}

void wheel_disarm(struct wheel *w, struct timer *t)
{
	if (!timer_armed(t))
		return;
	ASSERT(w->armed > 0);
	list_unlink(&t->link); /* the bit of the slot stays: one early look is cheaper than its
	                          upkeep */
	w->armed--;
}

void wheel_advance(struct wheel *w, uint64_t now_ms)
{
	const uint64_t target = now_ms / WHEEL_TICK_MS;

	ASSERT(target >= w->now_tick);
	for (uint64_t tick = next_tick(w); tick <= target; tick = next_tick(w))
		enter_tick(w, tick);
	w->now_tick = target;
}

struct timer *wheel_pop(struct wheel *w)
{
	if (list_empty(&w->due))
		return NULL;

	struct timer *t = list_entry(w->due.next, struct timer, link);

	wheel_disarm(w, t);
	return t;
}

uint32_t wheel_sleep_ms(const struct wheel *w, uint64_t now_ms, uint32_t max_ms)
{
	if (!list_empty(&w->due))
		return 0;
	if (w->armed == 0)
		return max_ms;

	const uint64_t wake_ms = next_tick(w) * WHEEL_TICK_MS;

	if (wake_ms <= now_ms)
		return 0;
	return wake_ms - now_ms < max_ms ? (uint32_t)(wake_ms - now_ms) : max_ms;
}
