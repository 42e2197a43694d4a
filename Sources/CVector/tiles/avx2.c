// The tiles' functions with AVX2.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define LANES 8
#define TILE_ROWS 4
#define TILE_VECTORS 3
#include "template.h"
#pragma clang attribute pop

const cvector_level cvector_level_avx2 = {
    LANES, multiply_f32, multiply_bf16, false, normalise, convert, weigh, scale_rows, activate,
    transpose, pack_rows, pack_row_pairs, pool, weigh_heads, join,
};
#endif
