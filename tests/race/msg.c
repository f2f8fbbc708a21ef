/* Many threads share messages: readable up to the last reference, freed exactly once. */
#include "shard/msg.h"

#include <string.h>

#include "race.h"
#include "ws/receiver.h"

#define THREADS  4
#define ROUNDS   200
#define MESSAGES 64
#define BYTES    40
#define GETS     5

static struct msg *shared[MESSAGES];
static pthread_barrier_t begin, end;
static _Atomic unsigned freed, torn;
static _Atomic bool counting;

void __real_free(void *p);
void __wrap_free(void *p);

void __wrap_free(void *p)
{
	if (p != NULL && atomic_load_explicit(&counting, memory_order_relaxed))
		atomic_fetch_add_explicit(&freed, 1, memory_order_relaxed);
	__real_free(p);
}

static void read_it(const struct msg *m, unsigned number)
{
	const uint8_t *payload = msg_payload(m);

	for (unsigned i = 0; i < BYTES; i++)
		if (payload[i] != (uint8_t)number)
			atomic_fetch_add_explicit(&torn, 1, memory_order_relaxed);
}

/* Each has one reference to each message, and goes through them in an order of its own. */
static void *share(void *arg)
{
	const unsigned me = (unsigned)(size_t)arg;

	for (unsigned round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&begin);
		for (unsigned i = 0; i < MESSAGES; i++) {
			const unsigned n = (i * (2 * me + 1)) % MESSAGES;
			struct msg *m = shared[n];

			for (unsigned k = 0; k < GETS; k++)
				msg_get(m);
			for (unsigned k = 0; k <= GETS; k++) {
				read_it(m, n);
				msg_put(m);
			}
		}
		pthread_barrier_wait(&end);
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];
	bool once = true;

	pthread_barrier_init(&begin, NULL, THREADS + 1);
	pthread_barrier_init(&end, NULL, THREADS + 1);
	for (size_t i = 0; i < THREADS; i++)
		threads[i] = race_start(share, (void *)i);
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned n = 0; n < MESSAGES; n++) {
			uint8_t payload[BYTES];

			memset(payload, (int)n, sizeof(payload));
			shared[n] = msg_new(WS_BINARY, payload, sizeof(payload));
			race_need(shared[n] != NULL, "memory");
			for (unsigned i = 1; i < THREADS; i++)
				msg_get(shared[n]);
		}
		atomic_store(&freed, 0);
		atomic_store(&counting, true);
		pthread_barrier_wait(&begin);
		pthread_barrier_wait(&end);
		atomic_store(&counting, false);
		once &= atomic_load(&freed) == MESSAGES;
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	race_check(once, "each message is freed exactly once");
	race_check(atomic_load(&torn) == 0, "contents can be read up to the last reference");
	return race_end();
}
