/*
 * Many producers, one consumer that sleeps in the poll: nothing is lost, each producer's order
 * holds, the bound holds, and no wake-up is missed.
 */
#include "shard/inbox.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "os/os.h"
#include "race.h"

#define PRODUCERS  4
#define EACH       20000
#define LIMIT      64
#define BATCH      10 /* taken in one turn, as a worker bounds it */
#define HANG_MS    20000
#define PAUSE_NTH  500
#define ALWAYS_NTH 97 /* every so many, one that must not be refused */

struct parcel {
	struct inbox_item item;
	unsigned producer, number;
	char text[24]; /* plain memory: the queue must order it */
};

static struct inbox inbox;

static void write_text(char dst[24], unsigned producer, unsigned number)
{
	memset(dst, 0, 24);
	snprintf(dst, 24, "%u/%u", producer, number);
}

static void *produce(void *arg)
{
	const unsigned producer = (unsigned)(size_t)arg;

	for (unsigned i = 0; i < EACH; i++) {
		struct parcel *p = malloc(sizeof(*p));

		race_need(p != NULL, "memory");
		p->item.kind = ITEM_REQUEST;
		p->producer = producer;
		p->number = i;
		write_text(p->text, producer, i);
		if (i % ALWAYS_NTH == 0)
			inbox_push_always(&inbox, &p->item);
		else
			while (inbox_push(&inbox, &p->item) < 0)
				sched_yield();
		if (i % PAUSE_NTH == producer) /* let it run empty, so that the consumer sleeps */
			usleep(100);
	}
	return NULL;
}

/* ---- the consumer, with the loop of a worker ---- */

struct seen {
	unsigned next[PRODUCERS];
	unsigned total, sleeps;
	bool ordered, intact, hung;
};

static void look_at(struct seen *s, struct parcel *p)
{
	char want[24];

	write_text(want, p->producer, p->number);
	s->intact &= memcmp(want, p->text, sizeof(want)) == 0;
	s->ordered &= p->number == s->next[p->producer];
	s->next[p->producer] = p->number + 1;
	s->total++;
	free(p);
}

/* True: there may be more without another wake-up. */
static bool take_batch(struct seen *s)
{
	for (int n = 0; n < BATCH; n++) {
		bool again;
		struct inbox_item *item = inbox_take(&inbox, &again);

		if (item == NULL)
			return again;
		look_at(s, CONTAINER_OF(item, struct parcel, item));
	}
	return true;
}

static struct seen consume(void)
{
	struct seen s = {.ordered = true, .intact = true};
	const int poll = os_poll_new();
	bool again = false;

	race_need(poll >= 0 && os_poll_add(poll, inbox.wake_fd, OS_READ, 1) == 0, "a poll");
	while (s.total < PRODUCERS * EACH && !s.hung) {
		struct os_event ev;
		const int n = os_poll_wait(poll, &ev, 1, again ? 0 : HANG_MS);

		s.sleeps += !again;
		s.hung = n == 0 && !again;
		if (n > 0)
			inbox_woken(&inbox);
		again = take_batch(&s);
	}
	os_close(poll);
	return s;
}

static void run_together(void)
{
	pthread_t threads[PRODUCERS];
	struct seen s;

	race_need(inbox_init(&inbox, LIMIT) == 0, "an inbox");
	for (size_t i = 0; i < PRODUCERS; i++)
		threads[i] = race_start(produce, (void *)i);
	s = consume();
	race_check(!s.hung, "every wake-up was seen");
	if (s.hung)
		exit(race_end()); /* the producers wait for ever */
	for (size_t i = 0; i < PRODUCERS; i++)
		pthread_join(threads[i], NULL);
	race_check(s.total == PRODUCERS * EACH && inbox_depth(&inbox) == 0, "nothing was lost");
	race_check(s.ordered, "the order of each producer holds");
	race_check(s.intact, "contents arrive with their item");
	race_check(s.sleeps > 10, "the consumer slept between");
	inbox_fini(&inbox);
}

/* ---- the bound ---- */

static _Atomic unsigned accepted;

static void *fill(void *arg)
{
	struct parcel *p;

	(void)arg;
	while ((p = malloc(sizeof(*p))) != NULL && inbox_push(&inbox, &p->item) == 0)
		atomic_fetch_add_explicit(&accepted, 1, memory_order_relaxed);
	free(p);
	return NULL;
}

/* All at once, and nobody takes anything. */
static void run_against_the_bound(void)
{
	bool within = true, exact = true;

	race_need(inbox_init(&inbox, LIMIT) == 0, "an inbox");
	for (int round = 0; round < 200; round++) {
		pthread_t threads[PRODUCERS];
		struct inbox_item *item;
		bool again;

		atomic_store(&accepted, 0);
		for (size_t i = 0; i < PRODUCERS; i++)
			threads[i] = race_start(fill, NULL);
		for (size_t i = 0; i < PRODUCERS; i++)
			pthread_join(threads[i], NULL);
		within &= atomic_load(&accepted) <= LIMIT;
		fill(NULL); /* whoever saw another's attempt as an item gave up too early */
		exact &= atomic_load(&accepted) == LIMIT && inbox_depth(&inbox) == LIMIT;
		while ((item = inbox_take(&inbox, &again)) != NULL)
			free(CONTAINER_OF(item, struct parcel, item));
	}
	race_check(within, "never more than the bound");
	race_check(exact, "as many as the bound");
	inbox_fini(&inbox);
}

int main(void)
{
	run_together();
	run_against_the_bound();
	return race_end();
}
