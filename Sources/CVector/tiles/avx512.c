// The tiles' functions with AVX-512.
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma,avx2"))), apply_to = function)
#define LANES 16
#define TILE_ROWS 8
#define TILE_VECTORS 3
#define RECIPROCAL(x) refined_reciprocal(x)
// 1 / x to one unit in the last place: an estimate of 14 bits and a step of Newton's.
static inline __attribute__((always_inline)) __m512 refined_reciprocal(__m512 x) {
  __m512 estimate = _mm512_rcp14_ps(x);
  return _mm512_mul_ps(estimate, _mm512_fnmadd_ps(x, estimate, _mm512_set1_ps(2)));
}
#include "template.h"
#pragma clang attribute pop

const cvector_level cvector_level_avx512 = {
    LANES, multiply_f32, multiply_bf16, false, normalise, convert, weigh, scale_rows, activate,
    transpose, pack_rows, pack_row_pairs, pool, weigh_heads, join,
};
#endif
