/*
 * Intrusive hash table that grows one bucket at a time (linear hashing), so that no insert
 * ever pays for rehashing the whole. Hashes come from the caller: use siphash() for keys that
 * a peer may choose. A node keeps none: it is hashed again when its bucket is split, which is
 * once each time the table doubles, and when it goes.
 *
 * Thread: the owner of the table. Insert and remove cannot fail: without memory for another
 * segment of buckets the chains just become longer, and later inserts catch up.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct table_node {
	struct table_node *next;
};

/* The hash of what holds @node. */
typedef uint32_t (*table_hash)(const struct table_node *node, const void *arg);

struct table {
	table_hash hash;
	const void *arg;
	struct table_node ***segments; /* each of TABLE_SEGMENT bucket heads */
	uint32_t n_segments, cap_segments;
	uint32_t n_buckets; /* buckets in use; never below TABLE_SEGMENT */
	uint32_t count;
};

#define TABLE_SEGMENT 256
#define TABLE_LOAD    2 /* nodes for each bucket, at most */

/* Does @node hold @key? */
typedef bool (*table_match)(const struct table_node *node, const void *key);

/* @arg is for @hash alone. 0 or WSMD_ENOMEM. */
MUST_CHECK int table_init(struct table *t, table_hash hash, const void *arg);
void table_fini(struct table *t); /* frees buckets, not nodes */

/* @hash is what the table's own function says of @node. */
void table_insert(struct table *t, struct table_node *node, uint32_t hash);
struct table_node *table_find(const struct table *t, uint32_t hash, table_match match,
                              const void *key);
void table_remove(struct table *t, struct table_node *node); /* @node must be in @t */
size_t table_bytes(const struct table *t);

/* A walk over all nodes; start with zeroes. Insert and remove end its validity. */
struct table_walk {
	uint32_t bucket;
	struct table_node *next;
};
struct table_node *table_next(const struct table *t, struct table_walk *walk); /* NULL: done */
