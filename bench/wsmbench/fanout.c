/*
 * One message in through the control socket, a copy out to every receiver.
 *
 * The main thread sends: message k is due at start + k / rate, and it waits for each answer, so
 * a server that is slow to answer makes the next one late, which is measured too. The loops
 * receive. A message carries when it was written, its number and a content that follows from it;
 * every receiver must get every message once, in order.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "client.h"
#include "clock.h"
#include "control.h"
#include "loop.h"
#include "report.h"

#define DRAIN_NS   (5 * NS_PER_S)
#define CLOSING_NS (15 * NS_PER_S)
#define LINE_EXTRA 512 /* of a request, around what it carries */
#define SENDER     0   /* number of the connection that the contents name */

static bool is_stalled(const struct client *c)
{
	return c->number < c->loop->run->options->stalled;
}

/* ---- receiving: the loops ---- */

static void fanout_on_open(struct client *c)
{
	if (is_stalled(c))
		client_stall(c);
}

/* Returns false when the message is not the one that is due. */
static bool check(struct client *c, const struct ws_event *ev, uint64_t *ret_sent_ns)
{
	const struct run *const r = c->loop->run;
	char why[FAILURE_TEXT_MAX];
	enum payload_fault fault;

	/* acquire: a number that is counted has its time */
	if (c->answered >= atomic_load_explicit(&r->broadcast.sent, memory_order_acquire)) {
		client_fail(c, FAILURE_ORDER, "receiver %u: a message of %zu bytes came unasked",
		            c->number, ev->len);
		return false;
	}
	*ret_sent_ns = r->broadcast.sent_ns[c->answered];
	if (ev->opcode != WS_TEXT || ev->len < PAYLOAD_STAMP) {
		client_fail(c, FAILURE_CONTENT, "receiver %u: message %llu is %s", c->number,
		            (unsigned long long)c->answered,
		            ev->opcode != WS_TEXT ? "binary" : "too short");
		return false;
	}
	fault = payload_check(&r->payload, SENDER, c->answered, ev->data + PAYLOAD_STAMP,
	                      ev->len - PAYLOAD_STAMP, why, sizeof(why));
	if (fault == PAYLOAD_GOOD && payload_read_stamp(ev->data) != *ret_sent_ns) {
		fault = PAYLOAD_CHANGED;
		snprintf(why, sizeof(why), "message %llu carries another time than it was sent at",
		         (unsigned long long)c->answered);
	}
	if (fault == PAYLOAD_GOOD)
		return true;
	client_fail(c, fault == PAYLOAD_CHANGED ? FAILURE_CONTENT : FAILURE_ORDER,
	            "receiver %u: %s", c->number, why);
	return false;
}

static void fanout_on_message(struct client *c, const struct ws_event *ev, uint64_t now_ns)
{
	struct loop *const l = c->loop;
	uint64_t sent_ns;

	if (is_stalled(c) || !check(c, ev, &sent_ns))
		return;
	/* to the last one that was due, also if that was sent late */
	if (sent_ns >= atomic_load_explicit(&l->run->measure_ns, memory_order_relaxed))
		histogram_record(&l->latency, now_ns - sent_ns);
	if (loop_measures(l, now_ns))
		l->counted++;
	c->answered++;
	GAUGE_ADD(l->gauges.done, 1);
}

static void fanout_on_leave(struct client *c)
{
	const uint64_t sent =
		atomic_load_explicit(&c->loop->run->broadcast.sent, memory_order_acquire);

	if (is_stalled(c)) {
		client_drop(c); /* would never see the server's goodbye */
		return;
	}
	if (c->answered == sent)
		return;
	failures_note(&c->loop->failures, FAILURE_UNANSWERED,
	              "receiver %u: message %llu and %llu more did not come", c->number,
	              (unsigned long long)c->answered,
	              (unsigned long long)(sent - c->answered - 1));
	failures_add(&c->loop->failures, FAILURE_UNANSWERED, sent - c->answered - 1);
}

static bool has_everything(const struct loop *l)
{
	const uint64_t sent = atomic_load_explicit(&l->run->broadcast.sent, memory_order_acquire);

	for (uint32_t i = 0; i < l->n_clients; i++) {
		const struct client *const c = &l->clients[i];

		if (c->state == CLIENT_OPEN && !is_stalled(c) && c->answered < sent)
			return false;
	}
	return true;
}

static void fanout_turn(struct loop *l)
{
	if (loop_phase(l) == PHASE_DRAIN) /* looking at every connection is for the end only */
		atomic_store_explicit(&l->gauges.quiet, has_everything(l), memory_order_relaxed);
}

/* ---- sending: main ---- */

static bool nobody_reads(const struct run *r)
{
	return run_open_count(r) <= r->options->stalled;
}

static bool is_over(const struct run *r)
{
	return run_all_quiet(r) || nobody_reads(r);
}

/* What the main thread holds while it sends. */
struct sender {
	struct run *run;
	struct report *report;
	struct control control;
	char *line;
	uint64_t dropped;
	bool failed;
};

static void fail(struct sender *s, const char *why)
{
	failures_note(&s->report->failures, FAILURE_CONTROL, "%s", why);
	s->failed = true;
}

static json_t *ask(struct sender *s, size_t len)
{
	char why[FAILURE_TEXT_MAX];
	json_t *const result = control_ask(&s->control, s->line, len, why, sizeof(why));

	if (!result)
		fail(s, why);
	return result;
}

