/* Sums of the gauges, and their rates since the last line. */
#include "progress.h"

#include <stdio.h>

#include "clock.h"
#include "loop.h"

struct sum {
	uint64_t open, done, waiting, failed;
};

static struct sum add_up(const struct run *r)
{
	struct sum sum = {0};

	for (uint32_t i = 0; i < r->n_loops; i++) {
		const struct loop_gauges *const g = &r->loops[i].gauges;

		sum.open += GAUGE_GET(g->open);
		sum.done += GAUGE_GET(g->done);
		sum.waiting += GAUGE_GET(g->waiting);
		sum.failed += GAUGE_GET(g->failed);
	}
	return sum;
}

static double server_cpu_s(const struct run *r)
{
	struct cpu_time cpu;

	return r->options->pid && cpu_read_process(r->options->pid, &cpu) ? cpu.total_s : 0;
}

void progress_init(struct progress *p, const struct run *r)
{
	const uint64_t now_ns = clock_now_ns();

	*p = (struct progress){.due_ns = now_ns + NS_PER_S, .shown_ns = now_ns};
	p->server_cpu_s = server_cpu_s(r);
}

static void show_server(const struct progress *p, const struct run *r, double seconds)
{
	const double cpu_s = server_cpu_s(r);
	double bytes;

	if (cpu_s > p->server_cpu_s && memory_rss(r->options->pid, &bytes))
		fprintf(stderr, "; server %.0f %% CPU, %.1f MiB",
		        100 * (cpu_s - p->server_cpu_s) / seconds, bytes / (1 << 20));
}

void progress_show(struct progress *p, const struct run *r, uint64_t now_ns)
{
	const double seconds = (double)(now_ns - p->shown_ns) / 1e9;
	struct sum sum;

	if (now_ns < p->due_ns)
		return;
	p->due_ns = now_ns + NS_PER_S;
	if (!r->options->progress)
		return;
	sum = add_up(r);
	fprintf(stderr, "%s: %llu open, %.0f %s/s", options_mode_name(r->options),
	        (unsigned long long)sum.open, (double)(sum.done - p->done) / seconds,
	        r->mode->done_means);
	if (r->mode->waiting_means)
		fprintf(stderr, ", %llu %s", (unsigned long long)sum.waiting,
		        r->mode->waiting_means);
	if (sum.failed > 0)
		fprintf(stderr, ", %llu failed", (unsigned long long)sum.failed);
	show_server(p, r, seconds);
	fputc('\n', stderr);
	p->shown_ns = now_ns;
	p->done = sum.done;
	p->server_cpu_s = server_cpu_s(r);
}
