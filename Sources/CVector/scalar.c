// The twins: what the vector loops must agree with, written with the C library in double precision.
#include <math.h>
#include <string.h>

#include "cvector.h"

void cvector_sigmoid_scalar(const float *x, float *out, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = (float)(1 / (1 + exp(-(double)x[i])));
}

void cvector_gelu_scalar(const float *x, float *out, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = (float)(0.5 * x[i] * erfc(-(double)x[i] * M_SQRT1_2));
}

void cvector_softmax_piece_scalar(
    float *x, size_t stride, float scale, size_t rows, size_t columns, float *largest, float *sums,
    float *factors) {
  for (size_t r = 0; r < rows; r++) {
    float *row = x + r * stride;
    double before = largest[r], top = before, sum = 0;
    for (size_t i = 0; i < columns; i++) top = fmax(top, row[i]);
    for (size_t i = 0; i < columns; i++) {
      double power = exp((row[i] - top) * scale);
      row[i] = (float)power;
      sum += power;
    }
    factors[r] = (float)exp((before - top) * scale);
    sums[r] = (float)(sums[r] * exp((before - top) * scale) + sum);
    largest[r] = (float)top;
  }
}

void cvector_layer_norm_rows_scalar(
    const float *x, const float *weight, const float *bias, float epsilon, float *out, size_t rows,
    size_t columns) {
  for (size_t r = 0; r < rows; r++) {
    const float *row = x + r * columns;
    double mean = 0, variance = 0;
    for (size_t i = 0; i < columns; i++) mean += row[i] / (double)columns;
    for (size_t i = 0; i < columns; i++) variance += (row[i] - mean) * (row[i] - mean) / (double)columns;
    double inverse = 1 / sqrt(variance + epsilon);
    for (size_t i = 0; i < columns; i++) {
      out[r * columns + i] = (float)((row[i] - mean) * inverse * weight[i] + bias[i]);
    }
  }
}

void cvector_fused_accumulate_scalar(const float *x, float scale, float *out, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = fmaf(x[i], scale, out[i]);
}

void cvector_fused_gather_scalar(
    const float *x, const ptrdiff_t *starts, const float *weights, size_t reach, float *out, size_t count) {
  for (size_t i = 0; i < count; i++) {
    out[i] = x[starts[i]] * weights[i * reach];
    for (size_t tap = 1; tap < reach; tap++) out[i] = fmaf(x[starts[i] + tap], weights[i * reach + tap], out[i]);
  }
}

void cvector_multiply_complex_scalar(const float *x, const float *y, float *out, size_t count) {
  for (size_t i = 0; i < count; i += 2) {
    double re = (double)x[i] * y[i] - (double)x[i + 1] * y[i + 1];
    double im = (double)x[i] * y[i + 1] + (double)x[i + 1] * y[i];
    out[i] = (float)re;
    out[i + 1] = (float)im;
  }
}

static uint8_t rounded(int64_t sum) {
  int64_t whole = (sum + (1 << 21)) >> 22;
  return (uint8_t)(whole < 0 ? 0 : whole > 255 ? 255 : whole);
}

void cvector_fixed_gather_scalar(
    const int32_t *x, const ptrdiff_t *starts, const int32_t *weights, size_t reach, uint8_t *out, size_t count) {
  for (size_t i = 0; i < count; i++) {
    for (size_t c = 0; c < 3; c++) {
      int64_t sum = 0;
      for (size_t tap = 0; tap < reach; tap++) {
        sum += (int64_t)x[4 * (starts[i] + (ptrdiff_t)tap) + (ptrdiff_t)c] * weights[i * reach + tap];
      }
      out[3 * i + c] = rounded(sum);
    }
  }
}

void cvector_fixed_blend_scalar(
    const uint8_t *x, size_t stride, const int32_t *weights, size_t reach, uint8_t *out, size_t count) {
  for (size_t i = 0; i < count; i++) {
    int64_t sum = 0;
    for (size_t tap = 0; tap < reach; tap++) sum += (int64_t)x[tap * stride + i] * weights[tap];
    out[i] = rounded(sum);
  }
}

void cvector_difference_sums_scalar(
    const float *a, const float *b, size_t count, double *errors, cvector_differences *sums) {
#pragma clang fp contract(off)
  // Absolute, squared, a, b, aa, bb, ab: eight lanes each, by position, because the order decides the last bits.
  double lanes[7][8] = {{0}};
  *sums = (cvector_differences){.least_a = a[0], .largest_a = a[0], .least_b = b[0], .largest_b = b[0]};
  for (size_t i = 0; i < count; i++) {
    double error = fabs((double)a[i] - (double)b[i]);
    double p = (double)a[i] - (double)a[0], q = (double)b[i] - (double)b[0];
    double terms[7] = {error, error * error, p, q, p * p, q * q, p * q};
    for (int term = 0; term < 7; term++) lanes[term][i % 8] += terms[term];
    errors[i] = error;
    sums->largest = fmax(sums->largest, error);
    sums->least_a = fminf(sums->least_a, a[i]);
    sums->largest_a = fmaxf(sums->largest_a, a[i]);
    sums->least_b = fminf(sums->least_b, b[i]);
    sums->largest_b = fmaxf(sums->largest_b, b[i]);
  }
  double *totals[7] = {&sums->absolute, &sums->squared, &sums->a, &sums->b, &sums->aa, &sums->bb, &sums->ab};
  for (int term = 0; term < 7; term++) {
    double *x = lanes[term];
    *totals[term] = ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]));
  }
}

