/*
 * What a run has found, as text for people and as one JSON object for programs.
 *
 * Modes add facts and histograms; how they look is decided here alone.
 *
 * Thread: main.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "failure.h"
#include "options.h"
#include "procfs.h"
#include "stats/histogram.h"
#include "tally.h"

#define REPORT_SCHEMA    1
#define REPORT_FACTS_MAX 32
#define REPORT_KINDS_MAX 3
#define REPORT_TIMES_MAX 3

struct fact {
	const char *key, *text, *unit;
	double value;
};

/* What there is of several kinds: how many of each. */
struct kinds {
	const char *key, *text;
	struct tally tally;
};

/* A histogram of nanoseconds. */
struct timing {
	const char *key, *text;
	struct histogram histogram;
};

/* Memory with so many connections open. */
struct memory_sample {
	uint32_t connections;
	struct memory memory;
};

struct report {
	const struct options *options;
	uint64_t started_ms; /* since 1970 */
	bool interrupted;

	double connect_s;                /* time in which the connections were opened */
	double measured_s;               /* length of the measurement; 0: it did not come to it */
	struct cpu_time cpu, server_cpu; /* within it */
	bool has_server_cpu;

	uint32_t n_facts, n_kinds, n_timings, n_samples;
	struct fact facts[REPORT_FACTS_MAX];
	struct kinds kinds[REPORT_KINDS_MAX];
	struct timing timings[REPORT_TIMES_MAX];
	struct memory_sample samples[1 + MAX_STEPS];
	struct failures failures;

	struct cpu_time cpu_at_start, server_cpu_at_start;
	uint64_t measured_from_ns;
	bool peak_begun;
};

void report_init(struct report *r, const struct options *o);

/* Strings must live as long as the report. */
void report_fact(struct report *r, const char *key, const char *text, const char *unit,
                 double value);

/* An empty one to count or merge into. */
struct tally *report_kinds(struct report *r, const char *key, const char *text);

/* An empty histogram to merge into. The first one is what the mode is about. */
struct histogram *report_timing(struct report *r, const char *key, const char *text);

void report_sample(struct report *r, uint32_t connections);

/* CPU times and length of the measurement. */
void report_measure_begin(struct report *r);
void report_measure_end(struct report *r);

/* The server's memory now, and at its peak until the end; facts only where they can be known. */
void report_peak_begin(struct report *r);
void report_peak_end(struct report *r);

/* On stdout, in the form that the options ask for, and to @hgrm if it is not NULL. */
void report_print(const struct report *r, FILE *hgrm);
