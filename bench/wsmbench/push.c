/*
 * Messages to users through the control socket of a wsmd: in as a request, out on the user's
 * connection.
 *
 * Each loop has a control session of its own and sends to the users that it holds, in turn. So
 * sending and receiving share a thread and a clock, and a message is checked where it was made.
 * Closed loop: depth messages are under way on each session. Open loop: see schedule.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "client.h"
#include "clock.h"
#include "loop.h"
#include "pipeline.h"
#include "report.h"

#define LINE_EXTRA 512  /* of a request, around what it carries */
#define CATCH_UP   1024 /* messages in one turn at most: answers want reading too */

struct push {
	struct pipeline pipeline;
	uint64_t written; /* open loop: of those that were due, handed to the session */
	uint64_t told;    /* requests that were answered */
	uint64_t lost;    /* messages to connections that ended before they came */
	bool failed;      /* the session is of no use any more */
};

static void fail(struct loop *l, const char *why)
{
	struct push *const p = l->mode_state;

	failures_note(&l->failures, FAILURE_CONTROL, "%s", why);
	p->failed = true;
	l->wake_ns = NEVER_NS;
	pipeline_close(&p->pipeline);
}

static int push_start(struct loop *l)
{
	struct push *const p = calloc(1, sizeof(*p));
	char why[FAILURE_TEXT_MAX];
	int rc;

	if (!p)
		return WSMD_ENOMEM;
	l->mode_state = p;
	rc = pipeline_open(&p->pipeline, l->run->options->control, l->poll, LOOP_CONTROL_TOKEN, why,
	                   sizeof(why));
	if (rc != 0)
		fail(l, why);
	return schedule_init(l);
}

static void push_stop(struct loop *l)
{
	struct push *const p = l->mode_state;

	schedule_fini(l);
	if (p)
		pipeline_close(&p->pipeline);
	free(p);
}

/* ---- sending ---- */

static uint64_t under_way(const struct loop *l)
{
	const struct push *const p = l->mode_state;
	const uint64_t arrived = l->schedule.answered + p->lost;

	return l->schedule.sent - (p->told < arrived ? p->told : arrived);
}

static void send_to(struct client *c, uint64_t now_ns)
{
	struct loop *const l = c->loop;
	struct push *const p = l->mode_state;
	const struct options *const o = l->run->options;
	char *const line = pipeline_begin(&p->pipeline, o->size_bytes + LINE_EXTRA);
	char *at = line;

	if (!line) {
		fail(l, "no memory for a message");
		return;
	}
	at += sprintf(at,
	              "{\"version\":1,\"command\":\"send\",\"arguments\":{\"user\":\"%s%u\","
	              "\"text\":\"",
	              o->user_prefix, c->number);
	payload_write(&l->run->payload, c->number, c->sent, (uint8_t *)at);
	at += o->size_bytes;
	at += sprintf(at, "\"}}\n");
	pipeline_add(&p->pipeline, (size_t)(at - line), (uint32_t)(c - l->clients));
	schedule_note_sent(c, now_ns);
}

static void send_what_is_due(struct loop *l)
{
	struct push *const p = l->mode_state;
	const uint64_t now_ns = clock_now_ns();
	struct client *c;

	for (unsigned i = 0; i < CATCH_UP && (c = schedule_take(l, now_ns)); i++)
		c->due += c->state == CLIENT_OPEN;
	while (p->written < l->schedule.next && !p->failed && !pipeline_is_full(&p->pipeline)) {
		c = &l->clients[p->written++ % l->n_clients];
		if (c->state == CLIENT_OPEN)
			send_to(c, now_ns);
	}
	schedule_note_backlog(l);
}

static void send_what_there_is_room_for(struct loop *l)
{
	const struct push *const p = l->mode_state;
	const uint64_t now_ns = clock_now_ns();

	while (!p->failed && !schedule_is_over(l, now_ns) && l->schedule.budget > 0 &&
	       under_way(l) < l->run->options->depth && !pipeline_is_full(&p->pipeline) &&
	       GAUGE_GET(l->gauges.open) > 0) {
		struct client *const c = schedule_turn(l);

		if (c->state == CLIENT_OPEN)
			send_to(c, now_ns);
	}
}

/* Nothing will be sent any more, and all that was sent has come and was answered for. */
static bool is_quiet(const struct loop *l)
{
	const struct push *const p = l->mode_state;

	if (p->failed)
		return true;
	if (l->schedule.budget > 0 && (schedule_is_open_loop(l) || loop_phase(l) < PHASE_DRAIN))
		return false;
	return under_way(l) == 0 && (!schedule_is_open_loop(l) || p->written == l->schedule.next);
}

static void push_turn(struct loop *l)
{
	struct push *const p = l->mode_state;
	const enum phase phase = loop_phase(l);
	char why[FAILURE_TEXT_MAX];

	if (schedule_is_open_loop(l) && (phase == PHASE_LOAD || phase == PHASE_DRAIN))
		send_what_is_due(l);
	else if (phase == PHASE_LOAD)
		send_what_there_is_room_for(l);
	else
		l->wake_ns = NEVER_NS;
	if (!p->failed && !pipeline_flush(&p->pipeline, why, sizeof(why)))
		fail(l, why);
	atomic_store_explicit(&l->gauges.quiet, phase >= PHASE_LOAD && is_quiet(l),
	                      memory_order_relaxed);
}

