// exp and the Gaussian tail as straight-line arithmetic, so that loops around them vectorise.
// The coefficients come from tools/fixtures/fit_cvector.py.
#pragma once
#include <string.h>

#include "variants.h"

// exp(x) to 2 units in the last place for x in [-87.3, 88.3]; arguments below are taken for -87.3.
CVECTOR_INLINE float cvector_exp_to_88(float x) {
  x = x < -87.3f ? -87.3f : x;
  // Adding 1.5 * 2^23 rounds to an integer, which then sits in the low bits of the significand.
  const float magic = 12582912.0f;
  float shifted = x * 1.44269504f + magic;
  float whole = shifted - magic;
  // ln(2) in two parts, the first exact in few bits, so that the remainder keeps its precision.
  float r = (x - whole * 0.693359375f) - whole * -2.12194440e-4f;
  float p = 1.3836844524e-3f;
  p = p * r + 8.3748157962e-3f;
  p = p * r + 4.1668225596e-2f;
  p = p * r + 1.6666420170e-1f;
  p = p * r + 4.9999992080e-1f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  unsigned int bits;
  memcpy(&bits, &shifted, sizeof bits);
  bits = (bits << 23) + 0x3f800000u;
  float power;
  memcpy(&power, &bits, sizeof power);
  return p * power;
}

// The same, with arguments above taken for 88.3.
CVECTOR_INLINE float cvector_exp(float x) { return cvector_exp_to_88(x > 88.3f ? 88.3f : x); }

// erfc(x / sqrt(2)) * exp(x * x / 2) for x >= 0 and t = 1 / (1 + 0.23 x), a number or a vector of them.
#define CVECTOR_SCALED_TAIL(t)                                                                                         \
  ((((((((-0.1531958131547615f * t + 0.5615712805493571f) * t - 0.5137854750338549f) * t + 0.5506414055612415f) * t    \
       - 0.026553466864730188f) * t + 0.22062783508694575f) * t + 0.17676533884378132f) * t + 0.1839288570389971f) * t)

// x * Phi(x) = max(x, 0) - |x| / 2 * erfc(|x| / sqrt(2)), which loses nothing in the left tail.
// Largest absolute error for |x| <= 12: 2.4e-7, one unit in the last place of the result.
// As in PyTorch's own loop gelu(infinity) is infinity and gelu(-infinity) NaN: 0.5 * x * (1 + erf) has inf * 0.
CVECTOR_INLINE float cvector_gelu_one(float x) {
  float a = x < 0 ? -x : x;
  float t = 1.0f / (1.0f + 0.23f * a);
  float tail = CVECTOR_SCALED_TAIL(t) * cvector_exp_to_88(-0.5f * a * a);
  // From 14 on the tail is too small to change x, and at infinity it is no number.
  return x > 14.0f ? x : (x > 0 ? x : 0) - 0.5f * a * tail;
}
