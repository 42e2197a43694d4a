// Float32 from and to other element types, at memory speed.
#include <math.h>
#include <string.h>

#include "cvector.h"
#include "variants.h"

CVECTOR_INLINE uint32_t bits_of(float number) {
  uint32_t bits;
  memcpy(&bits, &number, sizeof bits);
  return bits;
}

CVECTOR_INLINE float float_of(uint32_t bits) {
  float number;
  memcpy(&number, &bits, sizeof number);
  return number;
}

// Exponent and fraction are moved to float's places and scaled by the difference of the biases, which serves
// subnormal numbers too. The largest exponent stands for infinity and NaN in either type.
CVECTOR_VARIANTS
void cvector_half_to_float(const uint16_t *x, float *out, size_t count) {
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) {
    uint32_t half = x[i], sign = (half & 0x8000) << 16, bits = (half & 0x7fff) << 13;
    uint32_t finite = bits_of(float_of(bits) * 0x1p112f);
    out[i] = float_of(sign | (bits >= 0x0f800000 ? bits | 0x7f800000 : finite));
  }
}

CVECTOR_VARIANTS
void cvector_bfloat16_to_float(const uint16_t *x, float *out, size_t count) {
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) out[i] = float_of((uint32_t)x[i] << 16);
}

CVECTOR_VARIANTS
void cvector_int8_to_float(const int8_t *x, float *out, size_t count) {
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) out[i] = x[i];
}

CVECTOR_VARIANTS
void cvector_uint8_to_float(const uint8_t *x, float *out, size_t count) {
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) out[i] = x[i];
}

CVECTOR_VARIANTS
void cvector_int32_to_float(const int32_t *x, float *out, size_t count) {
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) out[i] = (float)x[i];
}

// A carry out of the fraction raises the exponent, if need be to infinity. Where a half is subnormal, adding a half (the
// number 0.5), whose last place is the unit that it counts in, rounds.
CVECTOR_VARIANTS
void cvector_float_to_half(const float *x, uint16_t *out, size_t count) {
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) {
    uint32_t bits = bits_of(x[i]), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    uint32_t normal = (magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;
    uint32_t subnormal = bits_of(float_of(magnitude) + 0.5f) - 0x3f000000;
    uint32_t finite = magnitude < 0x38800000 ? subnormal : normal;
    uint32_t nan = 0x7e00 | (magnitude >> 13 & 0x3ff);
    uint32_t large = magnitude > 0x7f800000 ? nan : 0x7c00;
    out[i] = (uint16_t)(sign | (magnitude < 0x47800000 ? finite : large));
  }
}

CVECTOR_VARIANTS
void cvector_float_to_bfloat16(const float *x, uint16_t *out, size_t count) {
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) {
    uint32_t bits = bits_of(x[i]);
    uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    uint32_t quiet = bits >> 16 | 0x40;
    out[i] = (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
  }
}

// The nearest whole number to one of at most 22 bits, the even one of two: the last place of 1.5 * 2^23 is 1.
CVECTOR_INLINE int32_t nearest(float x, float least, float largest) {
  float within = x > least ? x : least;
  within = within < largest ? within : largest;
  within = x == x ? within : 0;
  return (int32_t)(bits_of(within + 0x1.8p23f) - bits_of(0x1.8p23f));
}

CVECTOR_VARIANTS
void cvector_float_to_int8(const float *x, int8_t *out, size_t count) {
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) out[i] = (int8_t)nearest(x[i], -128, 127);
}

CVECTOR_VARIANTS
void cvector_float_to_uint8(const float *x, uint8_t *out, size_t count) {
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) out[i] = (uint8_t)nearest(x[i], 0, 255);
}

CVECTOR_VARIANTS
void cvector_float_to_int32(const float *x, int32_t *out, size_t count) {
  CVECTOR_LOOP for (size_t i = 0; i < count; i++) {
    // The largest Float32 below 2^31, so that the conversion is defined for every lane.
    float within = x[i] >= -0x1p31f ? x[i] : -0x1p31f;
    within = within < 0x1p31f ? within : 0x1.fffffep30f;
    within = x[i] == x[i] ? within : 0;
    int32_t whole = (int32_t)rintf(within);
    out[i] = x[i] >= 0x1p31f ? INT32_MAX : whole;
  }
}
