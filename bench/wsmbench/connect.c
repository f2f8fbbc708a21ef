/* Handshakes a second: connect, upgrade, say goodbye, wait for the server to close, repeat. */
#include "client.h"
#include "clock.h"
#include "loop.h"
#include "report.h"

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
	run_load(r, 0, r->options->seconds);
	report_measure_begin(report);
	(void)run_wait(r, atomic_load_explicit(&r->end_ns, memory_order_relaxed),
	               run_gave_up); /* a signal ends it like time */
	report_measure_end(report);
	run_close(r);
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
	.done_means = "handshakes",
	.reopens = true,
	.on_open = connect_on_open,
	.conduct = connect_conduct,
	.tell = connect_tell,
};
