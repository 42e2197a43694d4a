// Moving elements: transposes, strided copies, short correlations.
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

// `vectors` times 16 neighbouring results at once, so that their sums stay in registers over all taps.
CVECTOR_INLINE void correlate_block(
    const float *x, size_t x_stride, const float *weights, size_t height, size_t width, float start, float *out,
    int vectors) {
  lanes sums[4];
  for (int v = 0; v < vectors; v++) sums[v] = start;
  for (size_t ky = 0; ky < height; ky++) {
    for (size_t kx = 0; kx < width; kx++) {
      lanes w = weights[ky * width + kx];
      for (int v = 0; v < vectors; v++) {
        lanes next;
        memcpy(&next, x + ky * x_stride + kx + TILE * v, sizeof next);
        sums[v] += next * w;
      }
    }
  }
  memcpy(out, sums, (size_t)vectors * sizeof(lanes));
}

CVECTOR_VARIANTS
void cvector_correlate(
    const float *x, size_t x_stride, size_t step, const float *weights, size_t height, size_t width, float start,
    float *out, size_t count) {
  size_t i = 0;
  if (step == 1) {
    for (; i + 4 * TILE <= count; i += 4 * TILE) {
      correlate_block(x + i, x_stride, weights, height, width, start, out + i, 4);
    }
    for (; i + TILE <= count; i += TILE) {
      correlate_block(x + i, x_stride, weights, height, width, start, out + i, 1);
    }
  }
  for (; i < count; i++) {
    float sum = start;
    for (size_t ky = 0; ky < height; ky++) {
      for (size_t kx = 0; kx < width; kx++) sum += x[ky * x_stride + i * step + kx] * weights[ky * width + kx];
    }
    out[i] = sum;
  }
}