/* Every receiver becomes a member, and those that stall too. */
static void join_group(struct sender *s)
{
	const struct options *const o = s->run->options;

	for (uint32_t i = 0; i < o->connections && !s->failed && !s->run->interrupted; i++) {
		const int len = sprintf(s->line,
		                        "{\"version\":1,\"command\":\"join\",\"arguments\":"
		                        "{\"group\":\"%s\",\"target\":\"%s%u\"}}\n",
		                        o->group, o->user_prefix, i);

		json_decref(ask(s, (size_t)len));
	}
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
	payload_write(&s->run->payload, SENDER, k, (uint8_t *)at + PAYLOAD_STAMP);
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
	result = ask(s, len);
	if (result && json_unpack(result, "{s:I}", "dropped", &dropped) != 0)
		fail(s, "the answer to send does not say how many were dropped");
	s->dropped += (uint64_t)dropped;
	json_decref(result);
}

/* Messages that are due before @until_ns, from number *@k on. */
static void send_until(struct sender *s, uint64_t *k, uint64_t until_ns)
{
	struct run *const r = s->run;
	const uint64_t start_ns = atomic_load_explicit(&r->start_ns, memory_order_relaxed);

	while (!s->failed && *k < r->broadcast.room) {
		const uint64_t due_ns =
			start_ns + (uint64_t)((double)*k * (double)NS_PER_S / r->options->rate);

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
	const struct options *const o = r->options;
	const uint64_t now_ns = clock_now_ns();
	const uint64_t measure_ns = now_ns + (uint64_t)(o->warmup_s * 1e9);
	const uint64_t end_ns = measure_ns + (uint64_t)(o->seconds * 1e9);
	uint64_t k = 0;

	atomic_store_explicit(&r->start_ns, now_ns, memory_order_relaxed);
	atomic_store_explicit(&r->measure_ns, measure_ns, memory_order_relaxed);
	atomic_store_explicit(&r->end_ns, end_ns, memory_order_relaxed);
	run_enter(r, PHASE_LOAD);
	send_until(s, &k, measure_ns);
	if (!r->interrupted && !s->failed && !nobody_reads(r)) {
		report_measure_begin(s->report);
		send_until(s, &k, end_ns);
		report_measure_end(s->report);
	}
	if (clock_now_ns() < end_ns)
		atomic_store_explicit(&r->end_ns, clock_now_ns(), memory_order_relaxed);
	run_enter(r, PHASE_DRAIN);
	(void)run_wait(r, clock_now_ns() + DRAIN_NS, is_over);
}

static void send_all(struct run *r, struct report *report)
{
	struct sender s = {.run = r, .report = report};
	char why[FAILURE_TEXT_MAX];

	s.line = malloc(r->options->size_bytes + LINE_EXTRA);
	if (!s.line)
		fail(&s, "no memory for a message");
	if (control_open(&s.control, r->options->control, why, sizeof(why)) != 0)
		fail(&s, why);
	if (!s.failed && r->options->group)
		join_group(&s);
	if (!s.failed && !r->interrupted)
		measure(&s);
	report_fact(report, "dropped", "dropped, as the server told", "in all", (double)s.dropped);
	control_close(&s.control);
	free(s.line);
}

static void fanout_conduct(struct run *r, struct report *report)
{
	const uint64_t from_ns = clock_now_ns();

	atomic_store_explicit(&r->target, (uint32_t)r->options->connections, memory_order_relaxed);
	run_enter(r, PHASE_OPEN);
	if (run_wait(r, NEVER_NS, run_all_tried) && !nobody_reads(r)) {
		report->connect_s = (double)(clock_now_ns() - from_ns) / 1e9;
		report_fact(report, "connections_open", "connections", "", run_open_count(r));
		send_all(r, report);
	}
	run_enter(r, PHASE_CLOSE);
	(void)run_wait(r, clock_now_ns() + CLOSING_NS, run_all_closed);
}

static void fanout_tell(const struct run *r, struct report *report)
{
	struct histogram *const latency = report_timing(report, "latency", "sent to received");
	struct histogram *const lag = report_timing(report, "send_lag", "due to sent");
	uint64_t counted = 0, deliveries = 0, pings = 0;

	histogram_merge(lag, &r->broadcast.lag);
	for (uint32_t i = 0; i < r->n_loops; i++) {
		histogram_merge(latency, &r->loops[i].latency);
		counted += r->loops[i].counted;
		deliveries += GAUGE_GET(r->loops[i].gauges.done);
		pings += r->loops[i].pings;
	}
	report_fact(report, "connections_stalled", "of them never read", "",
	            (double)r->options->stalled);
	report_fact(report, "messages_sent", "messages sent", "in all",
	            (double)atomic_load_explicit(&r->broadcast.sent, memory_order_relaxed));
	report_fact(report, "deliveries", "deliveries", "in all", (double)deliveries);
	report_fact(report, "deliveries_measured", "delivered while measuring", "",
	            (double)counted);
	report_fact(report, "deliveries_per_s", "throughput", "deliveries/s",
	            report->measured_s > 0 ? (double)counted / report->measured_s : 0);
	report_fact(report, "pings_answered", "pings answered", "", (double)pings);
	if (counted > 0 && report->has_server_cpu)
		report_fact(report, "server_cpu_us_per_delivery", "server CPU for each", "us",
		            report->server_cpu.total_s * 1e6 / (double)counted);
}

const struct mode mode_fanout = {
	.on_open = fanout_on_open,
	.on_message = fanout_on_message,
	.on_leave = fanout_on_leave,
	.turn = fanout_turn,
	.conduct = fanout_conduct,
	.tell = fanout_tell,
};
