/*
 * Messages out, the same bytes back. Closed loop: each connection keeps `depth` messages in
 * flight; a reply makes room for the next. Open loop: see schedule.h.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "client.h"
#include "clock.h"
#include "echo.h"
#include "loop.h"
#include "report.h"
#include "ws/frame.h"
#include "ws/mask.h"

#define CATCH_UP 4096 /* messages that become due in one turn at most: replies want reading too */

struct echo {
	struct list due; /* connections with messages that are due */
	bool started;
};

static int echo_start(struct loop *l)
{
	struct echo *const e = calloc(1, sizeof(*e));

	if (!e)
		return WSMD_ENOMEM;
	l->mode_state = e;
	list_init(&e->due);
	return schedule_init(l);
}

static void echo_stop(struct loop *l)
{
	schedule_fini(l);
	free(l->mode_state);
}

/* Is there a message that @c may send now? */
static bool may_send(const struct client *c)
{
	const struct loop *const l = c->loop;

	if (schedule_is_open_loop(l))
		return c->sent < c->due;
	return c->sent - c->answered < l->run->options->depth && l->schedule.budget > 0;
}

size_t echo_append_message(struct client *c, uint8_t *dst)
{
	struct loop *const l = c->loop;
	const struct payload *const p = &l->run->payload;
	const uint32_t key = loop_mask_key(l);
	const size_t at = ws_frame_encode(dst, p->kind == PAYLOAD_BINARY ? WS_BINARY : WS_TEXT,
	                                  true, p->size, (const uint8_t *)&key);

	payload_write(p, c->number, c->sent, dst + at);
	(void)ws_mask(dst + at, p->size, key); /* whole, so the key is not used again */
	return at + p->size;
}

/* Send all that may be sent, a buffer full at a time. */
static void fill(struct client *c)
{
	struct loop *const l = c->loop;
	const uint64_t now_ns = clock_now_ns();

	if (schedule_is_over(l, now_ns))
		return;
	while (c->state == CLIENT_OPEN && !client_blocked(c) && may_send(c)) {
		size_t len = 0;

		while (may_send(c) &&
		       len + WS_MAX_HEADER + l->run->payload.size <= l->scratch_cap) {
			len += echo_append_message(c, l->scratch + len);
			schedule_note_sent(c, now_ns);
		}
		if (!client_write(c, l->scratch, len))
			return;
	}
}

bool echo_check(struct client *c, const struct ws_event *ev)
{
	const struct loop *const l = c->loop;
	const bool binary = ev->opcode == WS_BINARY;
	char why[FAILURE_TEXT_MAX];
	enum payload_fault fault;

	if (c->answered == c->sent) {
		client_fail(c, FAILURE_ORDER, "connection %u: a message of %zu bytes came unasked",
		            c->number, ev->len);
		return false;
	}
	if (binary != (l->run->payload.kind == PAYLOAD_BINARY)) {
		client_fail(c, FAILURE_CONTENT, "connection %u: reply to message %llu is %s",
		            c->number, (unsigned long long)c->answered, binary ? "binary" : "text");
		return false;
	}
	fault = payload_check(&l->run->payload, c->number, c->answered, ev->data, ev->len, why,
	                      sizeof(why));
	if (fault == PAYLOAD_GOOD)
		return true;
	client_fail(c, fault == PAYLOAD_CHANGED ? FAILURE_CONTENT : FAILURE_ORDER,
	            "connection %u: %s%s", c->number, fault == PAYLOAD_CHANGED ? "reply to " : "",
	            why);
	return false;
}

static void echo_on_message(struct client *c, const struct ws_event *ev, uint64_t now_ns)
{
	if (echo_check(c, ev))
		schedule_note_answered(c, now_ns);
}

static void echo_on_leave(struct client *c)
{
	const uint64_t asked = c->due > c->sent ? c->due : c->sent;

	if (asked == c->answered)
		return;
	failures_note(&c->loop->failures, FAILURE_UNANSWERED,
	              "connection %u: no reply to message %llu and %llu more", c->number,
	              (unsigned long long)c->answered,
	              (unsigned long long)(asked - c->answered - 1));
	failures_add(&c->loop->failures, FAILURE_UNANSWERED, asked - c->answered - 1);
}

