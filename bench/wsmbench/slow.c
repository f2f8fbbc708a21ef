/*
 * Readers that stall while messages come: what the server makes of them, by its own records, what
 * that costs it, and what the others notice.
 */
#include <stdio.h>

#include "broadcast.h"
#include "client.h"
#include "loop.h"
#include "report.h"

static void slow_on_open(struct client *c)
{
	if (broadcast_is_stalled(c))
		client_stall(c);
}

static void slow_on_leave(struct client *c)
{
	if (broadcast_is_stalled(c))
		client_drop(c); /* would never see the server's goodbye */
	else
		broadcast_on_leave(c);
}

/* ---- what the server has to say about those that stalled ---- */

struct verdict {
	struct tally *ends, *codes;
	uint64_t delivered, skipped, queue_max_bytes;
};

/* The last connection of a user: the live one, or how it ended. Borrowed; NULL: the server has
 * forgotten it. */
static const json_t *record_of(const json_t *result)
{
	const json_t *const live = json_array_get(json_object_get(result, "live"), 0);

	return live ? live : json_array_get(json_object_get(result, "ended"), 0);
}

static uint64_t number_in(const json_t *record, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(record, key));
}

static void take_record(struct verdict *v, const json_t *record)
{
	const char *const reason = json_string_value(json_object_get(record, "reason"));
	const uint64_t code = number_in(record, "code_sent");
	const uint64_t queue_bytes = number_in(record, "queue_high_bytes");

	tally_add(v->ends, reason ? reason : record ? "open" : "unknown", 1);
	if (code > 0)
		tally_add_number(v->codes, (unsigned)code, 1);
	v->delivered += number_in(record, "messages_out");
	v->skipped += number_in(record, "messages_skipped");
	if (queue_bytes > v->queue_max_bytes)
		v->queue_max_bytes = queue_bytes;
}

static void ask_about_stalled(struct sender *s)
{
	const struct options *const o = s->run->options;
	struct verdict v = {
		.ends = report_kinds(s->report, "stalled_ends", "the stalled ended by"),
		.codes = report_kinds(s->report, "stalled_codes", "and were told"),
	};

	for (uint32_t i = 0; i < o->stalled && !s->failed; i++) {
		json_t *const result =
			sender_ask(s,
		                   "{\"version\":1,\"command\":\"why\",\"arguments\":"
		                   "{\"target\":\"%s%u\"}}\n",
		                   o->user_prefix, i);

		if (result)
			take_record(&v, record_of(result));
		json_decref(result);
	}
	report_fact(s->report, "stalled_delivered", "delivered to their queues", "messages",
	            (double)v.delivered);
	report_fact(s->report, "stalled_skipped", "skipped, queue full", "messages",
	            (double)v.skipped);
	report_fact(s->report, "stalled_queue_max_bytes", "longest queue of one of them", "B",
	            (double)v.queue_max_bytes);
}

static void before_load(struct sender *s)
{
	report_peak_begin(s->report);
}

static void after_load(struct sender *s)
{
	report_peak_end(s->report);
	ask_about_stalled(s);
}

static void slow_conduct(struct run *r, struct report *report)
{
	static const struct broadcast_steps steps = {.before = before_load, .after = after_load};

	report_fact(report, "connections_stalled", "of the connections stall", "",
	            (double)r->options->stalled);
	broadcast_conduct(r, report, &steps);
}

const struct mode mode_slow = {
	.done_means = "deliveries",
	.on_open = slow_on_open,
	.on_message = broadcast_on_message,
	.on_leave = slow_on_leave,
	.turn = broadcast_turn,
	.conduct = slow_conduct,
	.tell = broadcast_tell,
};
