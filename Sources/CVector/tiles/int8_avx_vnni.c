// Products of bytes with AVX2's vectors and VNNI, which adds up four in 32 bits.
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma,avxvnni"))), apply_to = function)
#define LANES 8
// As many sums as sixteen registers hold beside their operands, see avx2.c.
#define TILE_ROWS 6
#define TILE_VECTORS 2
#define IN_WORD 4
#define TERM(sum, word, b)                                                                                             \
  ((whole_vector)_mm256_dpbusd_avx_epi32((__m256i)(sum), _mm256_set1_epi32(word), (__m256i)(b)))
#include "int8_template.h"
#pragma clang attribute pop

const cvector_int8_level cvector_int8_level_avx_vnni = {.multiply = multiply, .step = 4, SHARED_INT8_FUNCTIONS};
#endif
