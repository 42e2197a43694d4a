// Weighted sums with one rounding per term, as resizing needs them to give PyTorch's bits.
#include "cvector.h"
#include "variants.h"

// __builtin_fmaf becomes one instruction where the target has it, else the C library's function.

CVECTOR_VARIANTS
void cvector_fused_accumulate(const float *x, float scale, float *out, size_t count) {
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) out[i] = __builtin_fmaf(x[i], scale, out[i]);
}

CVECTOR_VARIANTS
void cvector_fused_gather(
    const float *x, const ptrdiff_t *starts, const float *weights, size_t reach, float *out, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const float *from = x + starts[i];
    const float *weight = weights + i * reach;
    float sum = from[0] * weight[0];
    for (size_t tap = 1; tap < reach; tap++) sum = __builtin_fmaf(from[tap], weight[tap], sum);
    out[i] = sum;
  }
}
