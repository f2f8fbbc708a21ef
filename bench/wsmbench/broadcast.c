/* Receivers of a broadcast: every message once, in order, unchanged. */
#include "broadcast.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "client.h"
#include "loop.h"
#include "report.h"

int broadcast_init(struct broadcast *b, const struct options *o)
{
	b->room = o->depth > 0 ? o->depth : (uint64_t)((o->warmup_s + o->seconds) * o->rate) + 1;
	b->sent_ns = calloc(b->room, sizeof(*b->sent_ns));
	b->got = o->depth > 0 ? calloc(o->depth, sizeof(*b->got)) : NULL;
	return b->sent_ns && (b->got || o->depth == 0) ? 0 : WSMD_ENOMEM;
}

void broadcast_fini(struct broadcast *b)
{
	free(b->sent_ns);
	free(b->got);
	b->sent_ns = NULL;
	b->got = NULL;
}

bool broadcast_is_stalled(const struct client *c)
{
	return c->number < c->loop->run->options->stalled;
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
	*ret_sent_ns = r->broadcast.sent_ns[c->answered % r->broadcast.room];
	if (ev->opcode != WS_TEXT || ev->len < PAYLOAD_STAMP) {
		client_fail(c, FAILURE_CONTENT, "receiver %u: message %llu is %s", c->number,
		            (unsigned long long)c->answered,
		            ev->opcode != WS_TEXT ? "binary" : "too short");
		return false;
	}
	fault = payload_check(&r->payload, BROADCAST_SENDER, c->answered, ev->data + PAYLOAD_STAMP,
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

/* The last to get a message makes room for another one. */
static void make_room(struct run *r, uint64_t k)
{
	struct broadcast *const b = &r->broadcast;

	/* release: who counts it is done with its time */
	if (b->got &&
	    atomic_fetch_add_explicit(&b->got[k % b->room], 1, memory_order_release) + 1 ==
	            b->readers)
		os_wake(r->wake);
}

void broadcast_on_message(struct client *c, const struct ws_event *ev, uint64_t now_ns)
{
	struct loop *const l = c->loop;
	uint64_t sent_ns;

	if (broadcast_is_stalled(c) || !check(c, ev, &sent_ns))
		return;
	/* to the last one that was due, also if that was sent late */
	if (sent_ns >= atomic_load_explicit(&l->run->measure_ns, memory_order_relaxed))
		histogram_record(&l->latency, now_ns - sent_ns);
	if (loop_measures(l, now_ns))
		l->counted++;
	make_room(l->run, c->answered++);
	GAUGE_ADD(l->gauges.done, 1);
}

void broadcast_on_leave(struct client *c)
{
	const uint64_t sent =
		atomic_load_explicit(&c->loop->run->broadcast.sent, memory_order_acquire);

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

		if (c->state == CLIENT_OPEN && !broadcast_is_stalled(c) && c->answered < sent)
			return false;
	}
	return true;
}

void broadcast_turn(struct loop *l)
{
	if (loop_phase(l) == PHASE_DRAIN) /* looking at every connection is for the end only */
		atomic_store_explicit(&l->gauges.quiet, has_everything(l), memory_order_relaxed);
}

void broadcast_tell(const struct run *r, struct report *report)
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
	report_fact(report, "messages_sent", "messages sent", "in all",
	            (double)atomic_load_explicit(&r->broadcast.sent, memory_order_relaxed));
	report_fact(report, "dropped", "dropped, as the server told", "in all",
	            (double)r->broadcast.dropped);
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