/* Let messages become due, on their connections in turn. */
static void make_due(struct loop *l, uint64_t now_ns)
{
	struct echo *const e = l->mode_state;

	for (unsigned i = 0; i < CATCH_UP; i++) {
		struct client *const c = schedule_take(l, now_ns);

		if (!c)
			return;
		if (c->state != CLIENT_OPEN)
			continue;
		c->due++;
		list_unlink(&c->link);
		list_append(&e->due, &c->link);
	}
}

static void open_loop_turn(struct loop *l)
{
	struct echo *const e = l->mode_state;

	make_due(l, clock_now_ns());
	while (!list_empty(&e->due)) {
		struct client *const c = list_entry(e->due.next, struct client, link);

		list_unlink(&c->link);
		fill(c);
	}
	schedule_note_backlog(l);
}

/* Nothing will be sent any more, and nothing that was sent waits for its reply. */
static bool is_quiet(const struct loop *l)
{
	if (l->schedule.budget > 0 && (schedule_is_open_loop(l) || loop_phase(l) < PHASE_DRAIN))
		return false;
	for (uint32_t i = 0; i < l->n_clients; i++) {
		const struct client *const c = &l->clients[i];

		if (c->state == CLIENT_OPEN && (c->sent > c->answered || c->due > c->sent))
			return false;
	}
	return true;
}

static void echo_turn(struct loop *l)
{
	struct echo *const e = l->mode_state;
	const enum phase phase = loop_phase(l);

	if (schedule_is_open_loop(l) && (phase == PHASE_LOAD || phase == PHASE_DRAIN)) {
		open_loop_turn(l); /* the end may have come before the last ones were made due */
	} else if (phase == PHASE_LOAD && !e->started) {
		e->started = true;
		for (uint32_t i = 0; i < l->n_clients; i++)
			if (l->clients[i].state == CLIENT_OPEN)
				fill(&l->clients[i]);
	} else if (phase > PHASE_LOAD) {
		l->wake_ns = NEVER_NS;
	}
	/* Looking at every connection is for the end only. */
	if (phase == PHASE_DRAIN || (phase == PHASE_LOAD && l->schedule.budget == 0))
		atomic_store_explicit(&l->gauges.quiet, is_quiet(l), memory_order_relaxed);
}

static bool is_over(const struct run *r)
{
	return run_all_quiet(r) || run_all_closed(r);
}

static void echo_conduct(struct run *r, struct report *report)
{
	if (run_open_all(r, report, run_all_tried))
		run_measure(r, report, is_over);
	run_close(r);
}

static void echo_tell(const struct run *r, struct report *report)
{
	struct histogram *const latency = report_timing(report, "latency", "latency");
	uint64_t sent = 0, answered = 0, counted = 0, pings = 0;
	double rate;

	for (uint32_t i = 0; i < r->n_loops; i++) {
		const struct loop *const l = &r->loops[i];

		histogram_merge(latency, &l->latency);
		sent += l->schedule.sent;
		answered += l->schedule.answered;
		counted += l->counted;
		pings += l->pings;
	}
	rate = report->measured_s > 0 ? (double)counted / report->measured_s : 0;
	report_fact(report, "messages_sent", "messages sent", "in all", (double)sent);
	report_fact(report, "messages_answered", "messages answered", "in all", (double)answered);
	report_fact(report, "messages_measured", "answered while measuring", "", (double)counted);
	report_fact(report, "messages_per_s", "throughput", "messages/s", rate);
	report_fact(report, "payload_mb_per_s", "payload, each way", "MB/s",
	            rate * (double)r->options->size_bytes / 1e6);
	report_fact(report, "pings_answered", "pings answered", "", (double)pings);
	if (counted > 0)
		report_fact(report, "client_cpu_us_per_message", "wsmbench CPU for each", "us",
		            report->cpu.total_s * 1e6 / (double)counted);
	if (counted > 0 && report->has_server_cpu)
		report_fact(report, "server_cpu_us_per_message", "server CPU for each", "us",
		            report->server_cpu.total_s * 1e6 / (double)counted);
	schedule_tell(r, report);
}

const struct mode mode_echo = {
	.done_means = "replies",
	.waiting_means = "waiting",
	.start = echo_start,
	.on_message = echo_on_message,
	.on_batch_end = fill,
	.on_writable = fill,
	.on_leave = echo_on_leave,
	.turn = echo_turn,
	.conduct = echo_conduct,
	.tell = echo_tell,
	.stop = echo_stop,
};
