/* The main thread's half of a broadcast: a message when its time has come. */
#include <stdio.h>
#include <stdlib.h>

#include "broadcast.h"
#include "clock.h"
#include "control.h"
#include "loop.h"
#include "publisher.h"
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

static void write_text(struct sender *s, uint64_t k, uint64_t now_ns, uint8_t *dst)
{
	payload_write_stamp(dst, now_ns);
	payload_write(&s->run->payload, BROADCAST_SENDER, k, dst + PAYLOAD_STAMP);
}

/* Message @k, with the time of now in it. Returns bytes. */
static size_t write_request(struct sender *s, uint64_t k, uint64_t now_ns)
{
	const struct options *const o = s->run->options;
	char *at = s->line;

	at += sprintf(at, "{\"version\":1,\"command\":\"send\",\"arguments\":{");
	at += o->group ? sprintf(at, "\"group\":\"%s\"", o->group) : sprintf(at, "\"all\":true");
	at += sprintf(at, ",\"text\":\"");
	write_text(s, k, now_ns, (uint8_t *)at);
	at += o->size_bytes;
	at += sprintf(at, "\"}}\n");
	return (size_t)(at - s->line);
}

/* Through the control socket; waits for the answer. */
static void ask_to_send(struct sender *s, uint64_t k, uint64_t now_ns)
{
	json_t *const result = sender_ask(s, write_request(s, k, now_ns));
	json_int_t dropped = 0;

	if (result && json_unpack(result, "{s:I}", "dropped", &dropped) != 0)
		fail(s, "the answer to send does not say how many were dropped");
	s->run->broadcast.dropped += (uint64_t)dropped;
	json_decref(result);
}

static void publish(struct sender *s, uint64_t k, uint64_t now_ns)
{
	char why[FAILURE_TEXT_MAX];

	write_text(s, k, now_ns, publisher_text(s->publisher));
	if (!publisher_send(s->publisher, s->run->options->size_bytes, why, sizeof(why)))
		fail(s, why);
}

static void send_one(struct sender *s, uint64_t k, uint64_t due_ns)
{
	struct broadcast *const b = &s->run->broadcast;
	const uint64_t now_ns = clock_now_ns();

	b->sent_ns[k % b->room] = now_ns;
	atomic_store_explicit(&b->sent, k + 1, memory_order_release);
	if (now_ns >= atomic_load_explicit(&s->run->measure_ns, memory_order_relaxed))
		histogram_record(&b->lag, now_ns - due_ns);
	if (s->publisher)
		publish(s, k, now_ns);
	else
		ask_to_send(s, k, now_ns);
}

static bool has_room(const struct run *r)
{
	const struct broadcast *const b = &r->broadcast;
	const uint64_t k = atomic_load_explicit(&b->sent, memory_order_relaxed); /* main's own */

	/* acquire: they are done with the time that is written over */
	return k < b->room || nobody_reads(r) ||
	       atomic_load_explicit(&b->got[k % b->room], memory_order_acquire) == b->readers;
}

/* Closed loop: as many as there is room for until then. */
static void send_in_turn(struct sender *s, uint64_t *k, uint64_t until_ns)
{
	struct run *const r = s->run;
	struct broadcast *const b = &r->broadcast;

	while (!s->failed && run_wait(r, until_ns, has_room) && !nobody_reads(r)) {
		const uint64_t now_ns = clock_now_ns();

		if (now_ns >= until_ns)
			return;
		/* relaxed: sent is released behind it */
		atomic_store_explicit(&b->got[*k % b->room], 0, memory_order_relaxed);
		send_one(s, (*k)++, now_ns); /* due as soon as there is room */
	}
}

/* Open loop: messages that are due before @until_ns, from number *@k on. */
static void send_when_due(struct sender *s, uint64_t *k, uint64_t until_ns)
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

static void send_until(struct sender *s, uint64_t *k, uint64_t until_ns)
{
	if (s->run->broadcast.got)
		send_in_turn(s, k, until_ns);
	else
		send_when_due(s, k, until_ns);
}

static void measure(struct sender *s)
{
	struct run *const r = s->run;
	uint64_t k = 0;

	r->broadcast.readers = run_open_count(r) - (uint32_t)r->options->stalled;
	run_load(r, r->options->warmup_s, r->options->seconds);
	send_until(s, &k, atomic_load_explicit(&r->measure_ns, memory_order_relaxed));
	if (!r->interrupted && !s->failed && !nobody_reads(r)) {
		report_measure_begin(s->report);
		send_until(s, &k, atomic_load_explicit(&r->end_ns, memory_order_relaxed));
		report_measure_end(s->report);
	}
	run_drain(r, is_over);
}

/* Connect to where messages go. */
static bool open_way(struct sender *s)
{
	const struct options *const o = s->run->options;
	char why[FAILURE_TEXT_MAX];
	int rc;

	if (s->publisher)
		rc = publisher_open(s->publisher, &o->publish_to, o->size_bytes, why, sizeof(why));
	else
		rc = control_open(s->control, o->control, why, sizeof(why));
	if (rc != 0)
		fail(s, why);
	return rc == 0;
}

static void send_all(struct run *r, struct report *report, const struct broadcast_steps *steps)
{
	struct control control = {.fd = -1};
	struct publisher publisher = {.fd = -1};
	struct sender s = {.run = r, .report = report, .control = &control};

	if (r->options->publish)
		s.publisher = &publisher;
	s.line = malloc(r->options->size_bytes + SENDER_LINE_EXTRA);
	if (!s.line)
		fail(&s, "no memory for a message");
	if (!s.failed && open_way(&s) && steps->before)
		steps->before(&s);
	if (!s.failed && !r->interrupted)
		measure(&s);
	if (!s.failed && steps->after)
		steps->after(&s);
	publisher_close(&publisher);
	control_close(&control);
	free(s.line);
}

void broadcast_conduct(struct run *r, struct report *report, const struct broadcast_steps *steps)
{
	if (run_open_all(r, report, run_all_tried) && !nobody_reads(r))
		send_all(r, report, steps);
	run_close(r);
}
