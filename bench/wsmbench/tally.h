/*
 * How often each of a few things has happened, by a word or a number for it.
 *
 * Thread: one writer; read by others after the writer has ended.
 */
#pragma once

#include <stdint.h>

#define TALLY_ROWS  24
#define TALLY_LABEL 32

/* All zero is an empty one. Rows come in the order in which they were first counted. */
struct tally {
	uint32_t n;
	struct {
		char label[TALLY_LABEL];
		uint64_t count;
	} rows[TALLY_ROWS]; /* when all are taken, the last one is "other" */
};

/* @label is cut to what a row holds. */
void tally_add(struct tally *t, const char *label, uint64_t n);
void tally_add_number(struct tally *t, unsigned label, uint64_t n);
void tally_merge(struct tally *to, const struct tally *from);
