// What a block of numbers looks like: a few passes over a block that stays in the first-level cache.
#include <math.h>
#include <string.h>

#include "cvector.h"
#include "variants.h"

typedef double lanes __attribute__((ext_vector_type(8)));
typedef int64_t counts __attribute__((ext_vector_type(8)));

// Not CVECTOR_LOOP: the width is that of double.
#define CVECTOR_WIDENING _Pragma("clang loop vectorize(assume_safety) vectorize_width(8) interleave_count(2)")

CVECTOR_VARIANTS
void cvector_widen_float(const void *x, double *out, size_t count) {
  const char *bytes = x;
  CVECTOR_WIDENING for (size_t i = 0; i < count; i++) {
    float value;
    memcpy(&value, bytes + 4 * i, sizeof value);
    out[i] = value;
  }
}

CVECTOR_VARIANTS
void cvector_widen_bfloat16(const void *x, double *out, size_t count) {
  const char *bytes = x;
  CVECTOR_WIDENING for (size_t i = 0; i < count; i++) {
    uint16_t half;
    memcpy(&half, bytes + 2 * i, sizeof half);
    uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    out[i] = value;
  }
}

// Exponent and fraction are moved to float's places and scaled by the difference of the biases, which serves
// subnormal numbers too. The largest exponent stands for infinity and NaN in either type.
CVECTOR_VARIANTS
void cvector_widen_half(const void *x, double *out, size_t count) {
  const char *bytes = x;
  CVECTOR_WIDENING for (size_t i = 0; i < count; i++) {
    uint16_t half;
    memcpy(&half, bytes + 2 * i, sizeof half);
    uint32_t magnitude = half & 0x7fff;
    uint32_t bits = magnitude << 13;
    float value;
    memcpy(&value, &bits, sizeof value);
    value *= 0x1p112f;
    uint32_t scaled;
    memcpy(&scaled, &value, sizeof scaled);
    scaled |= (magnitude >= 0x7c00 ? 0x7f800000u : 0) | (uint32_t)(half & 0x8000) << 16;
    memcpy(&value, &scaled, sizeof value);
    out[i] = value;
  }
}

CVECTOR_VARIANTS
cvector_tally_result cvector_tally(const double *x, size_t count) {
  lanes sums = 0, low = INFINITY, high = -INFINITY, next, zero = 0;
  counts finite = 0, nans = 0;
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    memcpy(&next, x + i, sizeof next);
    // The difference is NaN where an element is NaN or infinite. A comparison that holds is -1.
    counts is_finite = next - next == zero;
    finite -= is_finite;
    nans -= next != next;
    sums += is_finite ? next : zero;
    low = (is_finite & (next < low)) ? next : low;
    high = (is_finite & (next > high)) ? next : high;
  }
  cvector_tally_result result = cvector_tally_scalar(x + i, count - i);
  for (int lane = 0; lane < 8; lane++) {
    result.finite += (size_t)finite[lane];
    result.nans += (size_t)nans[lane];
    result.sum += sums[lane];
    if (low[lane] < result.minimum) result.minimum = low[lane];
    if (high[lane] > result.maximum) result.maximum = high[lane];
  }
  return result;
}

CVECTOR_VARIANTS
double cvector_spread(const double *x, double mean, size_t count) {
  lanes sums = 0, next, zero = 0;
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    memcpy(&next, x + i, sizeof next);
    lanes distance = next - mean;
    sums += next - next == zero ? distance * distance : zero;
  }
  double spread = cvector_spread_scalar(x + i, mean, count - i);
  for (int lane = 0; lane < 8; lane++) spread += sums[lane];
  return spread;
}
