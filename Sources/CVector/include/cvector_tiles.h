// Tiles of a model: matrix products with packed operands, attention, and what stands between them, small enough to stay in
// a core's caches. Everything is single-threaded and works in memory that the caller gives.
//
// Numbers are Float32 or bfloat16 (`cvector_kind`); sums are always Float32. What a row becomes depends on that row and the
// packed operand alone, never on how many rows a call has, so a result's bits don't depend on how work is cut.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// How numbers are held. Bytes are for cvector_int8.h alone.
typedef enum { cvector_f32 = 0, cvector_bf16 = 1, cvector_u8 = 2 } cvector_kind;

// What follows a product.
typedef enum { cvector_no_activation = 0, cvector_relu_activation = 1, cvector_gelu_activation = 2 } cvector_activation;

// The instruction sets that these functions are written for, in rising order.
typedef enum {
  cvector_portable = 0,
  cvector_avx2 = 1,
  cvector_avx512 = 2,
  cvector_avx512_bf16 = 3,
  cvector_amx = 4,
} cvector_instructions;

// The instruction set in use: the best that processor and system have, at most what the environment variable
// SAM2KIT_MAX_ISA names (portable, avx2, avx512, avx512_bf16, amx). Found out once.
cvector_instructions cvector_instructions_used(void);
// Its name, such as "amx".
const char *cvector_instructions_name(cvector_instructions instructions);
// Whether bfloat16 is multiplied at a higher rate than Float32: with AMX, and by AMD's vectors; Intel's take as long for two.
bool cvector_is_bf16_fast(void);
// For tests: on this thread another instruction set, at most the best that there is, which is returned; and no more.
cvector_instructions cvector_use_instructions(cvector_instructions instructions);
void cvector_use_found_instructions(void);

// Bytes of a packed operand of `inner` by `columns` numbers.
size_t cvector_packed_bytes(cvector_kind kind, size_t inner, size_t columns);
// Packs a matrix that lies transposed, [columns, inner]: weights of a linear layer, keys. Rows lie `stride` numbers apart.
// Numbers are of kind `source`; bfloat16 is rounded to, to the nearest, of two equally near ones the even one.
void cvector_pack_transposed(
    cvector_kind kind, cvector_kind source, const void *matrix, size_t stride, size_t inner, size_t columns,
    void *packed);
// Packs a matrix as it lies, [inner, columns]: values.
void cvector_pack(
    cvector_kind kind, cvector_kind source, const void *matrix, size_t stride, size_t inner, size_t columns,
    void *packed);
// How many numbers of a row the product reads where a row has `inner`: one more where pairs are multiplied. It is multiplied
// by 0, so it must be finite.
size_t cvector_inner_read(cvector_kind kind, size_t inner);

// out = (activation(a · b + bias + row_bias)) · scale + added.
typedef struct {
  size_t rows, inner, columns;
  // [rows, inner], in rows `a_stride` numbers apart.
  const void *a;
  size_t a_stride;
  // Packed.
  const void *b;
  // [columns], or NULL.
  const float *bias;
  // [rows], or NULL.
  const float *row_bias;
  cvector_activation activation;
  // [columns], or NULL.
  const float *scale;
  // [rows, columns] Float32, or NULL; may be `out`.
  const float *added;
  size_t added_stride;
  // [rows, columns] of `out_kind`.
  void *out;
  size_t out_stride;
  cvector_kind out_kind;
} cvector_product;

// Multiplies numbers of `kind`.
void cvector_multiply_tile(cvector_kind kind, const cvector_product *product);

// Each row of x [rows, columns] Float32 to mean 0 and (biased) variance 1, times weight, plus bias, as `kind`; then zeros
// up to `padded` columns.
void cvector_normalise_tile(
    cvector_kind kind, const float *x, size_t x_stride, const float *weight, const float *bias, float epsilon, void *out,
    size_t out_stride, size_t rows, size_t columns, size_t padded);
// Rows of Float32 as `kind`, plus `added` where it isn't NULL; then zeros up to `padded` columns.
void cvector_convert_tile(
    cvector_kind kind, const float *x, size_t x_stride, const float *added, size_t added_stride, void *out,
    size_t out_stride, size_t rows, size_t columns, size_t padded);
// Rows of Float32 after an activation, as `kind`; then zeros up to `padded` columns.
void cvector_activate_tile(
    cvector_kind kind, cvector_activation activation, const float *x, size_t x_stride, void *out, size_t out_stride,
    size_t rows, size_t columns, size_t padded);
