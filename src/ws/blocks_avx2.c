/* Blocks in vectors of 32 bytes. Runs only where ws_blocks() has seen AVX2. */
#include "ws/blocks.h"

#if defined(WS_BLOCKS_X86)
#include <immintrin.h>
#include <stdbool.h>

#define VECTOR_BYTES 32
#define VECTOR_CODE  __attribute__((target("avx2")))
#define VECTOR_NAME  "avx2"
#define VECTOR_FORM  ws_blocks_avx2

typedef uint8_t vec __attribute__((vector_size(VECTOR_BYTES)));

/* Macros where an argument must be a constant; both halves of a vector look up for themselves. */
#define look_up(table, v)                                                                          \
	((vec)_mm256_shuffle_epi8(                                                                 \
		_mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)(table))),               \
		(__m256i)(v)))
#define less(v, w) ((vec)_mm256_subs_epu8((__m256i)(v), (__m256i)(w)))
#define before(v, prev, n)                                                                         \
	((vec)_mm256_alignr_epi8((__m256i)(v),                                                     \
	                         _mm256_permute2x128_si256((__m256i)(prev), (__m256i)(v), 0x21),   \
	                         16 - (n)))
#define before_1(v, prev) before(v, prev, 1)
#define before_2(v, prev) before(v, prev, 2)
#define before_3(v, prev) before(v, prev, 3)
#define has_high(v)       (_mm256_movemask_epi8((__m256i)(v)) != 0)
#define has_any(v)        (!_mm256_testz_si256((__m256i)(v), (__m256i)(v)))

#include "ws/blocks_vector.h"
#endif
