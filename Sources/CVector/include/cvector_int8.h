// Tiles in 8 bits: products of bytes from 0 to 255 and weights from -127 to 127, whose sums are exact whole numbers of 32
// bits, and what makes those bytes. As in cvector_tiles.h everything is single-threaded, works in memory that the caller
// gives, and what a row becomes never depends on how many rows a call has.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cvector_tiles.h"

// What a byte stands for: scale · (byte − zero_point). A number becomes the nearest byte, of two equally near ones the even
// number of steps from zero_point, and 0 or 255 where it lies beyond; NaN becomes zero_point.
typedef struct {
  // Positive.
  float scale;
  uint8_t zero_point;
} cvector_range;

// What bytes are multiplied with, in rising order.
typedef enum {
  cvector_int8_portable = 0,
  // Pairs of 16 bits, which can't overflow; products of bytes themselves would, in AVX2's one instruction for them.
  cvector_int8_avx2 = 1,
  cvector_int8_avx_vnni = 2,
  cvector_int8_avx512 = 3,
  cvector_int8_avx512_vnni = 4,
  cvector_int8_amx = 5,
} cvector_int8_instructions;

// The best that `cvector_instructions_used` allows and the processor has.
cvector_int8_instructions cvector_int8_instructions_used(void);
// Their name, such as "avx512_vnni".
const char *cvector_int8_instructions_name(cvector_int8_instructions instructions);
// Whether bytes are multiplied at a higher rate than Float32: with VNNI and with AMX.
bool cvector_is_int8_fast(void);
// For tests: on this thread at most these, until `cvector_use_found_int8_instructions`; returns which.
cvector_int8_instructions cvector_use_int8_instructions(cvector_int8_instructions instructions);
void cvector_use_found_int8_instructions(void);

// So many numbers of a row can be multiplied without an overflow of their sum.
enum { cvector_int8_most_inner = 66311 };
// So many bytes after the last row of `a` are read, and don't count.
enum { cvector_int8_spare_bytes = 64 };

// Bytes of packed weights of `inner` by `columns`.
size_t cvector_int8_packed_bytes(size_t inner, size_t columns);
// Packs weights [columns, inner], in rows `stride` bytes apart, with the sums of their rows. `packed` is aligned to 64 bytes.
void cvector_pack_int8(const int8_t *weights, size_t stride, size_t inner, size_t columns, void *packed);

// out = activation((a · b − zero point · column sums of b) · (scale of a · scales) + bias) + added.
typedef struct {
  size_t rows, inner, columns;
  // [rows, inner], in rows `a_stride` bytes apart: fastest where 64 divides `a` and `a_stride`.
  const uint8_t *a;
  size_t a_stride;
  cvector_range a_range;
  // Packed, aligned to 64 bytes.
  const void *b;
  // What the weights of a column are worth: [columns].
  const float *scales;
  // [columns], or NULL.
  const float *bias;
  cvector_activation activation;
  // [rows, columns] Float32, or NULL, as it must be where results are bytes; may be `out`.
  const float *added;
  size_t added_stride;
  // [rows, columns] of `out_kind`; bytes of `out_range`.
  void *out;
  size_t out_stride;
  cvector_kind out_kind;
  cvector_range out_range;
} cvector_int8_product;

// GELUs that become bytes are parabolas in pieces with AVX-512, off by 1e-4 at most.
void cvector_multiply_int8_tile(const cvector_int8_product *product);

// Rows of numbers of kind `source`, plus `added` where it isn't NULL, as bytes.
void cvector_quantize_tile(
    cvector_kind source, const void *x, size_t x_stride, const float *added, size_t added_stride, cvector_range range,
    uint8_t *out, size_t out_stride, size_t rows, size_t columns);
// `cvector_normalise_tile` as bytes.
void cvector_normalise_to_int8_tile(
    const float *x, size_t x_stride, const float *weight, const float *bias, float epsilon, cvector_range range,
    uint8_t *out, size_t out_stride, size_t rows, size_t columns);
// `cvector_activate_tile` as bytes.
void cvector_activate_to_int8_tile(
    cvector_activation activation, const float *x, size_t x_stride, cvector_range range, uint8_t *out, size_t out_stride,
    size_t rows, size_t columns);
// The least and the largest number of some rows, of 0, and of what `least` and `most` hold before: at most 0, and at least 0.
// What isn't finite doesn't count.
void cvector_extremes_tile(
    const float *x, size_t x_stride, size_t rows, size_t columns, float *least, float *most);

// Attention in bytes. Queries, keys and values are bytes from -127 to 127: every query has a scale, so have each 64 keys from the
// first on, and each channel of every cvector_keys_at_once values. Weights are bytes from 0 to 255, where 255 is the largest
// of so many keys, rounded up from thresholds on that differ between neighbouring keys, groups of 64 and queries; sums of values
// by them are joined in Float32. With AMX weights are rounded to 21 parts of an octave before, and large ones to the nearest byte.
enum { cvector_int8_keys_of_scale = 64 };
// Whether the processor has what it takes: AMX, or AVX-512 with VNNI.
bool cvector_attends_in_int8(void);
// Rows [rows, dim] Float32 to bytes, `group` rows to a scale: the largest magnitude of a group becomes 127, of two equally near
// bytes the even one is taken. Rows of bytes lie `out_stride` apart, zeros after them. A group of zeros, or of hardly more, has
// scale 0; one with a number that isn't finite has none.
void cvector_quantize_rows(
    const float *x, size_t x_stride, size_t rows, size_t dim, size_t group, int8_t *out, size_t out_stride,
    float *scales);
// The same, as the numbers that the bytes stand for; `out` may be `x`.
void cvector_round_rows_to_int8(
    const float *x, size_t x_stride, size_t rows, size_t dim, size_t group, float *out, size_t out_stride);
// Bytes that keys [keys, dim] take when packed.
size_t cvector_int8_packed_keys_bytes(size_t keys, size_t dim);
// Packs Float32 keys `first` ..< `first + count` to where they belong, and their scales; `first` is a multiple of
// cvector_keys_at_once. `packed` is aligned to 64 bytes; scales: [(keys + 63) / 64].
void cvector_pack_int8_keys(
    const float *k, size_t stride, size_t first, size_t count, size_t dim, void *packed, float *scales);
// What values [rows, columns] stand for when they are bytes, `group` rows of a column to a scale; `out` may be `x`.
void cvector_round_columns_to_int8(
    const float *x, size_t x_stride, size_t rows, size_t columns, size_t group, float *out, size_t out_stride);
// Bytes that values [keys, value_dim] take when packed.
size_t cvector_int8_packed_values_bytes(size_t keys, size_t value_dim);
// Packs Float32 values of keys `first` ..< `first + count` to where they belong, and their scales; `first` is a multiple of
// cvector_keys_at_once, which divides `count` unless these are the last. `packed` is aligned to 64 bytes; scales: for each
// cvector_keys_at_once keys as many as there are channels, and up to a multiple of 16.
void cvector_pack_int8_values(
    const float *v, size_t stride, size_t first, size_t count, size_t value_dim, void *packed, float *scales);
size_t cvector_int8_attention_scratch(size_t keys, size_t dim, size_t value_dim);
// As `cvector_attend_tile` with Float32 queries.
void cvector_attend_int8_tile(const cvector_attention *attention);
