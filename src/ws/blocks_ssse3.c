/* Blocks in vectors of 16 bytes. Runs only where ws_blocks() has seen SSSE3. */
#include "ws/blocks.h"

#if defined(WS_BLOCKS_X86)
#include <immintrin.h>
#include <stdbool.h>

#define VECTOR_BYTES 16
#define VECTOR_CODE  __attribute__((target("ssse3")))
#define VECTOR_NAME  "ssse3"
#define VECTOR_FORM  ws_blocks_ssse3

typedef uint8_t vec __attribute__((vector_size(VECTOR_BYTES)));

#define look_up(table, v)                                                                          \
	((vec)_mm_shuffle_epi8(_mm_loadu_si128((const void *)(table)), (__m128i)(v)))
#define less(v, w)         ((vec)_mm_subs_epu8((__m128i)(v), (__m128i)(w)))
#define before(v, prev, n) ((vec)_mm_alignr_epi8((__m128i)(v), (__m128i)(prev), 16 - (n)))
#define before_1(v, prev)  before(v, prev, 1)
#define before_2(v, prev)  before(v, prev, 2)
#define before_3(v, prev)  before(v, prev, 3)
#define has_high(v)        (_mm_movemask_epi8((__m128i)(v)) != 0)
#define zeroes(v)          _mm_cmpeq_epi8((__m128i)(v), _mm_setzero_si128())
#define has_any(v)         (_mm_movemask_epi8(zeroes(v)) != 0xFFFF)

#include "ws/blocks_vector.h"
#endif
