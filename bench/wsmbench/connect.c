/* Handshakes a second: connect, upgrade, say goodbye, wait for the server to close, repeat. */
#include "client.h"
#include "clock.h"
#include "loop.h"
#include "report.h"

#define CLOSING_NS (6 * NS_PER_S)

static void connect_on_open(struct client *c)
{
	struct loop *const l = c->loop;

	GAUGE_ADD(l->gauges.done, 1);
	if (loop_measures(l, clock_now_ns()))
		l->counted++;
	client_leave(c);
}

static void connect_conduct(struct run *r, struct report *report)
{
	const uint64_t now_ns = clock_now_ns();
	const uint64_t end_ns = now_ns + (uint64_t)(r->options->seconds * 1e9);

	atomic_store_explicit(&r->start_ns, now_ns, memory_order_relaxed);
	atomic_store_explicit(&r->measure_ns, now_ns, memory_order_relaxed);
	atomic_store_explicit(&r->end_ns, end_ns, memory_order_relaxed);
	report_measure_begin(report);
	run_enter(r, PHASE_LOAD);
	(void)run_wait(r, end_ns, run_gave_up); /* a signal ends it like time */
	report_measure_end(report);
	if (clock_now_ns() < end_ns)
		atomic_store_explicit(&r->end_ns, clock_now_ns(), memory_order_relaxed);
	run_enter(r, PHASE_CLOSE);
	(void)run_wait(r, clock_now_ns() + CLOSING_NS, run_all_closed);
}

static void connect_tell(const struct run *r, struct report *report)
{
	struct histogram *const handshake = report_timing(report, "handshake", "connect to 101");
	uint64_t counted = 0;

	for (uint32_t i = 0; i < r->n_loops; i++) {
		histogram_merge(handshake, &r->loops[i].handshake);
		counted += r->loops[i].counted;
	}
	report_fact(report, "handshakes", "handshakes", "", (double)counted);
	report_fact(report, "handshakes_per_s", "rate", "handshakes/s",
	            (double)counted / report->measured_s);
	if (counted > 0 && report->has_server_cpu)
		report_fact(report, "server_cpu_us_per_handshake", "server CPU for each", "us",
		            report->server_cpu.total_s * 1e6 / (double)counted);
}

const struct mode mode_connect = {
	.reopens = true,
	.on_open = connect_on_open,
	.conduct = connect_conduct,
	.tell = connect_tell,
};
