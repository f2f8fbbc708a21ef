/* The main thread's side of a run: start, conduct, join. */
#include "run.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "clock.h"
#include "loop.h"
#include "os/os.h"
#include "report.h"
#include "storm.h"

#define WAKE_TOKEN   1
#define SIGNAL_TOKEN 2

#define DRAIN_NS   (5 * NS_PER_S)
#define CLOSING_NS (15 * NS_PER_S)

static int open_descriptors(struct run *r)
{
	int rc;

	r->poll = os_poll_new();
	r->wake = os_wake_new();
	r->signals = os_signals_open();
	if (r->poll < 0 || r->wake < 0 || r->signals < 0)
		return WSMD_ENOMEM;
	rc = os_poll_add(r->poll, r->wake, OS_READ, WAKE_TOKEN);
	return rc != 0 ? rc : os_poll_add(r->poll, r->signals, OS_READ, SIGNAL_TOKEN);
}

static enum payload_kind kind_of(const struct options *o)
{
	return o->binary ? PAYLOAD_BINARY : o->mixed ? PAYLOAD_MIXED : PAYLOAD_ASCII;
}

static int make_content(struct run *r)
{
	const struct options *const o = r->options;
	int rc;

	switch (o->mode) {
	case BENCH_CONNECT:
		return 0;
	case BENCH_IDLE:
	case BENCH_ECHO:
		return o->size_bytes > 0 ? payload_init(&r->payload, o->size_bytes, kind_of(o)) : 0;
	case BENCH_STORM:
		return payload_init(&r->payload, STORM_MESSAGE_BYTES, PAYLOAD_ASCII);
	case BENCH_PUSH:
		return payload_init(&r->payload, o->size_bytes, PAYLOAD_ASCII);
	case BENCH_FANOUT:
	case BENCH_SLOW:
		break;
	}
	rc = broadcast_init(&r->broadcast, o);
	return rc != 0 ? rc
	               : payload_init(&r->payload, o->size_bytes - PAYLOAD_STAMP, PAYLOAD_ASCII);
}

/* Everything is made before the first thread runs, so that a failure has nothing to stop. */
int run_start(struct run *r, const struct options *o, const struct mode *m)
{
	int rc;

	*r = (struct run){.options = o, .mode = m, .n_loops = (uint32_t)o->threads};
	atomic_init(&r->end_ns, NEVER_NS);
	progress_init(&r->progress, r);
	rc = open_descriptors(r);
	if (rc == 0)
		rc = make_content(r);
	if (rc != 0)
		return rc;
	if (posix_memalign((void **)&r->loops, 2 * CACHE_LINE, r->n_loops * sizeof(*r->loops)) != 0)
		return WSMD_ENOMEM;
	memset(r->loops, 0, r->n_loops * sizeof(*r->loops));
	for (uint32_t i = 0; i < r->n_loops; i++) {
		rc = loop_init(&r->loops[i], r, i);
		if (rc == 0 && m->start)
			rc = m->start(&r->loops[i]);
		if (rc != 0)
			return rc;
	}
	for (uint32_t i = 0; i < r->n_loops; i++) {
		rc = loop_start(&r->loops[i]);
		if (rc != 0)
			return rc;
	}
	return 0;
}

void run_join(struct run *r)
{
	run_enter(r, PHASE_END);
	for (uint32_t i = 0; i < r->n_loops; i++)
		os_thread_join(&r->loops[i].thread);
}

void run_fini(struct run *r)
{
	for (uint32_t i = 0; i < r->n_loops; i++) {
		MODE_CALL(r->mode, stop, &r->loops[i]);
		loop_fini(&r->loops[i]);
	}
	free(r->loops);
	broadcast_fini(&r->broadcast);
	payload_fini(&r->payload);
	os_close(r->signals);
	os_close(r->wake);
	os_close(r->poll);
}

uint64_t run_due_ns(const struct run *r, uint64_t k)
{
	return atomic_load_explicit(&r->start_ns, memory_order_relaxed) +
	       (uint64_t)((double)k * (double)NS_PER_S / r->options->rate);
}

void run_enter(struct run *r, enum phase p)
{
	const uint64_t now_ns = clock_now_ns();

	/* What was cut short is measured until now. */
	if (p > PHASE_LOAD && now_ns < atomic_load_explicit(&r->end_ns, memory_order_relaxed))
		atomic_store_explicit(&r->end_ns, now_ns, memory_order_relaxed);
	atomic_store_explicit(&r->phase, p, memory_order_release);
	for (uint32_t i = 0; i < r->n_loops; i++)
		os_wake(r->loops[i].wake);
}

