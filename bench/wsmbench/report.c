/* Collecting what was found. How it is written is in report_json.c and report_text.c. */
#include "report.h"

#include "base/macros.h"
#include "clock.h"
#include "hgrm.h"
#include "os/os.h"
#include "report_write.h"

void report_init(struct report *r, const struct options *o)
{
	*r = (struct report){.options = o, .started_ms = os_wall_ms()};
}

void report_fact(struct report *r, const char *key, const char *text, const char *unit,
                 double value)
{
	ASSERT(r->n_facts < REPORT_FACTS_MAX);
	r->facts[r->n_facts++] =
		(struct fact){.key = key, .text = text, .unit = unit, .value = value};
}

struct tally *report_kinds(struct report *r, const char *key, const char *text)
{
	struct kinds *k;

	ASSERT(r->n_kinds < REPORT_KINDS_MAX);
	k = &r->kinds[r->n_kinds++];
	k->key = key;
	k->text = text;
	return &k->tally;
}

struct histogram *report_timing(struct report *r, const char *key, const char *text)
{
	struct timing *t;

	ASSERT(r->n_timings < REPORT_TIMES_MAX);
	t = &r->timings[r->n_timings++];
	t->key = key;
	t->text = text;
	return &t->histogram;
}

void report_sample(struct report *r, uint32_t connections)
{
	struct memory_sample *s;

	ASSERT(r->n_samples < ARRAY_LEN(r->samples));
	s = &r->samples[r->n_samples++];
	s->connections = connections;
	memory_read(r->options->pid, &s->memory);
}

void report_measure_begin(struct report *r)
{
	r->measured_from_ns = clock_now_ns();
	cpu_read_self(&r->cpu_at_start);
	r->has_server_cpu =
		r->options->pid && cpu_read_process(r->options->pid, &r->server_cpu_at_start);
}

void report_measure_end(struct report *r)
{
	struct cpu_time now;

	r->measured_s = (double)(clock_now_ns() - r->measured_from_ns) / 1e9;
	cpu_read_self(&now);
	r->cpu = cpu_between(&r->cpu_at_start, &now);
	if (r->has_server_cpu)
		r->has_server_cpu = cpu_read_process(r->options->pid, &now);
	if (r->has_server_cpu)
		r->server_cpu = cpu_between(&r->server_cpu_at_start, &now);
}

void report_peak_begin(struct report *r)
{
	const uint64_t pid = r->options->pid;
	double bytes;

	r->peak_begun = pid && memory_rss(pid, &bytes) && memory_peak_begin(pid);
	if (r->peak_begun)
		report_fact(r, "server_rss_before_bytes", "server's memory before", "B", bytes);
}

void report_peak_end(struct report *r)
{
	double bytes;

	if (r->peak_begun && memory_peak(r->options->pid, &bytes))
		report_fact(r, "server_rss_peak_bytes", "and at its peak", "B", bytes);
}

void report_print(const struct report *r, FILE *hgrm)
{
	if (hgrm)
		hgrm_write(hgrm, &r->timings[0].histogram);
	if (!r->options->json) {
		report_write_text(r);
		return;
	}
	report_write_json(r);
	if (r->failures.first[0] != '\0')
		fprintf(stderr, "wsmbench: %llu errors, first: %s\n",
		        (unsigned long long)failures_total(&r->failures), r->failures.first);
}
