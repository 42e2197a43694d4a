// What pairs of elements differ by. Everything is added up in double and in lanes by position, without contraction, so
// that the bits are the same on every machine and equal to the scalar twins'.
#include <string.h>

#include "cvector.h"
#include "variants.h"

typedef float narrow __attribute__((ext_vector_type(8)));
typedef double wide __attribute__((ext_vector_type(8)));
typedef int64_t mask __attribute__((ext_vector_type(8)));

enum { LANES = 8 };

// The lanes of the sums, in between blocks of eight.
typedef struct {
  wide absolute, squared, largest, a, b, aa, bb, ab;
  narrow least_a, largest_a, least_b, largest_b;
} lanes;

// By address: passing vectors would depend on the instruction set.
CVECTOR_INLINE double total(const wide *lanes) {
  double x[LANES];
  memcpy(x, lanes, sizeof x);
  return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]));
}

CVECTOR_VARIANTS
void cvector_difference_sums(
    const float *a, const float *b, size_t count, double *errors, cvector_differences *sums) {
#pragma clang fp contract(off)
  double shift_a = a[0], shift_b = b[0];
  lanes l = {0};
  l.least_a = l.largest_a = a[0];
  l.least_b = l.largest_b = b[0];
  for (size_t i = 0; i < count; i += LANES) {
    size_t left = count - i < LANES ? count - i : LANES;
    // Beyond the end the first pair is repeated: its deviations are zero, and its error is cleared.
    narrow x = a[0], y = b[0];
    wide keep = 1;
    if (left == LANES) {
      memcpy(&x, a + i, sizeof x);
      memcpy(&y, b + i, sizeof y);
    } else {
      for (size_t lane = 0; lane < LANES; lane++) {
        if (lane < left) {
          x[lane] = a[i + lane];
          y[lane] = b[i + lane];
        } else {
          keep[lane] = 0;
        }
      }
    }
    wide u = __builtin_convertvector(x, wide), v = __builtin_convertvector(y, wide);
    wide error = __builtin_elementwise_abs(u - v);
    if (left < LANES) error *= keep;
    wide p = u - shift_a, q = v - shift_b;
    l.absolute += error;
    l.squared += error * error;
    l.largest = error > l.largest ? error : l.largest;
    l.a += p;
    l.b += q;
    l.aa += p * p;
    l.bb += q * q;
    l.ab += p * q;
    l.least_a = x < l.least_a ? x : l.least_a;
    l.largest_a = x > l.largest_a ? x : l.largest_a;
    l.least_b = y < l.least_b ? y : l.least_b;
    l.largest_b = y > l.largest_b ? y : l.largest_b;
    memcpy(errors + i, &error, left * sizeof(double));
  }
  *sums = (cvector_differences){
      .absolute = total(&l.absolute), .squared = total(&l.squared), .largest = l.largest[0],
      .a = total(&l.a), .b = total(&l.b), .aa = total(&l.aa), .bb = total(&l.bb), .ab = total(&l.ab),
      .least_a = l.least_a[0], .largest_a = l.largest_a[0], .least_b = l.least_b[0], .largest_b = l.largest_b[0]};
  for (int lane = 1; lane < LANES; lane++) {
    if (l.largest[lane] > sums->largest) sums->largest = l.largest[lane];
    if (l.least_a[lane] < sums->least_a) sums->least_a = l.least_a[lane];
    if (l.largest_a[lane] > sums->largest_a) sums->largest_a = l.largest_a[lane];
    if (l.least_b[lane] < sums->least_b) sums->least_b = l.least_b[lane];
    if (l.largest_b[lane] > sums->largest_b) sums->largest_b = l.largest_b[lane];
  }
}

CVECTOR_VARIANTS
void cvector_group_by_exponent(
    const float *x, const double *errors, size_t count, double *sums, double *largest) {
#pragma clang fp contract(off)
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    // Eight sums for each exponent, so that neighbours don't wait for each other.
    size_t place = (bits >> 23 & 0xff) * 8 + i % 8;
    sums[place] += errors[i];
    largest[place] = errors[i] > largest[place] ? errors[i] : largest[place];
  }
}

CVECTOR_VARIANTS
size_t cvector_count_at_least(const double *x, double edge, size_t count) {
  mask hits = 0;
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    wide next;
    memcpy(&next, x + i, sizeof next);
    hits -= next >= edge;
  }
  size_t total = 0;
  for (; i < count; i++) total += x[i] >= edge;
  for (int lane = 0; lane < LANES; lane++) total += (size_t)hits[lane];
  return total;
}

CVECTOR_VARIANTS
float cvector_largest_difference(const float *a, const float *b, size_t count) {
  float largest = 0;
  for (size_t i = 0; i < count; i++) {
    float difference = a[i] - b[i];
    difference = difference < 0 ? -difference : difference;
    // Equal infinities, and two NaN, are no difference; a NaN on one side is an infinite one.
    float distance = a[i] == b[i] || (a[i] != a[i] && b[i] != b[i]) ? 0 : difference;
    distance = distance == distance ? distance : __builtin_inff();
    largest = distance > largest ? distance : largest;
  }
  return largest;
}