bool run_open_all(struct run *r, struct report *report, bool (*done)(const struct run *r))
{
	const uint64_t from_ns = clock_now_ns();

	atomic_store_explicit(&r->target, (uint32_t)r->options->connections, memory_order_relaxed);
	run_enter(r, PHASE_OPEN);
	if (!run_wait(r, NEVER_NS, done) || run_open_count(r) == 0)
		return false;
	report->connect_s = (double)(clock_now_ns() - from_ns) / 1e9;
	report_fact(report, "connections_open", "connections", "", run_open_count(r));
	return true;
}

void run_load(struct run *r, double warmup_s, double seconds)
{
	const uint64_t now_ns = clock_now_ns();
	const uint64_t measure_ns = now_ns + (uint64_t)(warmup_s * 1e9);
	const uint64_t end_ns = measure_ns + (uint64_t)(seconds * 1e9);

	atomic_store_explicit(&r->start_ns, now_ns, memory_order_relaxed);
	atomic_store_explicit(&r->measure_ns, measure_ns, memory_order_relaxed);
	atomic_store_explicit(&r->end_ns, end_ns, memory_order_relaxed);
	run_enter(r, PHASE_LOAD);
}

void run_drain(struct run *r, bool (*is_over)(const struct run *r))
{
	run_enter(r, PHASE_DRAIN);
	(void)run_wait(r, clock_now_ns() + DRAIN_NS, is_over); /* a signal ends it like time */
}

void run_measure(struct run *r, struct report *report, bool (*is_over)(const struct run *r))
{
	run_load(r, r->options->warmup_s, r->options->seconds);
	if (run_wait(r, atomic_load_explicit(&r->measure_ns, memory_order_relaxed),
	             run_all_closed) &&
	    !run_all_closed(r)) {
		report_measure_begin(report);
		(void)run_wait(r, atomic_load_explicit(&r->end_ns, memory_order_relaxed),
		               is_over); /* a signal ends it like time */
		report_measure_end(report);
	}
	run_drain(r, is_over);
}

void run_close(struct run *r)
{
	run_enter(r, PHASE_CLOSE);
	(void)run_wait(r, clock_now_ns() + CLOSING_NS, run_all_closed);
}

static void take_signal(struct run *r)
{
	if (os_signal_read(r->signals) == 0)
		return;
	if (r->interrupted)
		_Exit(130); /* asked twice: nobody waits for a report any more */
	r->interrupted = true;
}

bool run_wait(struct run *r, uint64_t until_ns, bool (*done)(const struct run *r))
{
	struct os_event events[3];
	const bool was_interrupted = r->interrupted;

	for (;;) {
		const uint64_t now_ns = clock_now_ns();
		uint64_t next_ns = until_ns < r->progress.due_ns ? until_ns : r->progress.due_ns;

		progress_show(&r->progress, r, now_ns);
		if (done(r) || now_ns >= until_ns || r->interrupted != was_interrupted)
			return !r->interrupted;
		next_ns = next_ns > now_ns ? next_ns : now_ns;
		const int n =
			os_poll_wait(r->poll, events, ARRAY_LEN(events),
		                     (uint32_t)((next_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS));

		for (int i = 0; i < n; i++) {
			if (events[i].token == WAKE_TOKEN)
				os_wake_clear(r->wake);
			else if (events[i].token == RUN_CONTROL_TOKEN)
				sender_on_control(r->broadcast.sender, events[i].events);
			else
				take_signal(r);
		}
	}
}

bool run_never(const struct run *r)
{
	(void)r;
	return false;
}

bool run_all_tried(const struct run *r)
{
	const uint32_t target = atomic_load_explicit(&r->target, memory_order_relaxed);

	for (uint32_t i = 0; i < r->n_loops; i++) {
		const struct loop *const l = &r->loops[i];

		if (GAUGE_GET(l->gauges.tried) < loop_share(target, r, i) &&
		    !GAUGE_GET(l->gauges.gave_up))
			return false;
	}
	return true;
}

bool run_all_quiet(const struct run *r)
{
	for (uint32_t i = 0; i < r->n_loops; i++)
		if (!GAUGE_GET(r->loops[i].gauges.quiet))
			return false;
	return true;
}

bool run_all_closed(const struct run *r)
{
	for (uint32_t i = 0; i < r->n_loops; i++)
		if (GAUGE_GET(r->loops[i].gauges.closed) < r->loops[i].n_clients)
			return false;
	return true;
}

bool run_gave_up(const struct run *r)
{
	for (uint32_t i = 0; i < r->n_loops; i++)
		if (!GAUGE_GET(r->loops[i].gauges.gave_up))
			return false;
	return true;
}

uint32_t run_open_count(const struct run *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->n_loops; i++)
		n += GAUGE_GET(r->loops[i].gauges.open);
	return n;
}
