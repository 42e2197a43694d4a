// Products of bytes with AVX-512 as pairs of 16 bits.
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma,avx2"))), apply_to = function)
#define LANES 16
#define TILE_ROWS 8
#define TILE_VECTORS 3
#define IN_WORD 2
#define TERM(sum, word, b)                                                                                             \
  ((whole_vector)_mm512_add_epi32((__m512i)(sum), _mm512_madd_epi16(_mm512_set1_epi32(word), (__m512i)(b))))
#include "int8_gelu.h"
#include "int8_template.h"
#pragma clang attribute pop

const cvector_int8_level cvector_int8_level_avx512 = {
    .multiply = multiply, .step = 2, .has_gelu = has_gelu_in_steps, SHARED_INT8_FUNCTIONS,
};
#endif
