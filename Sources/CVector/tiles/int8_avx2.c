// Products of bytes with AVX2: as pairs of 16 bits, since its instruction for bytes adds up two products in 16 bits, which
// 255 · 127 twice exceeds.
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define LANES 8
#define TILE_ROWS 4
#define TILE_VECTORS 2
#define IN_WORD 2
#define TERM(sum, word, b)                                                                                             \
  ((whole_vector)_mm256_add_epi32((__m256i)(sum), _mm256_madd_epi16(_mm256_set1_epi32(word), (__m256i)(b))))
#include "int8_template.h"
#pragma clang attribute pop

const cvector_int8_level cvector_int8_level_avx2 = {.multiply = multiply, .step = 2, SHARED_INT8_FUNCTIONS};
#endif
