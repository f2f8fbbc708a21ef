/* One acceptor counts addresses in, many workers count them out: the sums come out even. */
#include "shard/sources.h"

#include "base/macros.h"
#include "race.h"

#define WORKERS   3
#define ADDRESSES 40 /* more than half of the places: they are taken over all the time */
#define ROUNDS    60000
#define QUEUE     64

/* From the acceptor to each worker; a plain ring, because the inbox has its own race program. */
static struct ring {
	_Atomic uint32_t head, tail;
	struct net_addr addr[QUEUE];
} rings[WORKERS];

static const struct siphash_key key = {3, 4};
static struct sources s;
static _Atomic bool over;

static bool push(struct ring *r, const struct net_addr *a)
{
	const uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (head - atomic_load_explicit(&r->tail, memory_order_acquire) == QUEUE)
		return false;
	r->addr[head % QUEUE] = *a;
	atomic_store_explicit(&r->head, head + 1, memory_order_release);
	return true;
}

static void *leave(void *arg)
{
	struct ring *r = arg;

	for (uint32_t tail = 0;;) {
		const bool last = atomic_load_explicit(&over, memory_order_acquire);

		if (tail != atomic_load_explicit(&r->head, memory_order_acquire)) {
			const struct net_addr a = r->addr[tail % QUEUE];

			atomic_store_explicit(&r->tail, ++tail, memory_order_release);
			sources_left(&s, &a);
		} else if (last) {
			return NULL;
		}
	}
}

int main(void)
{
	pthread_t t[WORKERS];
	uint64_t left = 0, refused = 0;
	bool empty = true;

	race_need(sources_init(&s, &key, 32) == 0, "memory");
	for (unsigned i = 0; i < WORKERS; i++)
		t[i] = race_start(leave, &rings[i]);
	for (uint32_t n = 0; n < ROUNDS; n++) {
		struct net_addr a = {.family = 4,
		                     .ip = {10, 0, (uint8_t)(n / 7 % 9), (uint8_t)(n % ADDRESSES)}};

		if (!sources_opened(&s, &a)) {
			refused++;
			continue;
		}
		sources_handed(&s, &a);
		if (!push(&rings[n % WORKERS], &a)) {
			sources_returned(&s, &a);
			sources_closed(&s, &a);
			refused++;
		}
	}
	atomic_store_explicit(&over, true, memory_order_release);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(t[i], NULL);
	for (uint32_t i = 0; i < s.n; i++) {
		empty = empty && s.place[i].opening == 0 && s.place[i].came == s.place[i].left;
		left += s.place[i].left;
	}
	race_check(empty, "nobody is left at any address");
	race_check(left + refused == ROUNDS, "everybody who came has left");
	sources_fini(&s);
	return race_end();
}
