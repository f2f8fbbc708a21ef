/*
 * The first guards of a process, entered by many threads at once, as by a program that makes its
 * managers at the same moment: jansson's allocator gets one guard before it, not a guard before a
 * guard. That happens once in a process, so each try is a process.
 */
#include "conf/guard.h"

#include <jansson.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "race.h"

#define TRIES   20
#define THREADS 4

static _Atomic unsigned installing;

/* Whoever is about to install meets the others here, and they go on one after the other. */
void __real_json_get_alloc_funcs(json_malloc_t *ret_malloc, json_free_t *ret_free);
void __wrap_json_get_alloc_funcs(json_malloc_t *ret_malloc, json_free_t *ret_free);
void __wrap_json_get_alloc_funcs(json_malloc_t *ret_malloc, json_free_t *ret_free)
{
	usleep(5000 * (1 + atomic_fetch_add(&installing, 1)));
	__real_json_get_alloc_funcs(ret_malloc, ret_free);
}

static void *read_json(void *arg)
{
	struct guard *g = guard_enter();
	json_t *v;

	race_need(g != NULL, "memory");
	v = json_loads("{\"a\": [1, 2, \"three\"]}", 0, NULL);
	race_need(json_array_size(json_object_get(v, "a")) == 3, "what was written is read");
	json_decref(v);
	*(bool *)arg = guard_leave(g);
	return NULL;
}

/* In a process of its own, which has used no jansson yet. */
static void play(void)
{
	bool was_short[THREADS];
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		threads[i] = race_start(read_json, &was_short[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS; i++)
		race_need(!was_short[i], "memory");
	race_need(atomic_load(&installing) == 1, "one guard");
}

int main(void)
{
	unsigned good = 0;

	for (unsigned i = 0; i < TRIES; i++) {
		const pid_t child = fork();
		int status = -1;

		race_need(child >= 0, "fork");
		if (child == 0) {
			play();
			exit(0); /* the thread sanitizer has its word in the exit code */
		}
		race_need(waitpid(child, &status, 0) == child, "waitpid");
		good += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	printf("%u of %u\n", good, TRIES);
	race_check(good == TRIES, "the first guards of a process do not meet");
	return race_end();
}
