/*
 * An automaton over the well-formed byte sequences of Unicode table 3-7. A state is a bit
 * offset, and the row of a byte holds the successor of each state at that offset, so that a
 * step is one shift: the look-up does not wait for the step before.
 */
#include "ws/utf8.h"

#include <string.h>

#include "ws/blocks.h"

#define BITS 6

enum state {
	OK = WS_UTF8_WHOLE,
	T1 = 1 * BITS, /* one, two, three continuation bytes are missing ... */
	T2 = 2 * BITS,
	T3 = 3 * BITS,
	E0 = 4 * BITS, /* ... or the second byte, narrowed by this first one */
	ED = 5 * BITS,
	F0 = 6 * BITS,
	F4 = 7 * BITS,
	NO = 8 * BITS,
};

/* Successors of OK T1 T2 T3 E0 ED F0 F4; nothing leaves NO. */
#define ROW(ok, t1, t2, t3, e0, ed, f0, f4)                                                        \
	((uint64_t)(ok) << OK | (uint64_t)(t1) << T1 | (uint64_t)(t2) << T2 |                      \
	 (uint64_t)(t3) << T3 | (uint64_t)(e0) << E0 | (uint64_t)(ed) << ED |                      \
	 (uint64_t)(f0) << F0 | (uint64_t)(f4) << F4 | (uint64_t)NO << NO)
#define FIRST(next) ROW(next, NO, NO, NO, NO, NO, NO, NO)

#define ASCII  FIRST(OK)
#define TAIL_8 ROW(NO, OK, T1, T2, NO, T1, NO, T2)
#define TAIL_9 ROW(NO, OK, T1, T2, NO, T1, T2, NO)
#define TAIL_A ROW(NO, OK, T1, T2, T1, NO, T2, NO)

#define TWO(row)     row, row
#define FOUR(row)    TWO(row), TWO(row)
#define EIGHT(row)   FOUR(row), FOUR(row)
#define SIXTEEN(row) EIGHT(row), EIGHT(row)
#define LINES_4(row) SIXTEEN(row), SIXTEEN(row), SIXTEEN(row), SIXTEEN(row)

/* clang-format off */
static const uint64_t rows[256] = {
	/* 00-7F */ LINES_4(ASCII), LINES_4(ASCII),
	/* 80-8F */ SIXTEEN(TAIL_8),
	/* 90-9F */ SIXTEEN(TAIL_9),
	/* A0-BF */ SIXTEEN(TAIL_A), SIXTEEN(TAIL_A),
	/* C0-C1 */ TWO(FIRST(NO)),
	/* C2-DF */ TWO(FIRST(T1)), FOUR(FIRST(T1)), EIGHT(FIRST(T1)), SIXTEEN(FIRST(T1)),
	/* E0    */ FIRST(E0),
	/* E1-EC */ FOUR(FIRST(T2)), EIGHT(FIRST(T2)),
	/* ED    */ FIRST(ED),
	/* EE-EF */ TWO(FIRST(T2)),
	/* F0    */ FIRST(F0),
	/* F1-F3 */ FIRST(T3), TWO(FIRST(T3)),
	/* F4    */ FIRST(F4),
	/* F5-FF */ FIRST(NO), TWO(FIRST(NO)), EIGHT(FIRST(NO)),
};
/* clang-format on */

#define STEP 16

static inline uint64_t step(uint64_t state, uint8_t byte)
{
	return rows[byte] >> state & ((1 << BITS) - 1);
}

static inline int is_ascii(const uint8_t block[STEP])
{
	uint64_t a, b;

	memcpy(&a, block, sizeof(a));
	memcpy(&b, block + sizeof(a), sizeof(b));
	return ((a | b) & 0x8080808080808080u) == 0;
}

size_t ws_utf8_walk(uint8_t *state, const uint8_t *data, size_t len)
{
	uint64_t s = *state, after;
	size_t i = 0;

	for (; len - i >= STEP; i += STEP) {
		if (s == OK && is_ascii(data + i))
			continue;
		after = s;
		for (size_t j = 0; j < STEP; j++)
			after = step(after, data[i + j]);
		if (after == NO)
			break; /* the loop below finds the byte */
		s = after;
	}
	for (; i < len; i++) {
		s = step(s, data[i]);
		if (s == NO)
			break;
	}
	*state = (uint8_t)s;
	return i;
}

size_t ws_utf8_resume(const uint8_t *data, size_t begin, size_t end)
{
	size_t at = end - begin < 3 ? begin : end - 3;

	while (at < end && (data[at] & 0xC0) == 0x80)
		at++;
	return at;
}

size_t ws_utf8_check(uint8_t *state, const uint8_t *data, size_t len)
{
	size_t head = 0, at;

	if (len < WS_BLOCK)
		return ws_utf8_walk(state, data, len);
	for (; *state != WS_UTF8_WHOLE && head < len; head++) { /* the character that is begun */
		if (ws_utf8_walk(state, data + head, 1) == 0)
			return head;
	}
	at = ws_utf8_resume(data, head, head + ws_blocks()->check_text(data + head, len - head));
	return at + ws_utf8_walk(state, data + at, len - at);
}
