/* Connection ids as 26 characters of lower-case base32 (RFC 4648 alphabet, no padding). */
#include "shard/conn_id.h"

#include <string.h>

#define HASH_BYTES 6

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

uint64_t shard_hash(const struct siphash_key *key, const char *hub, size_t hub_len,
                    const char *user, size_t user_len)
{
	char text[512];

	/* A NUL between the two: neither may contain one, so no two pairs read the same. */
	ASSERT(hub_len + 1 + user_len <= sizeof(text));
	memcpy(text, hub, hub_len);
	text[hub_len] = '\0';
	memcpy(text + hub_len + 1, user, user_len);
	return siphash(key, text, hub_len + 1 + user_len) >> 16;
}

uint32_t shard_worker(uint64_t hash48, uint32_t n_workers)
{
	return (uint32_t)((hash48 * n_workers) >> 48);
}

void conn_id_make(struct conn_id *id, const uint64_t *hash48, const uint8_t random[16])
{
	memcpy(id->bytes, random, sizeof(id->bytes));
	if (hash48 == NULL)
		return;
	for (int i = 0; i < HASH_BYTES; i++)
		id->bytes[i] = (uint8_t)(*hash48 >> (8 * (HASH_BYTES - 1 - i)));
}

uint64_t conn_id_hash48(const struct conn_id *id)
{
	uint64_t hash = 0;

	for (int i = 0; i < HASH_BYTES; i++)
		hash = hash << 8 | id->bytes[i];
	return hash;
}

uint32_t conn_id_table_hash(const struct conn_id *id)
{
	uint32_t hash;

	memcpy(&hash, id->bytes + HASH_BYTES, sizeof(hash));
	return hash;
}

bool conn_id_equal(const struct conn_id *a, const struct conn_id *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

void conn_id_format(const struct conn_id *id, char dst[CONN_ID_TEXT])
{
	uint32_t bits = 0;
	int n_bits = 0, out = 0;

	for (size_t i = 0; i < sizeof(id->bytes); i++) {
		bits = bits << 8 | id->bytes[i];
		for (n_bits += 8; n_bits >= 5; n_bits -= 5)
			dst[out++] = alphabet[bits >> (n_bits - 5) & 31];
	}
	dst[out++] = alphabet[bits << (5 - n_bits) & 31];
	dst[out] = '\0';
}

bool conn_id_parse(const char *text, size_t len, struct conn_id *ret)
{
	struct conn_id id;
	uint32_t bits = 0;
	int n_bits = 0;
	size_t out = 0;

	if (len != CONN_ID_TEXT - 1)
		return false;
	for (size_t i = 0; i < len; i++) {
		const char *at = text[i] != '\0' ? strchr(alphabet, text[i]) : NULL;

		if (at == NULL)
			return false;
		bits = bits << 5 | (uint32_t)(at - alphabet);
		n_bits += 5;
		if (n_bits >= 8) {
			n_bits -= 8;
			id.bytes[out++] = (uint8_t)(bits >> n_bits);
		}
	}
	/* Two bits of padding are left: they must be zero, so that each id has one spelling. */
	if ((bits & ((1u << n_bits) - 1)) != 0)
		return false;
	*ret = id;
	return true;
}
