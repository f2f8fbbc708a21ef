/* Readers hold on to keys and use them while main publishes others: none is freed under them. */
#include <sched.h>
#include <string.h>

#include "auth/key.h"
#include "auth/key_cell.h"
#include "base/rcu.h"
#include "race.h"

#define READERS   3
#define PUBLISHED 3000

static struct key_cell cell;
static _Atomic unsigned wrong, backwards, uses;
static _Atomic bool done;

/* A ring of one secret, all of whose bytes and whose name follow from @n. */
static struct keyring *make(uint32_t n)
{
	struct keyring *ring = calloc(1, sizeof(*ring));
	char id[16], why[KEY_WHY_BYTES];
	uint8_t secret[SECRET_MIN];
	struct key *k;

	race_need(ring != NULL, "memory");
	atomic_init(&ring->holders, 1);
	snprintf(id, sizeof(id), "%u", n);
	memset(secret, (int)(n & 0xff), sizeof(secret));
	k = key_place(ring, ALGORITHM_HS256, id, why);
	race_need(k != NULL && key_set_secret(k, secret, sizeof(secret), why) == 0, "a key");
	ring->n = 1;
	return ring;
}

static bool works(const struct keyring *ring)
{
	uint8_t mac[HS256_BYTES];

	return keyring_sign(ring, "text", 4, mac) == 0 &&
	       keyring_verify(ring, ALGORITHM_HS256, keyring_secret_id(ring), "text", 4, mac,
	                      sizeof(mac));
}

static void *read_on(void *arg)
{
	struct keyring *held = NULL;
	unsigned long last = 0;
	uint64_t seen = 0;

	(void)arg;
	rcu_thread_enter();
	while (!atomic_load_explicit(&done, memory_order_relaxed) || last < PUBLISHED) {
		unsigned long n;

		key_cell_refresh(&cell, &seen, &held);
		if (held == NULL) {
			sched_yield();
			continue;
		}
		n = strtoul(keyring_secret_id(held), NULL, 10);
		if (!works(held))
			atomic_fetch_add_explicit(&wrong, 1, memory_order_relaxed);
		if (n < last || n < seen)
			atomic_fetch_add_explicit(&backwards, 1, memory_order_relaxed);
		last = n;
		atomic_fetch_add_explicit(&uses, 1, memory_order_relaxed);
	}
	keyring_release(held);
	rcu_thread_leave();
	return NULL;
}

/* However the machine shares its cores out: keys are used in every hundred publications. */
static void wait_for_a_use(void)
{
	const unsigned was = atomic_load_explicit(&uses, memory_order_relaxed);

	while (atomic_load_explicit(&uses, memory_order_relaxed) == was)
		sched_yield();
}

int main(void)
{
	pthread_t threads[READERS];

	rcu_thread_enter();
	for (size_t i = 0; i < READERS; i++)
		threads[i] = race_start(read_on, NULL);
	for (uint32_t n = 1; n <= PUBLISHED; n++) {
		key_cell_publish(&cell, make(n));
		if (n % 100 == 0)
			wait_for_a_use();
	}
	atomic_store(&done, true);
	for (size_t i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	key_cell_publish(&cell, NULL);
	rcu_thread_leave();
	race_check(atomic_load(&wrong) == 0, "keys that are held work");
	race_check(atomic_load(&backwards) == 0, "no reader gets older keys again");
	race_check(atomic_load(&uses) >= PUBLISHED / 100, "readers used them");
	return race_end();
}
