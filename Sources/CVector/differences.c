// What pairs of elements differ by. Everything is added up in double and in lanes by position, without contraction, so
// that the bits are the same on every machine and equal to the scalar twins'.
#include <string.h>

#include "cvector.h"
#include "variants.h"

typedef float narrow __attribute__((ext_vector_type(8)));
typedef double wide __attribute__((ext_vector_type(8)));
typedef double pair __attribute__((ext_vector_type(2)));
typedef int64_t mask __attribute__((ext_vector_type(8)));

enum { LANES = 8, LINE = 64 };

// By address: passing vectors would depend on the instruction set.
CVECTOR_INLINE double total(const wide *lanes) {
  double x[LANES];
  memcpy(x, lanes, sizeof x);
  return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]));
}

// Eight pairs of elements, widened; beyond the end the first pair is repeated, whose deviations are zero.
CVECTOR_INLINE void load_pairs(const float *a, const float *b, size_t i, size_t count, narrow *x, narrow *y) {
  if (count - i >= LANES) {
    memcpy(x, a + i, sizeof *x);
    memcpy(y, b + i, sizeof *y);
    return;
  }
  *x = a[0];
  *y = b[0];
  memcpy(x, a + i, (count - i) * sizeof *a);
  memcpy(y, b + i, (count - i) * sizeof *b);
}

// Errors, and what is largest and least: half of the sums, since all of them would not fit the registers.
CVECTOR_INLINE void error_sums(const float *a, const float *b, size_t count, double *errors, cvector_differences *sums) {
#pragma clang fp contract(off)
  wide absolute = 0, squared = 0, largest = 0;
  narrow least_a = a[0], largest_a = a[0], least_b = b[0], largest_b = b[0];
  for (size_t i = 0; i < count; i += LANES) {
    // What comes next is on its way while the caller looks at these errors again: the processor by itself stops at the
    // end of a page.
    if (i % (LINE / sizeof *a) == 0) {
      __builtin_prefetch(a + count + i);
      __builtin_prefetch(b + count + i);
    }
    narrow x, y;
    load_pairs(a, b, i, count, &x, &y);
    wide error = __builtin_elementwise_abs(__builtin_convertvector(x, wide) - __builtin_convertvector(y, wide));
    if (count - i < LANES) {
      wide kept = 0;
      memcpy(&kept, &error, (count - i) * sizeof(double));
      error = kept;
      memcpy(errors + i, &error, (count - i) * sizeof(double));
    } else {
      memcpy(errors + i, &error, sizeof error);
    }
    absolute += error;
    squared += error * error;
    largest = error > largest ? error : largest;
    least_a = x < least_a ? x : least_a;
    largest_a = x > largest_a ? x : largest_a;
    least_b = y < least_b ? y : least_b;
    largest_b = y > largest_b ? y : largest_b;
  }
  sums->absolute = total(&absolute);
  sums->squared = total(&squared);
  sums->largest = largest[0];
  sums->least_a = least_a[0];
  sums->largest_a = largest_a[0];
  sums->least_b = least_b[0];
  sums->largest_b = largest_b[0];
  for (int lane = 1; lane < LANES; lane++) {
    if (largest[lane] > sums->largest) sums->largest = largest[lane];
    if (least_a[lane] < sums->least_a) sums->least_a = least_a[lane];
    if (largest_a[lane] > sums->largest_a) sums->largest_a = largest_a[lane];
    if (least_b[lane] < sums->least_b) sums->least_b = least_b[lane];
    if (largest_b[lane] > sums->largest_b) sums->largest_b = largest_b[lane];
  }
}

// Sums of deviations from the first pair, and of their products.
CVECTOR_INLINE void moment_sums(const float *a, const float *b, size_t count, cvector_differences *sums) {
#pragma clang fp contract(off)
  double shift_a = a[0], shift_b = b[0];
  wide sum_a = 0, sum_b = 0, aa = 0, bb = 0, ab = 0;
  for (size_t i = 0; i < count; i += LANES) {
    narrow x, y;
    load_pairs(a, b, i, count, &x, &y);
    wide p = __builtin_convertvector(x, wide) - shift_a, q = __builtin_convertvector(y, wide) - shift_b;
    sum_a += p;
    sum_b += q;
    aa += p * p;
    bb += q * q;
    ab += p * q;
  }
  sums->a = total(&sum_a);
  sums->b = total(&sum_b);
  sums->aa = total(&aa);
  sums->bb = total(&bb);
  sums->ab = total(&ab);
}

CVECTOR_VARIANTS
void cvector_difference_sums(
    const float *a, const float *b, size_t count, double *errors, cvector_differences *sums) {
  error_sums(a, b, count, errors, sums);
  moment_sums(a, b, count, sums);
}

// Eight places for each exponent, so that neighbours don't wait for each other; in each a sum and the largest.
CVECTOR_INLINE void add_to_place(const float *x, double number, size_t lane, double *table) {
  uint32_t bits;
  memcpy(&bits, x, sizeof bits);
  double *place = table + ((bits >> 23 & 0xff) * LANES + lane) * 2;
  pair old, error = number;
  memcpy(&old, place, sizeof old);
  pair sum = old + error, larger = error > old ? error : old;
  pair both = __builtin_shufflevector(sum, larger, 0, 3);
  memcpy(place, &both, sizeof both);
}

CVECTOR_VARIANTS
void cvector_group_by_exponent(const float *x, const double *errors, size_t count, double *table) {
#pragma clang fp contract(off)
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    // Written out eight times, which doubles the speed.
#pragma clang loop unroll(full)
    for (size_t lane = 0; lane < LANES; lane++) add_to_place(x + i + lane, errors[i + lane], lane, table);
  }
  for (; i < count; i++) add_to_place(x + i, errors[i], i % LANES, table);
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
