// One result per element: arithmetic, activations; and counting over a whole array.
#include "approximation.h"
#include "cvector.h"

CVECTOR_VARIANTS
void cvector_add(const float *a, const float *b, float *out, size_t count) {
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) out[i] = a[i] + b[i];
}

CVECTOR_VARIANTS
void cvector_subtract(const float *a, const float *b, float *out, size_t count) {
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) out[i] = a[i] - b[i];
}

CVECTOR_VARIANTS
void cvector_multiply(const float *a, const float *b, float *out, size_t count) {
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) out[i] = a[i] * b[i];
}

CVECTOR_VARIANTS
void cvector_maximum(const float *a, const float *b, float *out, size_t count) {
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) out[i] = a[i] > b[i] || a[i] != a[i] ? a[i] : b[i];
}

CVECTOR_VARIANTS
void cvector_fill(float value, float *out, size_t count) {
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) out[i] = value;
}

CVECTOR_VARIANTS
void cvector_scale_shift(const float *x, float scale, float shift, float *out, size_t count) {
#pragma clang fp contract(off)
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) out[i] = x[i] * scale + shift;
}

CVECTOR_VARIANTS
void cvector_accumulate(const float *x, float scale, float *out, size_t count) {
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) out[i] += x[i] * scale;
}

typedef float lanes __attribute__((ext_vector_type(16)));

CVECTOR_VARIANTS
void cvector_multiply_complex(const float *x, const float *y, float *out, size_t count) {
  const lanes signs = {-1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1};
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    lanes a, b;
    memcpy(&a, x + i, sizeof a);
    memcpy(&b, y + i, sizeof b);
    lanes re = __builtin_shufflevector(b, b, 0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10, 12, 12, 14, 14);
    lanes im = __builtin_shufflevector(b, b, 1, 1, 3, 3, 5, 5, 7, 7, 9, 9, 11, 11, 13, 13, 15, 15);
    lanes turned = __builtin_shufflevector(a, a, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
    a = a * re + turned * (im * signs);
    memcpy(out + i, &a, sizeof a);
  }
  for (; i < count; i += 2) {
    float re = x[i] * y[i] - x[i + 1] * y[i + 1];
    out[i + 1] = x[i] * y[i + 1] + x[i + 1] * y[i];
    out[i] = re;
  }
}

CVECTOR_VARIANTS
void cvector_clamp(const float *x, float low, float high, float *out, size_t count) {
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) {
    float v = x[i] > high ? high : x[i];
    out[i] = v < low ? low : v;
  }
}

CVECTOR_VARIANTS
void cvector_relu(const float *x, float *out, size_t count) {
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) out[i] = x[i] < 0 ? 0 : x[i];
}

CVECTOR_VARIANTS
void cvector_sigmoid(const float *x, float *out, size_t count) {
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) out[i] = 1.0f / (1.0f + cvector_exp(-x[i]));
}

CVECTOR_VARIANTS
void cvector_gelu(const float *x, float *out, size_t count) {
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) out[i] = cvector_gelu_one(x[i]);
}

CVECTOR_VARIANTS
size_t cvector_count_above(const float *x, float threshold, size_t count) {
  size_t above = 0;
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) above += x[i] > threshold;
  return above;
}
