// Weighted sums of 8-bit pixels in fixed point, as resizing needs them to give Pillow's bytes.
#include "cvector.h"
#include "variants.h"

enum { FRACTION = 22 };

CVECTOR_INLINE uint8_t rounded(int32_t sum) {
  int32_t whole = sum >> FRACTION;
  return (uint8_t)(whole < 0 ? 0 : whole > 255 ? 255 : whole);
}

CVECTOR_VARIANTS
void cvector_widen_rgb(const uint8_t *rgb, int32_t *out, size_t count) {
  for (size_t i = 0; i < count; i++) {
    for (size_t c = 0; c < 3; c++) out[4 * i + c] = rgb[3 * i + c];
    out[4 * i + 3] = 0;
  }
}

// Four lanes of a vector, which every 64-bit machine has: red, green, blue and nothing.
typedef int32_t lanes __attribute__((vector_size(16), aligned(4)));

CVECTOR_VARIANTS
void cvector_fixed_gather(
    const int32_t *x, const ptrdiff_t *starts, const int32_t *weights, size_t reach, uint8_t *out, size_t count) {
  const int32_t half = 1 << (FRACTION - 1);
  for (size_t i = 0; i < count; i++) {
    const lanes *from = (const lanes *)(x + 4 * starts[i]);
    const int32_t *weight = weights + i * reach;
    lanes sum = {half, half, half, half};
    for (size_t tap = 0; tap < reach; tap++) sum += from[tap] * weight[tap];
    for (size_t c = 0; c < 3; c++) out[3 * i + c] = rounded(sum[c]);
  }
}

CVECTOR_VARIANTS
void cvector_fixed_blend(
    const uint8_t *x, size_t stride, const int32_t *weights, size_t reach, uint8_t *out, size_t count) {
  enum { BLOCK = 64 };
  size_t i = 0;
  for (; i + BLOCK <= count; i += BLOCK) {
    int32_t sums[BLOCK];
    for (size_t j = 0; j < BLOCK; j++) sums[j] = 1 << (FRACTION - 1);
    for (size_t tap = 0; tap < reach; tap++) {
      const uint8_t *row = x + tap * stride + i;
      for (size_t j = 0; j < BLOCK; j++) sums[j] += row[j] * weights[tap];
    }
    for (size_t j = 0; j < BLOCK; j++) out[i + j] = rounded(sums[j]);
  }
  for (; i < count; i++) {
    int32_t sum = 1 << (FRACTION - 1);
    for (size_t tap = 0; tap < reach; tap++) sum += x[tap * stride + i] * weights[tap];
    out[i] = rounded(sum);
  }
}