void cvector_group_by_exponent_scalar(const float *x, const double *errors, size_t count, double *table) {
  for (size_t i = 0; i < count; i++) {
    int exponent = 0;
    frexpf(x[i], &exponent);
    // Subnormal numbers and zero share the exponent field 0.
    size_t field = fabsf(x[i]) < 0x1p-126f ? 0 : (size_t)(exponent + 126);
    double *place = table + 2 * (8 * field + i % 8);
    place[0] += errors[i];
    place[1] = fmax(place[1], errors[i]);
  }
}

size_t cvector_count_at_least_scalar(const double *x, double edge, size_t count) {
  size_t total = 0;
  for (size_t i = 0; i < count; i++) total += x[i] >= edge ? 1 : 0;
  return total;
}

float cvector_largest_difference_scalar(const float *a, const float *b, size_t count) {
  float largest = 0;
  for (size_t i = 0; i < count; i++) {
    if (a[i] == b[i] || (isnan(a[i]) && isnan(b[i]))) continue;
    largest = isnan(a[i]) || isnan(b[i]) ? INFINITY : fmaxf(largest, fabsf(a[i] - b[i]));
  }
  return largest;
}

void cvector_widen_float_scalar(const void *x, double *out, size_t count) {
  for (size_t i = 0; i < count; i++) {
    float value;
    memcpy(&value, (const char *)x + 4 * i, sizeof value);
    out[i] = value;
  }
}

void cvector_widen_bfloat16_scalar(const void *x, double *out, size_t count) {
  for (size_t i = 0; i < count; i++) {
    unsigned char bytes[4] = {0};
    memcpy(bytes + 2, (const char *)x + 2 * i, 2);
    float value;
    memcpy(&value, bytes, sizeof value);
    out[i] = value;
  }
}

void cvector_widen_half_scalar(const void *x, double *out, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint16_t half;
    memcpy(&half, (const char *)x + 2 * i, sizeof half);
    int exponent = half >> 10 & 31, fraction = half & 0x3ff;
    double magnitude = exponent == 31   ? (fraction ? NAN : INFINITY)
                       : exponent == 0 ? ldexp(fraction, -24)
                                       : ldexp(1024 + fraction, exponent - 25);
    out[i] = half & 0x8000 ? -magnitude : magnitude;
  }
}

cvector_tally_result cvector_tally_scalar(const double *x, size_t count) {
  cvector_tally_result result = {0, 0, 0, INFINITY, -INFINITY};
  for (size_t i = 0; i < count; i++) {
    if (isnan(x[i])) result.nans++;
    if (!isfinite(x[i])) continue;
    result.finite++;
    result.sum += x[i];
    result.minimum = fmin(result.minimum, x[i]);
    result.maximum = fmax(result.maximum, x[i]);
  }
  return result;
}

double cvector_spread_scalar(const double *x, double mean, size_t count) {
  double spread = 0;
  for (size_t i = 0; i < count; i++) {
    if (isfinite(x[i])) spread += (x[i] - mean) * (x[i] - mean);
  }
  return spread;
}

void cvector_half_to_float_scalar(const uint16_t *x, float *out, size_t count) {
  for (size_t i = 0; i < count; i++) {
    double value;
    cvector_widen_half_scalar(x + i, &value, 1);
    out[i] = (float)value;
  }
}

void cvector_bfloat16_to_float_scalar(const uint16_t *x, float *out, size_t count) {
  for (size_t i = 0; i < count; i++) {
    double value;
    cvector_widen_bfloat16_scalar(x + i, &value, 1);
    out[i] = (float)value;
  }
}

// The bits of |x| in a type of so many bits after the leading one, whose smallest normal number has this exponent and
// whose infinity these bits: counted in units of the last place.
static uint16_t narrowed(double x, int fraction, int least, uint16_t infinity) {
  int exponent = 0;
  if (isnan(x)) return (uint16_t)(infinity | 1 << (fraction - 1));
  if (isinf(x) || x == 0) return x == 0 ? 0 : infinity;
  frexp(x, &exponent);  // x < 2^exponent
  int unit = (exponent - 1 < least ? least : exponent - 1) - fraction;
  double units = nearbyint(ldexp(x, -unit));
  // Behind the fields of an exponent the leading one counts as one more.
  double bits = units + (unit - least + fraction) * ldexp(1, fraction);
  return bits >= infinity ? infinity : (uint16_t)bits;
}

void cvector_float_to_half_scalar(const float *x, uint16_t *out, size_t count) {
  for (size_t i = 0; i < count; i++) {
    out[i] = narrowed(fabs((double)x[i]), 10, -14, 0x7c00) | (signbit(x[i]) ? 0x8000 : 0);
  }
}

void cvector_float_to_bfloat16_scalar(const float *x, uint16_t *out, size_t count) {
  for (size_t i = 0; i < count; i++) {
    out[i] = narrowed(fabs((double)x[i]), 7, -126, 0x7f80) | (signbit(x[i]) ? 0x8000 : 0);
  }
}

static double whole(double x, double least, double largest) {
  return isnan(x) ? 0 : fmin(largest, fmax(least, nearbyint(x)));
}

void cvector_float_to_int8_scalar(const float *x, int8_t *out, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = (int8_t)whole(x[i], INT8_MIN, INT8_MAX);
}

void cvector_float_to_uint8_scalar(const float *x, uint8_t *out, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = (uint8_t)whole(x[i], 0, UINT8_MAX);
}

void cvector_float_to_int32_scalar(const float *x, int32_t *out, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = (int32_t)whole(x[i], INT32_MIN, INT32_MAX);
}
