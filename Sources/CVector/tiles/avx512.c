// The tiles' functions with AVX-512.
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma,avx2"))), apply_to = function)
#define LANES 16
#define TILE_ROWS 8
#define TILE_VECTORS 3
#include "template.h"
#pragma clang attribute pop

const cvector_level cvector_level_avx512 = {
    .multiply_bf16 = multiply_bf16, .multiplies_bf16 = false, SHARED_FUNCTIONS,
};
#endif
