// Softmax and layer normalisation: a few passes over a row that stays in the first-level cache.
#include <math.h>

#include "approximation.h"
#include "cvector.h"

typedef float lanes __attribute__((ext_vector_type(16)));

// Written with lanes because the compiler won't reorder comparisons that could meet a NaN.
CVECTOR_INLINE float largest_of(const float *x, size_t count) {
  lanes a = x[0], b = x[0], next;
  size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    memcpy(&next, x + i, sizeof next);
    a = next > a ? next : a;
    memcpy(&next, x + i + 16, sizeof next);
    b = next > b ? next : b;
  }
  a = b > a ? b : a;
  float largest = x[0];
  for (; i < count; i++) largest = x[i] > largest ? x[i] : largest;
  for (int lane = 0; lane < 16; lane++) largest = a[lane] > largest ? a[lane] : largest;
  return largest;
}

CVECTOR_VARIANTS
void cvector_softmax_piece(
    float *x, size_t stride, float scale, size_t rows, size_t columns, float *largest, float *sums,
    float *factors) {
#pragma clang fp reassociate(on)
  for (size_t r = 0; r < rows; r++) {
    float *row = x + r * stride;
    float before = largest[r], top = largest_of(row, columns);
    top = before > top ? before : top;
    float sum = 0;
    CVECTOR_LOOP for (size_t i = 0; i < columns; i++) {
      row[i] = cvector_exp((row[i] - top) * scale);
      sum += row[i];
    }
    // The difference is NaN, not 0, where both are infinite; then the sum is NaN anyway.
    factors[r] = cvector_exp((before - top) * scale);
    sums[r] = sums[r] * factors[r] + sum;
    largest[r] = top;
  }
}

CVECTOR_VARIANTS
void cvector_layer_norm_rows(
    const float *x, const float *weight, const float *bias, float epsilon, float *out, size_t rows,
    size_t columns) {
#pragma clang fp reassociate(on)
  for (size_t r = 0; r < rows; r++) {
    const float *row = x + r * columns;
    float *result = out + r * columns;
    float sum = 0;
    CVECTOR_LOOP for (size_t i = 0; i < columns; i++) sum += row[i];
    float mean = sum / (float)columns;
    float squares = 0;
    CVECTOR_LOOP for (size_t i = 0; i < columns; i++) squares += (row[i] - mean) * (row[i] - mean);
    float inverse = 1.0f / sqrtf(squares / (float)columns + epsilon);
    CVECTOR_LOOP for (size_t i = 0; i < columns; i++) {
      result[i] = (row[i] - mean) * inverse * weight[i] + bias[i];
    }
  }
}

CVECTOR_VARIANTS
void cvector_layer_norm_columns(
    const float *x, const float *weight, const float *bias, float epsilon, float *out, size_t stride,
    size_t channels, size_t count, float *scratch) {
  float *mean = scratch, *inverse = scratch + count;
  memset(scratch, 0, 2 * count * sizeof(float));
  for (size_t c = 0; c < channels; c++) {
    const float *row = x + c * stride;
    CVECTOR_LOOP for (size_t i = 0; i < count; i++) mean[i] += row[i];
  }
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) mean[i] /= (float)channels;
  for (size_t c = 0; c < channels; c++) {
    const float *row = x + c * stride;
    CVECTOR_LOOP for (size_t i = 0; i < count; i++) inverse[i] += (row[i] - mean[i]) * (row[i] - mean[i]);
  }
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) {
    inverse[i] = 1.0f / __builtin_elementwise_sqrt(inverse[i] / (float)channels + epsilon);
  }
  for (size_t c = 0; c < channels; c++) {
    const float *row = x + c * stride;
    float *result = out + c * stride;
    float w = weight[c], b = bias[c];
    CVECTOR_LOOP for (size_t i = 0; i < count; i++) result[i] = (row[i] - mean[i]) * inverse[i] * w + b;
  }
}
