/* The report as lines for people. */
#include <math.h>
#include <stdio.h>

#include "base/macros.h"
#include "report_write.h"
#include "version.h"

static void print_load(const struct options *o)
{
	const unsigned long long size = o->size_bytes, depth = o->depth;

	switch (o->mode) {
	case BENCH_IDLE:
	case BENCH_CONNECT:
	case BENCH_STORM:
		return;
	case BENCH_FANOUT:
	case BENCH_SLOW:
		printf("  %llu-byte messages to %s%s, %.15g/s\n", size,
		       o->group ? "the group " : "all", o->group ? o->group : "", o->rate);
		return;
	case BENCH_ECHO:
		printf("  %llu-byte %s messages, ", size, o->binary ? "binary" : "text");
		break;
	case BENCH_PUSH:
		printf("  %llu-byte messages to one user after the other, ", size);
		break;
	}
	if (o->rate > 0)
		printf("open loop at %.15g messages/s\n", o->rate);
	else
		printf("closed loop, %llu in flight on each %s\n", depth,
		       o->mode == BENCH_ECHO ? "connection" : "control session");
}

static void print_settings(const struct report *r)
{
	const struct options *const o = r->options;

	printf("wsmbench %s (%s): %s %s, %llu connection%s, %llu thread%s\n", BENCH_VERSION,
	       BENCH_COMMIT, options_mode_name(o), o->url, (unsigned long long)o->connections,
	       o->connections == 1 ? "" : "s", (unsigned long long)o->threads,
	       o->threads == 1 ? "" : "s");
	print_load(o);
	if (r->interrupted)
		printf("  interrupted: this is what was measured until then\n");
}

static void print_facts(const struct report *r)
{
	printf("  %-30s %14.3f s\n", "measured", r->measured_s);
	for (uint32_t i = 0; i < r->n_facts; i++) {
		const struct fact *const f = &r->facts[i];
		const bool whole = fabs(f->value - nearbyint(f->value)) < 1e-9;

		printf("  %-30s %14.*f %s\n", f->text, whole || fabs(f->value) >= 1e5 ? 0 : 3,
		       f->value, f->unit);
	}
}

static void print_kinds(const struct report *r)
{
	for (uint32_t i = 0; i < r->n_kinds; i++) {
		const struct tally *const t = &r->kinds[i].tally;

		printf("  %-30s", r->kinds[i].text);
		for (uint32_t k = 0; k < t->n; k++)
			printf("%s %s: %llu", k ? "," : "", t->rows[k].label,
			       (unsigned long long)t->rows[k].count);
		puts(t->n ? "" : " none");
	}
}

static void print_timings(const struct report *r)
{
	if (r->n_timings == 0)
		return;
	printf("\n  %-22s", "[us]");
#define X(key, text, q) printf(" %11s", text);
	REPORT_QUANTILES(X)
#undef X
	printf(" %11s %11s\n", "mean", "count");
	for (uint32_t i = 0; i < r->n_timings; i++) {
		const struct histogram *const h = &r->timings[i].histogram;

		printf("  %-22s", r->timings[i].text);
#define X(key, text, q) printf(" %11.1f", (double)histogram_quantile(h, q) / 1e3);
		REPORT_QUANTILES(X)
#undef X
		printf(" %11.1f %11llu\n", histogram_mean(h) / 1e3, (unsigned long long)h->count);
	}
}

static void print_memory(const struct report *r)
{
	if (r->n_samples < 2) /* the first is without connections */
		return;
	printf("\n  %-24s", "[MiB] at connections");
	for (uint32_t i = 0; i < r->n_samples; i++)
		printf(" %9u", r->samples[i].connections);
	printf("   B/connection   residual B\n");
	for (unsigned g = 0; g < MEMORY_GAUGE_COUNT; g++) {
		struct line fit;
		bool fitted;

		if (r->samples[0].memory.bytes[g] < 0)
			continue;
		printf("  %-24s", memory_text((enum memory_gauge)g));
		for (uint32_t i = 0; i < r->n_samples; i++)
			printf(" %9.2f", r->samples[i].memory.bytes[g] / (1 << 20));
		if (report_fit(r, (enum memory_gauge)g, &fit, &fitted))
			printf("   %12.0f", fit.slope);
		if (r->n_samples > 1 && fitted)
			printf(" %12.0f", fit.residual);
		putchar('\n');
	}
	printf("  \"host\" is the whole machine: with a server on it, both ends of each "
	       "connection\n"
	       "  and wsmbench's own memory are in it, and nothing is halved.\n");
}

static void print_cpu(const char *who, const struct cpu_time *c)
{
	printf("  %-30s %14.3f s (user %.2f, system %.2f)\n", who, c->total_s, c->user_s,
	       c->system_s);
}

static void print_failures(const struct failures *f)
{
	if (failures_total(f) == 0) {
		printf("\n  no errors\n");
		return;
	}
	printf("\n  errors:\n");
	for (unsigned i = 0; i < FAILURE_COUNT; i++)
		if (f->count[i] > 0)
			printf("  %12llu %s\n", (unsigned long long)f->count[i],
			       failure_text((enum failure)i));
	if (f->first[0])
		printf("  first: %s\n", f->first);
}

void report_write_text(const struct report *r)
{
	print_settings(r);
	if (r->measured_s > 0) {
		print_facts(r);
		print_kinds(r);
		print_cpu("CPU time of wsmbench", &r->cpu);
		if (r->has_server_cpu)
			print_cpu("CPU time of the server", &r->server_cpu);
		print_timings(r);
	}
	print_memory(r);
	print_failures(&r->failures);
}
