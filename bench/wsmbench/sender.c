/* The main thread's half of a broadcast: a message when it is due, then wait for the answer. */
#include <stdio.h>
#include <stdlib.h>

#include "broadcast.h"
#include "clock.h"
#include "control.h"
#include "loop.h"
#include "report.h"

static bool nobody_reads(const struct run *r)
{
	return run_open_count(r) <= r->options->stalled;
}

static bool is_over(const struct run *r)
{
	return run_all_quiet(r) || nobody_reads(r);
}

static void fail(struct sender *s, const char *why)
{
	failures_note(&s->report->failures, FAILURE_CONTROL, "%s", why);
	s->failed = true;
}

json_t *sender_ask(struct sender *s, size_t len)
{
	char why[FAILURE_TEXT_MAX];
	json_t *const result = control_ask(s->control, s->line, len, why, sizeof(why));

	if (!result)
		fail(s, why);
	return result;
}

/* Message @k, with the time of now in it. Returns bytes. */
static size_t write_request(struct sender *s, uint64_t k, uint64_t now_ns)
{
	const struct options *const o = s->run->options;
	char *at = s->line;

	at += sprintf(at, "{\"version\":1,\"command\":\"send\",\"arguments\":{");
	at += o->group ? sprintf(at, "\"group\":\"%s\"", o->group) : sprintf(at, "\"all\":true");
	at += sprintf(at, ",\"text\":\"");
	payload_write_stamp((uint8_t *)at, now_ns);
	payload_write(&s->run->payload, BROADCAST_SENDER, k, (uint8_t *)at + PAYLOAD_STAMP);
	at += o->size_bytes;
	at += sprintf(at, "\"}}\n");
	return (size_t)(at - s->line);
}

static void send_one(struct sender *s, uint64_t k, uint64_t due_ns)
{
	struct broadcast *const b = &s->run->broadcast;
	const uint64_t now_ns = clock_now_ns();
	const size_t len = write_request(s, k, now_ns);
	json_int_t dropped = 0;
	json_t *result;

	b->sent_ns[k] = now_ns;
	atomic_store_explicit(&b->sent, k + 1, memory_order_release);
	if (now_ns >= atomic_load_explicit(&s->run->measure_ns, memory_order_relaxed))
		histogram_record(&b->lag, now_ns - due_ns);
	result = sender_ask(s, len);
	if (result && json_unpack(result, "{s:I}", "dropped", &dropped) != 0)
		fail(s, "the answer to send does not say how many were dropped");
	b->dropped += (uint64_t)dropped;
	json_decref(result);
}

/* Messages that are due before @until_ns, from number *@k on. */
static void send_until(struct sender *s, uint64_t *k, uint64_t until_ns)
{
	struct run *const r = s->run;

	while (!s->failed && *k < r->broadcast.room) {
		const uint64_t due_ns = run_due_ns(r, *k);

		if (due_ns >= until_ns)
			break;
		if (!run_wait(r, due_ns, nobody_reads) || nobody_reads(r))
			return;
		send_one(s, (*k)++, due_ns);
	}
	if (!s->failed)
		(void)run_wait(r, until_ns, nobody_reads); /* a signal ends it like time */
}

static void measure(struct sender *s)
{
	struct run *const r = s->run;
	uint64_t k = 0;

	run_load(r, r->options->warmup_s, r->options->seconds);
	send_until(s, &k, atomic_load_explicit(&r->measure_ns, memory_order_relaxed));
	if (!r->interrupted && !s->failed && !nobody_reads(r)) {
		report_measure_begin(s->report);
		send_until(s, &k, atomic_load_explicit(&r->end_ns, memory_order_relaxed));
		report_measure_end(s->report);
	}
	run_drain(r, is_over);
}

static void send_all(struct run *r, struct report *report, const struct broadcast_steps *steps)
{
	struct control control;
	struct sender s = {.run = r, .report = report, .control = &control};
	char why[FAILURE_TEXT_MAX];

	s.line = malloc(r->options->size_bytes + SENDER_LINE_EXTRA);
	if (!s.line)
		fail(&s, "no memory for a message");
	if (control_open(&control, r->options->control, why, sizeof(why)) != 0)
		fail(&s, why);
	if (!s.failed && steps->before)
		steps->before(&s);
	if (!s.failed && !r->interrupted)
		measure(&s);
	if (!s.failed && steps->after)
		steps->after(&s);
	control_close(&control);
	free(s.line);
}

void broadcast_conduct(struct run *r, struct report *report, const struct broadcast_steps *steps)
{
	if (run_open_all(r, report, run_all_tried) && !nobody_reads(r))
		send_all(r, report, steps);
	run_close(r);
}
