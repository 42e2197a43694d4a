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
