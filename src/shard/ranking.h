/*
 * Which connections come first by some key: a bounded heap of references, filled by a worker as
 * it walks, for whoever asked.
 *
 * Thread: the holder of the request that it hangs on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* name, word, the greatest first: what is ranked */
#define RANKING_KEYS(X)                                                                            \
	X(RANK_BY_RATE, "rate")   /* messages each second, both ways */                            \
	X(RANK_BY_RTT, "rtt")     /* smoothed round trip */                                        \
	X(RANK_BY_SCORE, "score") /* the sickest first */                                          \
	X(RANK_BY_QUEUE, "queue") /* bytes that wait */                                            \
	X(RANK_BY_IDLE, "idle")   /* silence */

enum ranking_key {
#define X(name, word) name,
	RANKING_KEYS(X)
#undef X
	RANKING_KEY_COUNT
};

struct ranked {
	uint64_t weight; /* the greater, the further in front */
	uint64_t conn;   /* slab handle */
};

struct ranking {
	enum ranking_key key;
	bool reverse; /* the last ones first */
	uint32_t n, max;
	struct ranked entries[]; /* a heap with the least on top, until ranking_sort() */
};

/* NULL: out of memory. */
struct ranking *ranking_new(enum ranking_key key, bool reverse, uint32_t max);

/* Offer one; the @max greatest stay, of equals the earlier ones. */
void ranking_offer(struct ranking *r, uint64_t value, uint64_t conn);

/* The greatest first. Nothing may be offered behind it. */
void ranking_sort(struct ranking *r);

/* False: no key has that name. */
bool ranking_key_find(const char *word, enum ranking_key *ret);
