/* The main thread's half of a broadcast: a message when its time has come. */
#include <stdarg.h>
#include <stdio.h>

#include "broadcast.h"
#include "clock.h"
#include "control.h"
#include "loop.h"
#include "publisher.h"
#include "report.h"

#define REQUEST_MAX 512 /* bytes, without a text that it carries */

enum {
	TAG_MESSAGE,
	TAG_QUESTION
};

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

/* Conditions for run_wait(). A sender that failed waits for nothing. */

static bool is_pointless(const struct run *r)
{
	return r->broadcast.sender->failed || nobody_reads(r);
}

static bool can_write(const struct run *r)
{
	return is_pointless(r) || !pipeline_is_full(&r->broadcast.sender->pipeline);
}

static bool all_answered(const struct run *r)
{
	const struct sender *const s = r->broadcast.sender;

	return s->failed || s->pipeline.n_tags == 0;
}

/* ---- requests ---- */

static void on_answer(void *arg, uint32_t tag, const json_t *result, const char *why)
{
	struct sender *const s = arg;
	json_int_t dropped = 0;

	if (!result) {
		fail(s, why);
	} else if (tag == TAG_QUESTION) {
		json_decref(s->result);
		s->result = json_deep_copy(result);
	} else if (json_unpack((json_t *)result, "{s:I}", "dropped", &dropped) != 0) {
		fail(s, "the answer to send does not say how many were dropped");
	}
	s->run->broadcast.dropped += (uint64_t)dropped;
}

void sender_on_control(struct sender *s, uint32_t events)
{
	char why[FAILURE_TEXT_MAX];

	if (!pipeline_event(&s->pipeline, events, on_answer, s, why, sizeof(why)))
		fail(s, why);
	if (s->failed)
		pipeline_close(&s->pipeline);
}

static void flush(struct sender *s)
{
	char why[FAILURE_TEXT_MAX];

	if (!s->failed && !pipeline_flush(&s->pipeline, why, sizeof(why)))
		fail(s, why);
}

/* Wait until @done, which answers bring about; a server that is silent has failed. */
static void wait_for_answers(struct sender *s, bool (*done)(const struct run *r))
{
	char why[FAILURE_TEXT_MAX];

	flush(s);
	if (!run_wait(s->run, clock_now_ns() + CONTROL_PATIENCE_S * NS_PER_S, done) || done(s->run))
		return;
	snprintf(why, sizeof(why), "no answer on the control socket within %d s",
	         CONTROL_PATIENCE_S);
	fail(s, why);
}

json_t *sender_ask(struct sender *s, const char *format, ...)
{
	char *const line = pipeline_begin(&s->pipeline, REQUEST_MAX);
	json_t *result;
	va_list args;

	if (!line) {
		fail(s, "no memory for a request");
		return NULL;
	}
	va_start(args, format);
	pipeline_add(&s->pipeline, (size_t)vsnprintf(line, REQUEST_MAX, format, args),
	             TAG_QUESTION);
	va_end(args);
	wait_for_answers(s, all_answered);
	result = s->result;
	s->result = NULL;
	return result;
}

/* ---- messages ---- */

static void write_text(struct sender *s, uint64_t k, uint64_t now_ns, uint8_t *dst)
{
	payload_write_stamp(dst, now_ns);
	payload_write(&s->run->payload, BROADCAST_SENDER, k, dst + PAYLOAD_STAMP);
}

/* Through the control socket, where the answers come when they come. */
static void request(struct sender *s, uint64_t k, uint64_t now_ns)
{
	const struct options *const o = s->run->options;
	char *const line = pipeline_begin(&s->pipeline, o->size_bytes + REQUEST_MAX);
	char *at = line;

	if (!line) {
		fail(s, "no memory for a message");
		return;
	}
	at += sprintf(at, "{\"version\":1,\"command\":\"send\",\"arguments\":{");
	at += o->group ? sprintf(at, "\"group\":\"%s\"", o->group) : sprintf(at, "\"all\":true");
	at += sprintf(at, ",\"text\":\"");
	write_text(s, k, now_ns, (uint8_t *)at);
	at += o->size_bytes;
	at += sprintf(at, "\"}}\n");
	pipeline_add(&s->pipeline, (size_t)(at - line), TAG_MESSAGE);
	flush(s);
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
		request(s, k, now_ns);
}

static bool has_room(const struct run *r)
{
	const struct broadcast *const b = &r->broadcast;
	const uint64_t k = atomic_load_explicit(&b->sent, memory_order_relaxed); /* main's own */

	/* acquire: they are done with the time that is written over */
	return k < b->room || is_pointless(r) ||
	       atomic_load_explicit(&b->got[k % b->room], memory_order_acquire) == b->readers;
}

/* Closed loop: as many as there is room for until then. */
static void send_in_turn(struct sender *s, uint64_t *k, uint64_t until_ns)
{
	struct run *const r = s->run;
	struct broadcast *const b = &r->broadcast;

	while (run_wait(r, until_ns, has_room) && !is_pointless(r)) {
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
		if (!run_wait(r, due_ns, is_pointless) || is_pointless(r))
			return;
		wait_for_answers(s, can_write);
		if (is_pointless(r))
			return;
		send_one(s, (*k)++, due_ns);
	}
	if (!s->failed)
		(void)run_wait(r, until_ns, is_pointless); /* a signal ends it like time */
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
	if (!r->interrupted && !is_pointless(r)) {
		report_measure_begin(s->report);
		send_until(s, &k, atomic_load_explicit(&r->end_ns, memory_order_relaxed));
		report_measure_end(s->report);
	}
	wait_for_answers(s, all_answered);
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
		rc = pipeline_open(&s->pipeline, o->control, s->run->poll, RUN_CONTROL_TOKEN, why,
		                   sizeof(why));
	if (rc != 0)
		fail(s, why);
	return rc == 0;
}

static void send_all(struct run *r, struct report *report, const struct broadcast_steps *steps)
{
	struct publisher publisher = {.fd = -1};
	struct sender s = {.run = r, .report = report, .pipeline = {.fd = -1}};

	if (r->options->publish)
		s.publisher = &publisher;
	r->broadcast.sender = &s;
	if (open_way(&s) && steps->before)
		steps->before(&s);
	if (!s.failed && !r->interrupted)
		measure(&s);
	if (!s.failed && steps->after)
		steps->after(&s);
	publisher_close(&publisher);
	pipeline_close(&s.pipeline);
	json_decref(s.result);
	r->broadcast.sender = NULL;
}

void broadcast_conduct(struct run *r, struct report *report, const struct broadcast_steps *steps)
{
	if (run_open_all(r, report, run_all_tried) && !nobody_reads(r))
		send_all(r, report, steps);
	run_close(r);
}
