/* The report as one JSON object. Keys are stable within a schema number. */
#include <jansson.h>
#include <stdio.h>

#include "base/macros.h"
#include "report_write.h"
#include "version.h"

static json_t *timing_json(const struct histogram *h)
{
	json_t *const all = json_object();

	json_object_set_new(all, "count", json_integer((json_int_t)h->count));
	json_object_set_new(all, "min", json_real((double)h->min / 1e3));
	json_object_set_new(all, "mean", json_real(histogram_mean(h) / 1e3));
#define X(key, text, q)                                                                            \
	json_object_set_new(all, key, json_real((double)histogram_quantile(h, q) / 1e3));
	REPORT_QUANTILES(X)
#undef X
	return all;
}

static json_t *tally_json(const struct tally *t)
{
	json_t *const all = json_object();

	for (uint32_t i = 0; i < t->n; i++)
		json_object_set_new(all, t->rows[i].label,
		                    json_integer((json_int_t)t->rows[i].count));
	return all;
}

static json_t *cpu_json(const struct cpu_time *c)
{
	return json_pack("{s:f, s:f, s:f}", "user_s", c->user_s, "system_s", c->system_s, "total_s",
	                 c->total_s);
}

static json_t *failures_json(const struct failures *f)
{
	json_t *const all = json_object();

	for (unsigned i = 0; i < FAILURE_COUNT; i++)
		json_object_set_new(all, failure_key((enum failure)i),
		                    json_integer((json_int_t)f->count[i]));
	return all;
}

static json_t *samples_json(const struct report *r)
{
	json_t *const all = json_array();

	for (uint32_t i = 0; i < r->n_samples; i++) {
		const struct memory_sample *const s = &r->samples[i];
		json_t *const one = json_pack("{s:i}", "connections", (int)s->connections);

		for (unsigned g = 0; g < MEMORY_GAUGE_COUNT; g++)
			json_object_set_new(one, memory_key((enum memory_gauge)g),
			                    s->memory.bytes[g] < 0 ? json_null()
			                                           : json_real(s->memory.bytes[g]));
		json_array_append_new(all, one);
	}
	return all;
}

static json_t *fits_json(const struct report *r)
{
	json_t *const all = json_object();

	for (unsigned g = 0; g < MEMORY_GAUGE_COUNT; g++) {
		struct line fit;
		bool fitted;

		if (!report_fit(r, (enum memory_gauge)g, &fit, &fitted))
			continue;
		json_object_set_new(all, memory_key((enum memory_gauge)g),
		                    json_pack("{s:f, s:f, s:o}", "bytes_per_connection", fit.slope,
		                              "offset_bytes", fit.offset, "residual_bytes",
		                              fitted ? json_real(fit.residual) : json_null()));
	}
	return all;
}

void report_write_json(const struct report *r)
{
	json_t *const all = json_object(), *const results = json_object();
	json_t *const cpu = json_object(), *const timings = json_object();

	for (uint32_t i = 0; i < r->n_facts; i++)
		json_object_set_new(results, r->facts[i].key, json_real(r->facts[i].value));
	for (uint32_t i = 0; i < r->n_kinds; i++)
		json_object_set_new(results, r->kinds[i].key, tally_json(&r->kinds[i].tally));
	for (uint32_t i = 0; i < r->n_timings; i++)
		json_object_set_new(timings, r->timings[i].key,
		                    timing_json(&r->timings[i].histogram));
	json_object_set_new(cpu, "wsmbench", cpu_json(&r->cpu));
	json_object_set_new(cpu, "server",
	                    r->has_server_cpu ? cpu_json(&r->server_cpu) : json_null());

	json_object_set_new(all, "schema", json_integer(REPORT_SCHEMA));
	json_object_set_new(all, "program", json_string("wsmbench"));
	json_object_set_new(all, "version", json_string(BENCH_VERSION));
	json_object_set_new(all, "commit", json_string(BENCH_COMMIT));
	json_object_set_new(all, "mode", json_string(options_mode_name(r->options)));
	json_object_set_new(all, "started_ms", json_integer((json_int_t)r->started_ms));
	json_object_set_new(all, "interrupted", json_boolean(r->interrupted));
	json_object_set_new(all, "settings", options_json(r->options));
	json_object_set_new(all, "measured_s", json_real(r->measured_s));
	json_object_set_new(all, "results", results);
	json_object_set_new(all, "timings_us", timings);
	if (r->n_samples > 0) {
		json_object_set_new(all, "memory", samples_json(r));
		json_object_set_new(all, "memory_fit", fits_json(r));
	}
	json_object_set_new(all, "cpu", cpu);
	json_object_set_new(all, "errors_total",
	                    json_integer((json_int_t)failures_total(&r->failures)));
	json_object_set_new(all, "errors", failures_json(&r->failures));
	json_object_set_new(all, "first_error",
	                    r->failures.first[0] ? json_string(r->failures.first) : json_null());
	json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	putchar('\n');
	json_decref(all);
}
