/*
 * Names of connections, and which worker owns what.
 *
 * A user's 48-bit hash says which worker owns him, however many workers there are. A connection
 * id carries that hash and 80 random bits: it routes by itself and cannot be guessed. A user
 * without a name is routed by his connection id, whose hash part is random then.
 *
 * Thread: any; pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "base/siphash.h"

#define CONN_ID_TEXT   27 /* 26 characters of base32, and NUL */
#define CONN_ID_RANDOM 16 /* bytes that make one */

struct conn_id {
	uint8_t bytes[16]; /* the first six are the hash, big-endian */
};

/* Keyed, so that nobody can choose names that meet on one worker. 48 bits. */
uint64_t shard_hash(const struct siphash_key *key, const char *hub, size_t hub_len,
                    const char *user, size_t user_len);

uint32_t shard_worker(uint64_t hash48, uint32_t n_workers);

/* @random supplies ten bytes, and six more that are used when @hash48 is NULL. */
void conn_id_make(struct conn_id *id, const uint64_t *hash48, const uint8_t random[CONN_ID_RANDOM]);
uint64_t conn_id_hash48(const struct conn_id *id);

/* Hash for tables: bits that are random in every id. */
uint32_t conn_id_table_hash(const struct conn_id *id);
bool conn_id_equal(const struct conn_id *a, const struct conn_id *b);

void conn_id_format(const struct conn_id *id, char dst[CONN_ID_TEXT]);

/* False when @text is not a connection id in the form that conn_id_format() writes. */
bool conn_id_parse(const char *text, size_t len, struct conn_id *ret);
