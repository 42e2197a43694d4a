// The tiles' functions with AVX2.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define LANES 8
// Sixteen registers hold twelve sums, two vectors of the one operand and one number of the other: of four by three sums one
// would go through memory in every turn.
#define TILE_ROWS 6
#define TILE_VECTORS 2
#include "template.h"
#pragma clang attribute pop

const cvector_level cvector_level_avx2 = {
    .multiply_bf16 = multiply_bf16, .multiplies_bf16 = false, SHARED_FUNCTIONS,
};
#endif
