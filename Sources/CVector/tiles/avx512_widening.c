// The tiles' functions for processors with AVX-512 that round to bfloat16 in one instruction, and multiply no faster than Float32
// what is rounded: Intel's without AMX take two turns for products of pairs. There rows are widened again.
#if defined(__x86_64__)
#include "avx512_bf16.h"

#pragma clang attribute push(__attribute__((target(WITH_BF16))), apply_to = function)
#include "template.h"
#pragma clang attribute pop

const cvector_level cvector_level_avx512_widening = {
    .multiply_bf16 = multiply_bf16, .multiplies_bf16 = false, SHARED_FUNCTIONS,
};
#endif
