/*
 * Records of connections that ended, in memory of a fixed size: the newest takes the place of
 * the oldest. Records have different lengths and lie one behind the other; none is cut at the
 * end of the memory.
 *
 * A place is a number that only grows, so a place from long ago is known to be overwritten.
 *
 * Thread: the owner. Owns: its memory.
 */
#pragma once

#include <stdint.h>

#include "worker/record.h"

struct record_ring {
	char *bytes; /* NULL: nothing is kept */
	uint64_t cap;
	uint64_t oldest, newest; /* places; RECORD_NOWHERE: it is empty */
	uint64_t end;            /* where the next record goes, if it fits there */
	uint64_t held;           /* records */
};

#define RECORD_NOWHERE  0 /* no record has this place */
#define RECORD_RING_MIN 4096

/* @cap 0: nothing is ever kept; otherwise at least RECORD_RING_MIN. 0 or WSMD_ENOMEM. */
MUST_CHECK int record_ring_init(struct record_ring *ring, uint64_t cap);
void record_ring_fini(struct record_ring *ring);

/**
 * Room for a record of @bytes, the newest from now on. To be filled at once.
 *
 * Returns: NULL when nothing is kept; zeroed otherwise, with *@ret_place
 */
struct record *record_ring_add(struct record_ring *ring, uint32_t bytes, uint64_t *ret_place);

/* The record at a place that record_ring_add() gave; NULL: it is overwritten. */
struct record *record_ring_at(const struct record_ring *ring, uint64_t place);

/* For a walk from the newest to the oldest; RECORD_NOWHERE: there is none. */
uint64_t record_ring_older(const struct record_ring *ring, uint64_t place);
