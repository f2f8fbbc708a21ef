/*
 * Connections that do nothing but answer pings, while memory is measured. With --size each has
 * one message echoed first.
 */
#include "client.h"
#include "clock.h"
#include "echo.h"
#include "loop.h"
#include "report.h"

#define SETTLE_NS NS_PER_S /* memory that is freed or merged a little later counts as free */
#define ECHO_NS   (30 * NS_PER_S)

static void idle_on_open(struct client *c)
{
	struct loop *const l = c->loop;

	if (l->run->options->size_bytes == 0) {
		GAUGE_ADD(l->gauges.done, 1);
		return;
	}
	(void)client_write(c, l->scratch, echo_append_message(c, l->scratch)); /* tells itself */
	c->sent++;
}

static void idle_on_message(struct client *c, const struct ws_event *ev, uint64_t now_ns)
{
	(void)now_ns;
	/* what servers say of their own accord is counted, no more */
	if (c->answered == c->sent || !echo_check(c, ev))
		return;
	c->answered++;
	GAUGE_ADD(c->loop->gauges.done, 1);
}

static void idle_on_leave(struct client *c)
{
	if (c->answered < c->sent)
		failures_note(&c->loop->failures, FAILURE_UNANSWERED,
		              "connection %u: no reply to its message", c->number);
}

static bool all_answered(const struct run *r)
{
	uint64_t done = 0;

	for (uint32_t i = 0; i < r->n_loops; i++)
		done += GAUGE_GET(r->loops[i].gauges.done);
	return done >= run_open_count(r);
}

/* Returns false when going on makes no sense. */
static bool step(struct run *r, struct report *report, uint32_t target)
{
	const uint64_t from_ns = clock_now_ns();
	bool going;

	atomic_store_explicit(&r->target, target, memory_order_relaxed);
	run_enter(r, PHASE_OPEN);
	going = run_wait(r, NEVER_NS, run_all_tried);
	if (going && r->options->size_bytes > 0)
		going = run_wait(r, clock_now_ns() + ECHO_NS, all_answered);
	report->connect_s += (double)(clock_now_ns() - from_ns) / 1e9;
	if (!going || !run_wait(r, clock_now_ns() + SETTLE_NS, run_never))
		return false;
	if (run_open_count(r) > 0)
		report_sample(report, run_open_count(r));
	return run_open_count(r) >= target;
}

static void idle_conduct(struct run *r, struct report *report)
{
	const struct options *const o = r->options;
	bool going = true;

	report_sample(report, 0);
	for (uint32_t i = 0; going && i < o->steps.n; i++)
		going = step(r, report, o->steps.at[i]);
	const uint32_t opened = run_open_count(r);

	report_fact(report, "connections_open", "connections open", "", opened);
	if (report->connect_s > 0)
		report_fact(report, "connects_per_s", "opened at", "connections/s",
		            opened / report->connect_s);
	if (opened > 0 && !r->interrupted) {
		report_measure_begin(report);
		(void)run_wait(r, clock_now_ns() + (uint64_t)(o->hold_s * 1e9), run_all_closed);
		report_measure_end(report);
		report_fact(report, "connections_held", "still open after the hold", "",
		            run_open_count(r));
	}
	run_close(r);
}

static void idle_tell(const struct run *r, struct report *report)
{
	struct histogram *const handshake = report_timing(report, "handshake", "connect to 101");
	uint64_t pings = 0, messages = 0;

	for (uint32_t i = 0; i < r->n_loops; i++) {
		histogram_merge(handshake, &r->loops[i].handshake);
		pings += r->loops[i].pings;
		messages += r->loops[i].messages_in;
	}
	report_fact(report, "pings_answered", "pings answered", "", (double)pings);
	report_fact(report, "messages_received", "messages received", "", (double)messages);
}

const struct mode mode_idle = {
	.done_means = "opened",
	.on_open = idle_on_open,
	.on_message = idle_on_message,
	.on_leave = idle_on_leave,
	.conduct = idle_conduct,
	.tell = idle_tell,
};
