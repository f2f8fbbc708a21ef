/* Broadcasts to all or to a group, measured at the receivers. */
#include <stdio.h>

#include "broadcast.h"
#include "loop.h"
#include "report.h"

/* Every receiver becomes a member. */
static void join_group(struct sender *s)
{
	const struct options *const o = s->run->options;

	for (uint32_t i = 0; o->group && i < o->connections && !s->failed && !s->run->interrupted;
	     i++) {
		json_t *const result =
			sender_ask(s,
		                   "{\"version\":1,\"command\":\"join\",\"arguments\":"
		                   "{\"group\":\"%s\",\"target\":\"%s%u\"}}\n",
		                   o->group, o->user_prefix, i);

		json_decref(result);
	}
}

static void fanout_conduct(struct run *r, struct report *report)
{
	static const struct broadcast_steps steps = {.before = join_group};

	broadcast_conduct(r, report, &steps);
}

const struct mode mode_fanout = {
	.done_means = "deliveries",
	.on_message = broadcast_on_message,
	.on_leave = broadcast_on_leave,
	.turn = broadcast_turn,
	.conduct = fanout_conduct,
	.tell = broadcast_tell,
};
