// Moving elements: transposes, strided copies, pooling of pairs, short correlations.
#include <string.h>

#include "cvector.h"
#include "variants.h"

#define TILE 16

typedef float lanes __attribute__((ext_vector_type(TILE)));

// One 16 x 16 tile through registers: four rounds, each interleaving row i with row i + 8.
CVECTOR_INLINE void transpose_tile(const float *in, size_t in_stride, float *out, size_t out_stride) {
  lanes a[TILE], b[TILE];
#pragma clang loop unroll(full)
  for (int r = 0; r < TILE; r++) memcpy(&a[r], in + r * in_stride, sizeof(lanes));
#pragma clang loop unroll(full)
  for (int round = 0; round < 2; round++) {
#pragma clang loop unroll(full)
    for (int r = 0; r < TILE / 2; r++) {
      b[2 * r] = __builtin_shufflevector(
          a[r], a[r + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      b[2 * r + 1] = __builtin_shufflevector(
          a[r], a[r + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < TILE / 2; r++) {
      a[2 * r] = __builtin_shufflevector(
          b[r], b[r + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      a[2 * r + 1] = __builtin_shufflevector(
          b[r], b[r + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < TILE; r++) memcpy(out + r * out_stride, &a[r], sizeof(lanes));
}

CVECTOR_VARIANTS
void cvector_transpose(
    const float *in, size_t in_stride, float *out, size_t out_stride, size_t rows, size_t columns) {
  size_t whole_rows = rows - rows % TILE, whole_columns = columns - columns % TILE;
  for (size_t c = 0; c < whole_columns; c += TILE) {
    for (size_t r = 0; r < whole_rows; r += TILE) {
      transpose_tile(in + r * in_stride + c, in_stride, out + c * out_stride + r, out_stride);
    }
  }
  for (size_t c = 0; c < columns; c++) {
    for (size_t r = c < whole_columns ? whole_rows : 0; r < rows; r++) {
      out[c * out_stride + r] = in[r * in_stride + c];
    }
  }
}

CVECTOR_VARIANTS
void cvector_gather(const float *in, size_t step, float *out, size_t count) {
  // Constant steps let the compiler shuffle whole vectors instead of loading single elements.
  if (step == 1) {
    memcpy(out, in, count * sizeof(float));
  } else if (step == 2) {
    CVECTOR_LOOP for (size_t i = 0; i < count; i++) out[i] = in[i * 2];
  } else if (step == 4) {
    CVECTOR_LOOP for (size_t i = 0; i < count; i++) out[i] = in[i * 4];
  } else {
    for (size_t i = 0; i < count; i++) out[i] = in[i * step];
  }
}

CVECTOR_VARIANTS
void cvector_scatter(const float *in, float *out, size_t step, size_t count) {
  for (size_t i = 0; i < count; i++) out[i * step] = in[i];
}

CVECTOR_VARIANTS
void cvector_pool_pairs(const float *a, const float *b, float *out, size_t count) {
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) {
    float left = a[2 * i] > b[2 * i] ? a[2 * i] : b[2 * i];
    float right = a[2 * i + 1] > b[2 * i + 1] ? a[2 * i + 1] : b[2 * i + 1];
    out[i] = left > right ? left : right;
  }
}

CVECTOR_VARIANTS
void cvector_correlate(const float *x, size_t step, const float *weights, size_t taps, float *out, size_t count) {
  if (step == 1) {
    for (size_t t = 0; t < taps; t++) {
      float w = weights[t];
      CVECTOR_LOOP for (size_t i = 0; i < count; i++) out[i] += x[i + t] * w;
    }
  } else {
    for (size_t i = 0; i < count; i++) {
      float sum = 0;
      for (size_t t = 0; t < taps; t++) sum += x[i * step + t] * weights[t];
      out[i] += sum;
    }
  }
}
