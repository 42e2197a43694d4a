// Inner loops over Float32 that need the machine's vectors. Each picks its instruction set at run time.
//
// A NaN in an element makes every result that depends on it NaN, as in PyTorch, maxima and clamps included.
//
// Unless said otherwise `out` may equal an input exactly, but must not overlap one partly. Functions ending in
// `_scalar` compute the same with the C library, one element at a time: the tests compare the two.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "cvector_peaks.h"
#include "cvector_tiles.h"

// out[i] = a[i] + b[i], a[i] - b[i], a[i] * b[i], max(a[i], b[i]).
void cvector_add(const float *a, const float *b, float *out, size_t count);
void cvector_subtract(const float *a, const float *b, float *out, size_t count);
void cvector_multiply(const float *a, const float *b, float *out, size_t count);
void cvector_maximum(const float *a, const float *b, float *out, size_t count);

// out[i] = value.
void cvector_fill(float value, float *out, size_t count);
// out[i] = x[i] * scale + shift, in two roundings.
void cvector_scale_shift(const float *x, float scale, float shift, float *out, size_t count);
// out[i] += x[i] * scale.
void cvector_accumulate(const float *x, float scale, float *out, size_t count);
// out[i] = x[i] * scale + out[i], with a single rounding on every machine.
void cvector_fused_accumulate(const float *x, float scale, float *out, size_t count);
void cvector_fused_accumulate_scalar(const float *x, float scale, float *out, size_t count);
// out[i] = x[starts[i]] * weights[i * reach] + ... over `reach` neighbours, each further term with a single
// rounding. `out` must not overlap x.
void cvector_fused_gather(
    const float *x, const ptrdiff_t *starts, const float *weights, size_t reach, float *out, size_t count);
void cvector_fused_gather_scalar(
    const float *x, const ptrdiff_t *starts, const float *weights, size_t reach, float *out, size_t count);
// Products of complex numbers, real and imaginary parts side by side: out[i] + out[i + 1] j =
// (x[i] + x[i + 1] j) * (y[i] + y[i + 1] j) for even i < count; count is even.
void cvector_multiply_complex(const float *x, const float *y, float *out, size_t count);
void cvector_multiply_complex_scalar(const float *x, const float *y, float *out, size_t count);
// out[4 * i + c] = rgb[3 * i + c] for c < 3; the fourth lane is 0. No overlap.
void cvector_widen_rgb(const uint8_t *rgb, int32_t *out, size_t count);
// out[3 * i + c] = the sum over tap < reach of x[4 * (starts[i] + tap) + c] * weights[i * reach + tap], weights being
// of 22 fractional bits, rounded half up and cut to 0...255. No overlap.
void cvector_fixed_gather(
    const int32_t *x, const ptrdiff_t *starts, const int32_t *weights, size_t reach, uint8_t *out, size_t count);
void cvector_fixed_gather_scalar(
    const int32_t *x, const ptrdiff_t *starts, const int32_t *weights, size_t reach, uint8_t *out, size_t count);
// out[i] = the sum over tap < reach of x[tap * stride + i] * weights[tap], rounded and cut likewise. No overlap.
void cvector_fixed_blend(
    const uint8_t *x, size_t stride, const int32_t *weights, size_t reach, uint8_t *out, size_t count);
void cvector_fixed_blend_scalar(
    const uint8_t *x, size_t stride, const int32_t *weights, size_t reach, uint8_t *out, size_t count);
// out[i] = max(low, min(high, x[i])).
void cvector_clamp(const float *x, float low, float high, float *out, size_t count);

// out[i] = max(0, x[i]).
void cvector_relu(const float *x, float *out, size_t count);
// out[i] = 1 / (1 + exp(-x[i])).
void cvector_sigmoid(const float *x, float *out, size_t count);
// out[i] = x[i] * Phi(x[i]), the exact Gaussian error linear unit; infinity for infinity, NaN for -infinity.
void cvector_gelu(const float *x, float *out, size_t count);
void cvector_sigmoid_scalar(const float *x, float *out, size_t count);
void cvector_gelu_scalar(const float *x, float *out, size_t count);

// How many elements are greater than `threshold`.
size_t cvector_count_above(const float *x, float threshold, size_t count);

// One step of a softmax whose rows come in pieces. Each row of x [rows, columns] becomes exp(scale * (row - m)), in
// place, where m is the row's largest element so far, scale >= 0. `largest` and `sums` [rows] go from piece to piece,
// -infinity and 0 before the first; factors[r] is what earlier pieces of row r have to be multiplied by to agree.
void cvector_softmax_piece(
    float *x, size_t stride, float scale, size_t rows, size_t columns, float *largest, float *sums,
    float *factors);
void cvector_softmax_piece_scalar(
    float *x, size_t stride, float scale, size_t rows, size_t columns, float *largest, float *sums,
    float *factors);

// Each row of x [rows, columns] to mean 0 and (biased) variance 1, then times weight, plus bias.
void cvector_layer_norm_rows(
    const float *x, const float *weight, const float *bias, float epsilon, float *out, size_t rows,
    size_t columns);
void cvector_layer_norm_rows_scalar(
    const float *x, const float *weight, const float *bias, float epsilon, float *out, size_t rows,
    size_t columns);

// The same down the columns of x [channels, count], whose rows lie `stride` apart. `scratch` holds 2 * count.
void cvector_layer_norm_columns(
    const float *x, const float *weight, const float *bias, float epsilon, float *out, size_t stride,
    size_t channels, size_t count, float *scratch);

