/* Blocks in vectors of 16 bytes, on every 64-bit ARM. */
#include "ws/blocks.h"

#if defined(WS_BLOCKS_NEON)
#include <arm_neon.h>
#include <stdbool.h>

#define VECTOR_BYTES 16
#define VECTOR_CODE
#define VECTOR_NAME "neon"
#define VECTOR_FORM ws_blocks_neon

typedef uint8_t vec __attribute__((vector_size(VECTOR_BYTES)));

#define look_up(table, v)  ((vec)vqtbl1q_u8(vld1q_u8(table), (uint8x16_t)(v)))
#define less(v, w)         ((vec)vqsubq_u8((uint8x16_t)(v), (uint8x16_t)(w)))
#define before(v, prev, n) ((vec)vextq_u8((uint8x16_t)(prev), (uint8x16_t)(v), 16 - (n)))
#define before_1(v, prev)  before(v, prev, 1)
#define before_2(v, prev)  before(v, prev, 2)
#define before_3(v, prev)  before(v, prev, 3)
#define has_high(v)        (vmaxvq_u8((uint8x16_t)(v)) >= 0x80)
#define has_any(v)         (vmaxvq_u8((uint8x16_t)(v)) != 0)

#include "ws/blocks_vector.h"
#endif
