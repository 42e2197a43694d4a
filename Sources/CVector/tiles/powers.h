// Powers of two, of vectors of LANES numbers: see vectors.h.
#pragma once
#include "vectors.h"

// 2^x to 2 units in the last place (`fine`) or to 8e-5 of it, for x up to 0. The coefficients come from
// tools/fixtures/fit_cvector.py.
#if LANES == 16
// AVX-512 splits a number into its floor and the rest, and scales by the power of a floor: 0 far to the left, infinity far to
// the right.
INLINE vector power_of_two(vector x, bool fine) {
  // Rounded down, and silently.
  vector r = _mm512_reduce_ps(x, 0x9);
  vector p;
  if (fine) {
    p = r * 2.17022531e-4f + 1.24396885e-3f;
    p = p * r + 9.67884092e-3f;
    p = p * r + 5.54833420e-2f;
    p = p * r + 2.40229836e-1f;
    p = p * r + 6.93146984e-1f;
    p = p * r + 1.0f;
  } else {
    p = r * 7.80244995e-2f + 2.26067188e-1f;
    p = p * r + 6.95833529e-1f;
    p = p * r + 9.99925219e-1f;
  }
  return _mm512_scalef_ps(p, x);
}
#else
// What is below -126 is taken for -126.
INLINE vector power_of_two(vector x, bool fine) {
  x = x < -126.0f ? -126.0f : x;
  // Adding 1.5 * 2^23 rounds to an integer, which then sits in the low bits of the significand: 127 more than it, as the
  // exponent of a power has it.
  vector shifted = x + 12583039.0f;
  vector r = x - (shifted - 12583039.0f);
  vector p;
  if (fine) {
    p = r * 1.53458116e-4f + 1.33999312e-3f;
    p = p * r + 9.61848896e-3f;
    p = p * r + 5.55032878e-2f;
    p = p * r + 2.40226469e-1f;
    p = p * r + 6.93147206e-1f;
    p = p * r + 1.0f;
  } else {
    p = r * 5.5171662e-2f + 2.4261112e-1f;
    p = p * r + 6.9326099e-1f;
    p = p * r + 9.9992807e-1f;
  }
  bits_vector power = (bits_vector)shifted << 23;
  return p * (vector)power;
}
#endif
