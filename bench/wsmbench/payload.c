/* Messages whose every byte can be checked. */
#include "payload.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define WINDOWS 1021 /* prime, so that neighbours in either number differ for long */

#define CONNECTION_DIGITS 4
#define SEQUENCE_DIGITS   8
static_assert(CONNECTION_DIGITS + SEQUENCE_DIGITS == PAYLOAD_HEAD, "both numbers and nothing else");

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Three characters of ASCII or one of U+4E00 to U+8DFF, by chance, so that nobody can guess. */
static void write_mixed(uint8_t dst[PAYLOAD_WIDE], uint64_t r)
{
	const uint32_t wide = 0x4E00 + (uint32_t)(r >> 1) % 0x4000;

	if (r & 1) {
		dst[0] = (uint8_t)(0xE0 | wide >> 12);
		dst[1] = (uint8_t)(0x80 | (wide >> 6 & 63));
		dst[2] = (uint8_t)(0x80 | (wide & 63));
		return;
	}
	for (unsigned i = 0; i < PAYLOAD_WIDE; i++)
		dst[i] = (uint8_t)digits[r >> (1 + 6 * i) & 63];
}

int payload_init(struct payload *p, size_t size, enum payload_kind kind)
{
	const size_t step = kind == PAYLOAD_MIXED ? PAYLOAD_WIDE : 1;
	const size_t len = size + WINDOWS * step;
	uint64_t state = 0x9E3779B97F4A7C15;

	*p = (struct payload){.size = size, .step = step, .kind = kind, .pattern = malloc(len)};
	if (!p->pattern)
		return WSMD_ENOMEM;
	for (size_t i = 0; i + step <= len; i += step) {
		const uint64_t r = next_random(&state) >> 32;

		if (kind == PAYLOAD_MIXED)
			write_mixed(p->pattern + i, r);
		else
			p->pattern[i] =
				kind == PAYLOAD_BINARY ? (uint8_t)r : (uint8_t)digits[r % 64];
	}
	return 0;
}

void payload_fini(struct payload *p)
{
	free(p->pattern);
	p->pattern = NULL;
}

static void write_number(uint8_t *dst, unsigned n, uint64_t value)
{
	while (n-- > 0) {
		dst[n] = (uint8_t)digits[value % 64];
		value /= 64;
	}
}

static uint64_t read_number(const uint8_t *src, unsigned n)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < n; i++) {
		const char *const d = src[i] ? strchr(digits, src[i]) : NULL;

		if (!d)
			return UINT64_MAX;
		value = value * 64 + (uint64_t)(d - digits);
	}
	return value;
}

void payload_write_stamp(uint8_t dst[PAYLOAD_STAMP], uint64_t ns)
{
	write_number(dst, PAYLOAD_STAMP, ns);
}

uint64_t payload_read_stamp(const uint8_t src[PAYLOAD_STAMP])
{
	return read_number(src, PAYLOAD_STAMP);
}

static void write_head(uint8_t *dst, uint32_t connection, uint64_t sequence)
{
	write_number(dst, CONNECTION_DIGITS, connection);
	write_number(dst + CONNECTION_DIGITS, SEQUENCE_DIGITS, sequence);
}

static const uint8_t *window(const struct payload *p, uint32_t connection, uint64_t sequence)
{
	return p->pattern + (31 * (uint64_t)connection + sequence) % WINDOWS * p->step;
}

void payload_write(const struct payload *p, uint32_t connection, uint64_t sequence, uint8_t *dst)
{
	write_head(dst, connection, sequence);
	memcpy(dst + PAYLOAD_HEAD, window(p, connection, sequence), p->size - PAYLOAD_HEAD);
}

static bool is_message(const struct payload *p, uint32_t connection, uint64_t sequence,
                       const uint8_t *data)
{
	uint8_t head[PAYLOAD_HEAD];

	write_head(head, connection, sequence);
	return memcmp(data, head, PAYLOAD_HEAD) == 0 &&
	       memcmp(data + PAYLOAD_HEAD, window(p, connection, sequence),
	              p->size - PAYLOAD_HEAD) == 0;
}

/* The reply is wrong: find out in what way. Not on the fast path, so it may look twice. */
static COLD enum payload_fault diagnose(const struct payload *p, uint32_t connection,
                                        uint64_t sequence, const uint8_t *data, char *why,
                                        size_t why_cap)
{
	const uint64_t got_connection = read_number(data, CONNECTION_DIGITS);
	const uint64_t got = read_number(data + CONNECTION_DIGITS, SEQUENCE_DIGITS);
	uint8_t head[PAYLOAD_HEAD];
	const uint8_t *expected = head;
	size_t i = 0;

	if (got_connection <= UINT32_MAX && got != UINT64_MAX &&
	    is_message(p, (uint32_t)got_connection, got, data)) {
		snprintf(why, why_cap,
		         "message %llu of connection %llu came where message %llu was due",
		         (unsigned long long)got, (unsigned long long)got_connection,
		         (unsigned long long)sequence);
		return PAYLOAD_REORDERED;
	}
	write_head(head, connection, sequence);
	while (i < PAYLOAD_HEAD && data[i] == head[i])
		i++;
	if (i == PAYLOAD_HEAD)
		expected = window(p, connection, sequence) - PAYLOAD_HEAD;
	while (data[i] == expected[i])
		i++;
	snprintf(why, why_cap, "message %llu has 0x%02x at byte %zu, not 0x%02x",
	         (unsigned long long)sequence, data[i], i, expected[i]);
	return PAYLOAD_CHANGED;
}

enum payload_fault payload_check(const struct payload *p, uint32_t connection, uint64_t sequence,
                                 const uint8_t *data, size_t len, char *why, size_t why_cap)
{
	if (len != p->size) {
		snprintf(why, why_cap, "message %llu has %zu bytes, not %zu",
		         (unsigned long long)sequence, len, p->size);
		return PAYLOAD_CHANGED;
	}
	if (LIKELY(is_message(p, connection, sequence, data)))
		return PAYLOAD_GOOD;
	return diagnose(p, connection, sequence, data, why, why_cap);
}
