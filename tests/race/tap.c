/*
 * The worker and main over the events of a tap: each is whole when main looks at it, in order, and
 * what is not shown is counted. Main pauses, so that all of them are away at times.
 */
#include "shard/tap.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "os/os.h"
#include "race.h"

#define EVENTS    200000
#define PAUSE_NTH 5000
#define HANG_MS   60000

static struct inbox to_main;
static struct tap tap;

static void *work(void *arg)
{
	uint8_t payload[TAP_PAYLOAD];

	(void)arg;
	for (uint32_t i = 0; i < EVENTS; i++) {
		struct tap_event *e = tap_take(&tap);

		if (e == NULL) {
			if (i % 16 == 0)
				sched_yield();
			continue;
		}
		memset(payload, (int)(i & 0xff), sizeof(payload));
		e->wall_ms = i;
		tap_keep(&tap, e, payload, 1 + i % TAP_PAYLOAD);
		inbox_push_always(&to_main, &e->item);
		if (i % 100 == 0)
			sched_yield();
	}
	tap.item.kind = ITEM_UNTAP;
	inbox_push_always(&to_main, &tap.item);
	return NULL;
}

static bool is_whole(const struct tap_event *e)
{
	bool whole = e->kept == 1 + e->wall_ms % TAP_PAYLOAD && e->len == e->kept;

	for (uint32_t i = 0; i < e->kept; i++)
		whole &= e->payload[i] == (e->wall_ms & 0xff);
	return whole;
}

int main(void)
{
	const uint64_t until = os_now_ms() + HANG_MS;
	uint64_t shown = 0, missed = 0;
	bool whole = true, ordered = true, again;
	struct inbox_item *item;
	pthread_t worker;

	race_need(inbox_init(&to_main, 1) == 0, "an inbox");
	tap.with_payload = true;
	tap_init(&tap);
	worker = race_start(work, NULL);
	while ((item = inbox_take(&to_main, &again)) != &tap.item) {
		struct tap_event *e = CONTAINER_OF(item, struct tap_event, item);

		if (item == NULL) {
			race_need(os_now_ms() < until, "it goes on");
			sched_yield();
			continue;
		}
		missed += e->missed;
		ordered &= e->wall_ms == shown + missed;
		whole &= is_whole(e);
		tap_give_back(e);
		if (++shown % PAUSE_NTH == 0)
			usleep(1000);
	}
	pthread_join(worker, NULL);
	missed += tap.missed;
	race_check(whole, "every event is whole");
	race_check(ordered, "in order, with the missed ones counted between them");
	race_check(shown + missed == EVENTS, "each was shown or counted");
	inbox_fini(&to_main);
	return race_end();
}
