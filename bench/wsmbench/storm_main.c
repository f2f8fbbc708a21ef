/* A storm as main sees it: begin, wait until all have service again, and tell how long it took. */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "loop.h"
#include "report.h"
#include "storm.h"

#define SETTLE_NS NS_PER_S /* between the last handshake and the cut */

static bool anybody_was_cut(const struct run *r)
{
	for (uint32_t i = 0; i < r->n_loops; i++)
		if (GAUGE_GET(r->loops[i].gauges.waiting) > 0 ||
		    GAUGE_GET(r->loops[i].gauges.done) > 0)
			return true;
	return false;
}

static bool everybody_is_here(const struct run *r)
{
	for (uint32_t i = 0; i < r->n_loops; i++)
		if (GAUGE_GET(r->loops[i].gauges.waiting) > 0)
			return false;
	return run_all_tried(r);
}

static void rage(struct run *r, struct report *report)
{
	const double seconds = r->options->seconds;

	report_peak_begin(report);
	report_measure_begin(report);
	run_load(r, 0, seconds);
	if (r->options->server_cuts) {
		(void)run_wait(r, clock_now_ns() + (uint64_t)(seconds * 1e9), anybody_was_cut);
		report_measure_begin(report);
	}
	(void)run_wait(r, clock_now_ns() + (uint64_t)(seconds * 1e9),
	               run_all_quiet); /* a signal ends it like time */
	report_measure_end(report);
	report_peak_end(report);
}

void storm_conduct(struct run *r, struct report *report)
{
	if (run_open_all(r, report, everybody_is_here) &&
	    run_wait(r, clock_now_ns() + SETTLE_NS, run_never))
		rage(r, report);
	run_close(r);
}

/* ---- what came of it ---- */

struct sum {
	uint64_t *up_ns; /* when each of those that have service again got it */
	uint64_t began_ns;
	uint64_t n_victims, n_cut, n_up, cut_again, attempts, n_refused;
};

static void add_loop(struct sum *sum, const struct loop *l)
{
	const struct storm *const s = l->mode_state;

	sum->n_victims += s->n_victims;
	sum->n_cut += s->n_cut;
	sum->cut_again += s->cut_again;
	sum->attempts += s->attempts;
	sum->n_refused += s->n_refused;
	if (s->first_down_ns > 0 && s->first_down_ns < sum->began_ns)
		sum->began_ns = s->first_down_ns;
	for (uint32_t i = 0; i < l->n_clients; i++)
		if (s->victims[i].up_ns > 0 && s->victims[i].down_ns == 0)
			sum->up_ns[sum->n_up++] = s->victims[i].up_ns;
}

static int by_time(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The time until @share of those that were cut had service again, if ever. */
static void tell_restored(struct report *report, const struct sum *sum, double share,
                          const char *key, const char *text)
{
	const double exact = share * (double)sum->n_cut;
	uint64_t rank = (uint64_t)exact;

	rank += (double)rank < exact;
	if (rank > 0 && rank <= sum->n_up)
		report_fact(report, key, text, "s",
		            (double)(sum->up_ns[rank - 1] - sum->began_ns) / 1e9);
}

static void tell_times(struct report *report, const struct sum *sum)
{
	qsort(sum->up_ns, sum->n_up, sizeof(*sum->up_ns), by_time);
	tell_restored(report, sum, 0.5, "restored_50_s", "half of them after");
	tell_restored(report, sum, 0.99, "restored_99_s", "99 % of them after");
	tell_restored(report, sum, 1, "restored_all_s", "all of them after");
}

static void tell_faults(const struct run *r, struct report *report, const struct sum *sum)
{
	const uint64_t down = sum->n_cut - sum->n_up;

	if (r->interrupted || sum->n_victims == 0)
		return; /* what was not finished is not wrong */
	if (sum->n_cut == 0)
		failures_note(&report->failures, FAILURE_OUTAGE,
		              "no connection was cut within %.15g s", r->options->seconds);
	if (down == 0)
		return;
	failures_note(&report->failures, FAILURE_OUTAGE,
	              "%llu of %llu connections that were cut had no echo again after %.15g s",
	              (unsigned long long)down, (unsigned long long)sum->n_cut,
	              r->options->seconds);
	failures_add(&report->failures, FAILURE_OUTAGE, down - 1);
}

void storm_tell(const struct run *r, struct report *report)
{
	struct histogram *const outage =
		report_timing(report, "outage", "from its cut to its echo");
	struct tally *const cuts = report_kinds(report, "cuts", "cut by");
	struct tally *const refusals = report_kinds(report, "refusals", "refused with");
	struct sum sum = {.began_ns = NEVER_NS};

	sum.up_ns = malloc((size_t)r->options->connections * sizeof(*sum.up_ns));
	if (!sum.up_ns) {
		failures_note(&report->failures, FAILURE_MEMORY, "no memory for the results");
		return;
	}
	for (uint32_t i = 0; i < r->n_loops; i++) {
		const struct storm *const s = r->loops[i].mode_state;

		histogram_merge(outage, &r->loops[i].latency);
		tally_merge(cuts, &s->cuts);
		tally_merge(refusals, &s->refusals);
		add_loop(&sum, &r->loops[i]);
	}
	report_fact(report, "connections_cut", "of them cut", "", (double)sum.n_cut);
	report_fact(report, "connections_restored", "have service again", "", (double)sum.n_up);
	tell_times(report, &sum);
	report_fact(report, "attempts", "attempts to connect", "", (double)sum.attempts);
	report_fact(report, "attempts_refused", "of them without success", "",
	            (double)sum.n_refused);
	report_fact(report, "cut_again", "lost again on the way", "", (double)sum.cut_again);
	if (sum.n_up > 0 && report->has_server_cpu)
		report_fact(report, "server_cpu_us_per_restored", "server CPU for each", "us",
		            report->server_cpu.total_s * 1e6 / (double)sum.n_up);
	tell_faults(r, report, &sum);
	free(sum.up_ns);
}