// out[c, r] = in[r, c] for in [rows, columns]; rows of `in` and `out` lie their strides apart. No overlap.
void cvector_transpose(
    const float *in, size_t in_stride, float *out, size_t out_stride, size_t rows, size_t columns);

// out[i] = in[i * step]. No overlap.
void cvector_gather(const float *in, size_t step, float *out, size_t count);
// out[i * step] = in[i]. No overlap.
void cvector_scatter(const float *in, float *out, size_t step, size_t count);
// out[i] = start + the sum over ky < height, kx < width of weights[ky, kx] * x[ky, i * step + kx], where rows of x
// lie `x_stride` apart. No overlap.
void cvector_correlate(
    const float *x, size_t x_stride, size_t step, const float *weights, size_t height, size_t width, float start,
    float *out, size_t count);

// What two arrays of finite numbers differ by. a, b: sums of the deviations from a[0] and b[0]; aa, bb, ab: sums of
// their squares and products.
typedef struct {
  double absolute, squared, largest;
  double a, b, aa, bb, ab;
  float least_a, largest_a, least_b, largest_b;
} cvector_differences;

// errors[i] = |a[i] - b[i]|, and the sums; count > 0. Added up in double in eight lanes by position: these two and every
// machine agree in every bit where all elements are finite. aa and bb are finite exactly if all elements are.
void cvector_difference_sums(
    const float *a, const float *b, size_t count, double *errors, cvector_differences *sums);
void cvector_difference_sums_scalar(
    const float *a, const float *b, size_t count, double *errors, cvector_differences *sums);
// Adds errors[i] to the sum table[2 * p] and raises the largest table[2 * p + 1] to it, where p = 8 * e + i % 8 and e < 256
// is the exponent field of x[i].
void cvector_group_by_exponent(const float *x, const double *errors, size_t count, double *table);
void cvector_group_by_exponent_scalar(const float *x, const double *errors, size_t count, double *table);
// How many elements are at least `edge`.
size_t cvector_count_at_least(const double *x, double edge, size_t count);
size_t cvector_count_at_least_scalar(const double *x, double edge, size_t count);
// The largest |a[i] - b[i]|; infinite where only one of the two is NaN, 0 where both are or where they are equal.
float cvector_largest_difference(const float *a, const float *b, size_t count);
float cvector_largest_difference_scalar(const float *a, const float *b, size_t count);

// out[i] = the number that element i of x stands for, in double precision; x need not be aligned. No overlap.
void cvector_widen_float(const void *x, double *out, size_t count);
void cvector_widen_half(const void *x, double *out, size_t count);
void cvector_widen_bfloat16(const void *x, double *out, size_t count);
void cvector_widen_float_scalar(const void *x, double *out, size_t count);
void cvector_widen_half_scalar(const void *x, double *out, size_t count);
void cvector_widen_bfloat16_scalar(const void *x, double *out, size_t count);

// How many elements are finite and how many NaN; sum, smallest and largest of the finite ones (0, infinity and
// -infinity where there is none).
typedef struct {
  size_t finite, nans;
  double sum, minimum, maximum;
} cvector_tally_result;
cvector_tally_result cvector_tally(const double *x, size_t count);
cvector_tally_result cvector_tally_scalar(const double *x, size_t count);
// The sum of squared distances of the finite elements from `mean`.
double cvector_spread(const double *x, double mean, size_t count);
double cvector_spread_scalar(const double *x, double mean, size_t count);

// Float32 from and to other element types. No overlap. To float: out[i] = x[i], exactly, but of int32 the nearest, of two
// equally near ones the even one. To half and bfloat16: rounded likewise, infinity beyond the largest, NaN stays NaN. To
// whole numbers: rounded likewise, beyond the type's range its end, and 0 for NaN.
void cvector_half_to_float(const uint16_t *x, float *out, size_t count);
void cvector_bfloat16_to_float(const uint16_t *x, float *out, size_t count);
void cvector_int8_to_float(const int8_t *x, float *out, size_t count);
void cvector_uint8_to_float(const uint8_t *x, float *out, size_t count);
void cvector_int32_to_float(const int32_t *x, float *out, size_t count);
void cvector_float_to_half(const float *x, uint16_t *out, size_t count);
void cvector_float_to_bfloat16(const float *x, uint16_t *out, size_t count);
void cvector_float_to_int8(const float *x, int8_t *out, size_t count);
void cvector_float_to_uint8(const float *x, uint8_t *out, size_t count);
void cvector_float_to_int32(const float *x, int32_t *out, size_t count);
void cvector_half_to_float_scalar(const uint16_t *x, float *out, size_t count);
void cvector_bfloat16_to_float_scalar(const uint16_t *x, float *out, size_t count);
void cvector_float_to_half_scalar(const float *x, uint16_t *out, size_t count);
void cvector_float_to_bfloat16_scalar(const float *x, uint16_t *out, size_t count);
void cvector_float_to_int8_scalar(const float *x, int8_t *out, size_t count);
void cvector_float_to_uint8_scalar(const float *x, uint8_t *out, size_t count);
void cvector_float_to_int32_scalar(const float *x, int32_t *out, size_t count);

// How this thread computes: as it does, or as `mode` of an earlier call says.
uint64_t cvector_floating_mode(void);
void cvector_set_floating_mode(uint64_t mode);
// From now on this thread takes numbers below the least normal one for zero, as operands and as results; how it computed
// before. Where the processor has no such way, nothing changes.
uint64_t cvector_flush_subnormals(void);