// The largest of every `side` by `side` tokens of [height, width, columns], in tokens `x_stride` numbers apart.
void cvector_pool_tile(
    cvector_kind kind, const void *x, size_t x_stride, size_t width, size_t height, size_t side, void *out,
    size_t out_stride, size_t columns);

// A line of a depthwise convolution with a kernel of `height` by `width`, between pixels with their channels together:
// `count` results, rows of `channels` numbers. `x` is the corner of what the first one sees, in lines `line` numbers apart.
// weights: [height, width, channels]; bias: [channels], or NULL.
void cvector_depthwise_tile(
    const float *x, size_t line, size_t channels, const float *weights, const float *bias, size_t height, size_t width,
    float *out, size_t out_stride, size_t count);
// Every column of x [channels, count] Float32, a pixel in planes, to mean 0 and (biased) variance 1, times weight, plus
// bias, activated. `out` may be `x`.
void cvector_normalise_planes_tile(
    cvector_activation activation, const float *x, size_t x_stride, const float *weight, const float *bias,
    float epsilon, float *out, size_t out_stride, size_t channels, size_t count);
// Copies rows to where they are read much later, past the caches: memory is not read first, and what is in the caches stays.
// Other threads see them after whatever they wait for.
void cvector_copy_past_caches(
    const float *x, size_t x_stride, float *out, size_t out_stride, size_t rows, size_t columns);

// Attention of one head, softmax(scale · q · kᵀ) · v.
typedef struct {
  size_t queries, keys, dim, value_dim;
  float scale;
  // [queries, dim], in rows `q_stride` numbers apart.
  const void *q;
  size_t q_stride;
  // Packed by `cvector_pack_keys` and `cvector_pack_values`.
  const void *k, *v;
  // What keys and values that are bytes are worth: see cvector_int8.h.
  const float *key_scales, *value_scales;
  // [queries, value_dim] of `out_kind`.
  void *out;
  size_t out_stride;
  cvector_kind out_kind;
  // `cvector_attention_scratch` bytes.
  void *scratch;
} cvector_attention;

// Bytes that keys [keys, dim] and values [keys, value_dim] take when packed.
size_t cvector_packed_keys_bytes(cvector_kind kind, size_t keys, size_t dim);
size_t cvector_packed_values_bytes(cvector_kind kind, size_t keys, size_t value_dim);
// Packs keys `first` ..< `first + count` of `keys` to where they belong; `first` is a multiple of cvector_keys_at_once.
void cvector_pack_keys(
    cvector_kind kind, cvector_kind source, const void *k, size_t stride, size_t first, size_t count, size_t keys,
    size_t dim, void *packed);
void cvector_pack_values(
    cvector_kind kind, cvector_kind source, const void *v, size_t stride, size_t first, size_t count, size_t keys,
    size_t value_dim, void *packed);
enum { cvector_keys_at_once = 512, cvector_queries_at_once = 128 };
size_t cvector_attention_scratch(cvector_kind kind, size_t keys, size_t dim, size_t value_dim);
// Attends with numbers of `kind`; weights of values are rounded to it too. With no keys the result is 0.
void cvector_attend_tile(cvector_kind kind, const cvector_attention *attention);

// Attention of few queries to some of many keys: rows of scores to weights as `kind`, then zeros up to as many columns as
// `cvector_inner_read` says. Each row's largest score and the sum of its weights come with it; `factors` [rows] is scratch. A
// row of weights may begin where its scores do.
void cvector_weigh_tile(
    cvector_kind kind, float *scores, size_t stride, float scale, size_t rows, size_t columns, void *weights,
    size_t weights_stride, float *largest, float *totals, float *factors);

// Rows of several such attentions, each to its part of the keys, as those of one to all keys.
typedef struct {
  size_t parts, rows, columns;
  // What scores were scaled by.
  float scale;
  // [parts, rows, columns]: weighted sums; and [parts, rows].
  const float *sums, *largest, *totals;
  // [parts].
  float *factors;
  // [rows, columns] of `out_kind`.
  void *out;
  cvector_kind out_kind;
} cvector_joining;
void cvector_join_tile(const cvector_joining *joining);

// Attention of many queries to few keys: a row of scores [keys, heads] to weights that add up to 1 for each head, as `kind`;
// then zeros as above. Scores are lost.
enum { cvector_most_heads = 64 };
void cvector_weigh_heads_tile(
    cvector_kind kind, float *scores, size_t stride, float scale, size_t rows, size_t heads, size_t keys, void *weights,
    size_t weights_stride);
