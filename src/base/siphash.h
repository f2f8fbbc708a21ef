/*
 * SipHash-2-4 with a 128-bit key, after Aumasson and Bernstein: the hash of every table and
 * of the user-to-worker mapping, so that a peer who chooses user ids cannot choose buckets.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k0, k1;
};

/* Cannot fail. Cost: about 9 ns and 4 ns more for each 8 bytes. */
uint64_t siphash(const struct siphash_key *key, const void *data, size_t len);
