/* SipHash-2-4, checked against the reference vectors in tests/unit/base. */
#include "base/siphash.h"

#include <endian.h>
#include <string.h>

#include "base/macros.h"

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = ROTL(s->v1, 13) ^ s->v0;
	s->v0 = ROTL(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = ROTL(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = ROTL(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = ROTL(s->v1, 17) ^ s->v2;
	s->v2 = ROTL(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t m)
{
	s->v3 ^= m;
	sip_round(s);
	sip_round(s);
	s->v0 ^= m;
}

/* A copy of a fixed size is one load, aligned or not. */
static inline uint64_t load_le64(const uint8_t *p)
{
	uint64_t m;

	memcpy(&m, p, sizeof(m));
	return le64toh(m);
}

static inline uint64_t load_le32(const uint8_t *p)
{
	uint32_t m;

	memcpy(&m, p, sizeof(m));
	return le32toh(m);
}

static inline uint64_t load_le16(const uint8_t *p)
{
	uint16_t m;

	memcpy(&m, p, sizeof(m));
	return le16toh(m);
}

/* The last @n bytes, fewer than 8: at most one load of each size. */
static inline uint64_t load_tail(const uint8_t *p, size_t n)
{
	uint64_t m = 0;

	if (n & 4)
		m = load_le32(p);
	if (n & 2)
		m |= load_le16(p + (n & 4)) << (8 * (n & 4));
	if (n & 1)
		m |= (uint64_t)p[n - 1] << (8 * (n - 1));
	return m;
}

uint64_t siphash(const struct siphash_key *key, const void *data, size_t len)
{
	const uint8_t *p = data;
	struct sip s = {
		.v0 = key->k0 ^ 0x736f6d6570736575u,
		.v1 = key->k1 ^ 0x646f72616e646f6du,
		.v2 = key->k0 ^ 0x6c7967656e657261u,
		.v3 = key->k1 ^ 0x7465646279746573u,
	};
	size_t left = len;

	for (; left >= 8; left -= 8, p += 8)
		sip_word(&s, load_le64(p));
	sip_word(&s, load_tail(p, left) | (uint64_t)len << 56);
	s.v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
