// What every instruction set has of its own.
#pragma once
#include <stdbool.h>

#include "../include/cvector_tiles.h"

// A block of queries on its way past the keys: see attention.c.
typedef struct {
  size_t first, count;
  // Of the scores, with what turns exponents to powers of 2.
  float scale;
  // Bytes of a whole piece of keys, and of values.
  size_t key_bytes, value_bytes;
  float *scores, *sums, *largest, *totals, *factors;
  // Of queries that are bytes, and of the sums of a piece of their keys.
  float *query_scales, *now;
  uint16_t *queries, *weights;
  size_t scores_stride, weights_stride, sums_stride;
} cvector_attention_block;

// Functions compiled for one instruction set.
typedef struct {
  // Numbers of a vector, which are the columns of a packed panel.
  size_t lanes;
  void (*multiply_f32)(const cvector_product *);
  // With a packed operand of pairs of bfloat16 where `multiplies_bf16`, else of Float32.
  void (*multiply_bf16)(const cvector_product *);
  bool multiplies_bf16;
  void (*normalise)(
      cvector_kind, const float *, size_t, const float *, const float *, float, void *, size_t, size_t, size_t, size_t);
  void (*convert)(cvector_kind, const float *, size_t, const float *, size_t, void *, size_t, size_t, size_t, size_t);
  // Rows of scores to weights: see attention.c.
  void (*weigh)(
      cvector_kind kind, float *scores, size_t stride, float scale, size_t rows, size_t columns, void *weights,
      size_t weights_stride, size_t padded, float *largest, float *sums, float *factors);
  // Rows times a factor each, as `kind`.
  void (*scale_rows)(
      cvector_kind kind, const float *x, size_t stride, const float *factors, void *out, size_t out_stride, size_t rows,
      size_t columns);
  void (*activate)(
      cvector_kind, cvector_activation, const float *, size_t, void *, size_t, size_t, size_t, size_t);
  // Packing: see template.h.
  void (*transpose)(const void *in, size_t stride, size_t count, size_t inner, uint32_t *out);
  void (*pack_rows)(const float *in, size_t stride, size_t inner, size_t columns, float *out);
  void (*pack_row_pairs)(
      const uint16_t *in, size_t stride, size_t inner, size_t padded, size_t columns, uint16_t *out);
  void (*pool)(
      cvector_kind, const void *, size_t x_stride, size_t width, size_t height, size_t side, void *, size_t out_stride,
      size_t columns);
  // Sums of values of bfloat16 by unnormalised weights, and the weights' totals; NULL where the functions above do it, which
  // they do as well where it returns false.
  bool (*attend_block)(const cvector_attention *, const cvector_attention_block *);
  // The same of bytes, in memory of so many bytes where scores are else; NULL without AMX.
  void (*attend_block_of_bytes)(const cvector_attention *, const cvector_attention_block *);
  size_t attention_bytes;
  void (*pack_rounded_rows)(
      const float *in, size_t stride, size_t inner, size_t padded, size_t columns, void *packed);
  // Convolutions: see cvector_tiles.h.
  void (*depthwise)(
      const float *, size_t, size_t channels, const float *, const float *, size_t, size_t, float *, size_t, size_t count);
  void (*normalise_planes)(
      cvector_activation, const float *, size_t, const float *, const float *, float, float *, size_t, size_t channels,
      size_t count);
  void (*copy_past_caches)(const float *, size_t, float *, size_t, size_t rows, size_t columns);
  void (*weigh_heads)(
      cvector_kind kind, float *scores, size_t stride, float scale, size_t rows, size_t heads, size_t columns,
      void *weights, size_t weights_stride, size_t padded);
  void (*join)(const cvector_joining *);
} cvector_level;

// How many heads `weigh_heads` takes.
enum { most_heads = cvector_most_heads };

extern const cvector_level cvector_level_portable;
#if defined(__x86_64__)
extern const cvector_level cvector_level_avx2, cvector_level_avx512, cvector_level_avx512_widening,
    cvector_level_avx512_bf16, cvector_level_amx;
#endif

// The functions in use.
const cvector_level *cvector_level_used(void);