/* ---- answers ---- */

static void on_answer(void *arg, uint32_t tag, const json_t *result, const char *why)
{
	struct loop *const l = arg;
	struct push *const p = l->mode_state;
	struct client *const c = &l->clients[tag];
	const json_int_t n = json_integer_value(json_object_get(result, "delivered"));
	const char *const reason = json_string_value(json_object_get(result, "reason"));

	p->told++;
	if (c->state != CLIENT_OPEN || n == 1)
		return;
	if (!result)
		client_fail(c, FAILURE_CONTROL, "%s", why);
	else
		client_fail(c, FAILURE_UNDELIVERED,
		            "a message to %s%u was delivered to %lld connections, not to one%s%s",
		            l->run->options->user_prefix, c->number, (long long)n,
		            reason ? ": " : "", reason ? reason : "");
}

static void push_on_control(struct loop *l, uint32_t events)
{
	struct push *const p = l->mode_state;
	char why[FAILURE_TEXT_MAX];

	if (!p->failed && !pipeline_event(&p->pipeline, events, on_answer, l, why, sizeof(why)))
		fail(l, why);
}

/* ---- receiving ---- */

static void push_on_message(struct client *c, const struct ws_event *ev, uint64_t now_ns)
{
	char why[FAILURE_TEXT_MAX];
	enum payload_fault fault;

	if (c->answered == c->sent) {
		client_fail(c, FAILURE_ORDER, "user %u: a message of %zu bytes came unasked",
		            c->number, ev->len);
		return;
	}
	if (ev->opcode != WS_TEXT) {
		client_fail(c, FAILURE_CONTENT, "user %u: message %llu is binary", c->number,
		            (unsigned long long)c->answered);
		return;
	}
	fault = payload_check(&c->loop->run->payload, c->number, c->answered, ev->data, ev->len,
	                      why, sizeof(why));
	if (fault == PAYLOAD_GOOD)
		schedule_note_answered(c, now_ns);
	else
		client_fail(c, fault == PAYLOAD_CHANGED ? FAILURE_CONTENT : FAILURE_ORDER,
		            "user %u: %s", c->number, why);
}

static void push_on_leave(struct client *c)
{
	const uint64_t asked = c->due > c->sent ? c->due : c->sent;
	const uint64_t missing = asked - c->answered;

	if (missing == 0)
		return;
	failures_note(&c->loop->failures, FAILURE_UNANSWERED,
	              "user %u: message %llu and %llu more did not come", c->number,
	              (unsigned long long)c->answered, (unsigned long long)(missing - 1));
	failures_add(&c->loop->failures, FAILURE_UNANSWERED, missing - 1);
}

static void push_on_closed(struct client *c)
{
	struct push *const p = c->loop->mode_state;

	p->lost += c->sent - c->answered;
}

/* ---- main ---- */

static bool is_over(const struct run *r)
{
	return run_all_quiet(r) || run_all_closed(r);
}

static void push_conduct(struct run *r, struct report *report)
{
	if (run_open_all(r, report, run_all_tried))
		run_measure(r, report, is_over);
	run_close(r);
}

static void push_tell(const struct run *r, struct report *report)
{
	struct histogram *const latency = report_timing(
		report, "latency", r->options->rate > 0 ? "due to received" : "sent to received");
	uint64_t sent = 0, deliveries = 0, counted = 0, pings = 0;

	for (uint32_t i = 0; i < r->n_loops; i++) {
		const struct loop *const l = &r->loops[i];

		histogram_merge(latency, &l->latency);
		sent += l->schedule.sent;
		deliveries += l->schedule.answered;
		counted += l->counted;
		pings += l->pings;
	}
	report_fact(report, "messages_sent", "messages sent", "in all", (double)sent);
	report_fact(report, "deliveries", "deliveries", "in all", (double)deliveries);
	report_fact(report, "deliveries_measured", "delivered while measuring", "",
	            (double)counted);
	report_fact(report, "deliveries_per_s", "throughput", "deliveries/s",
	            report->measured_s > 0 ? (double)counted / report->measured_s : 0);
	report_fact(report, "pings_answered", "pings answered", "", (double)pings);
	if (counted > 0)
		report_fact(report, "client_cpu_us_per_delivery", "wsmbench CPU for each", "us",
		            report->cpu.total_s * 1e6 / (double)counted);
	if (counted > 0 && report->has_server_cpu)
		report_fact(report, "server_cpu_us_per_delivery", "server CPU for each", "us",
		            report->server_cpu.total_s * 1e6 / (double)counted);
	schedule_tell(r, report);
}

const struct mode mode_push = {
	.done_means = "deliveries",
	.waiting_means = "under way",
	.start = push_start,
	.on_message = push_on_message,
	.on_leave = push_on_leave,
	.on_closed = push_on_closed,
	.on_control = push_on_control,
	.turn = push_turn,
	.conduct = push_conduct,
	.tell = push_tell,
	.stop = push_stop,
};
