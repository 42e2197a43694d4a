// What every instruction set has of its own for bytes.
#pragma once
#include "../include/cvector_int8.h"

// Queries and keys in bytes to scores.
typedef struct {
  // Keys that are there; scores are written for whole panels of 16.
  size_t rows, keys_count, dim;
  // [rows, query_bytes] from -127 to 127, zeros at the end of each; 64 divides `query_bytes`.
  const int8_t *queries;
  size_t query_bytes;
  // What a query's sums begin with: what 128 more in every key adds to them, taken away.
  const int32_t *starts;
  // What a query's bytes are worth, and those of 64 keys.
  const float *query_scales, *key_scales;
  const void *keys;
  float *scores;
  size_t scores_stride;
} cvector_int8_scores;

// What is added to the weights of every other key before they are cut to whole numbers; to those between, what is missing to 1. The
// next query has another, and the next group of keys: rounded to the nearest, many small weights would all be lost, or all
// count too much.
enum { cvector_int8_turns = 4 };
static inline float cvector_int8_added(size_t turn) {
  return ((float)(turn % cvector_int8_turns) + 0.5f) / (2 * cvector_int8_turns);
}

// Scores to weights: 255 · 2^(score - the largest of these keys).
typedef struct {
  size_t rows, keys_count;
  // Whether no keys came before.
  bool is_first;
  const float *scores;
  size_t scores_stride;
  // [rows, keys]; 64 divides `weights_stride`, and what lies between meets values of 0.
  uint8_t *weights;
  size_t weights_stride;
  // The largest score so far, and the total of weights in its terms; what sums of values so far are times, and those of these
  // keys.
  float *largest, *totals, *before, *now;
} cvector_int8_weights;

// A panel of packed values is 16 channels of a piece of the keys, as weights of a product are with VNNI and with AMX: sums of
// channels, which nobody asks for here, then words of four keys, 64 to a step.
enum { cvector_value_panel_head = 64 };
static inline size_t cvector_value_panel_bytes(size_t keys) {
  return cvector_value_panel_head + (keys + 63) / 64 * 64 * 16;
}

// Functions compiled for one instruction set.
typedef struct {
  // Columns of a panel. A panel is the sums of its columns, a word for each, then words that hold `in_word` neighbours of a
  // column each, for one column after another: bytes, or 16 bits. Numbers of a column are filled up with zeros so that
  // `step` divides them.
  size_t lanes, in_word, step;
  // Any activation but a GELU, unless it has one for this product.
  void (*multiply)(const cvector_int8_product *);
  // NULL where it has none.
  bool (*has_gelu)(const cvector_int8_product *);
  void (*quantize)(
      cvector_kind, const void *, size_t, const float *, size_t, cvector_range, uint8_t *, size_t, size_t, size_t);
  void (*extremes)(const float *, size_t, size_t, size_t, float *, float *);
  // Attention in bytes: scores, weights, and sums of values on top of those so far, unless these are the first. NULL where
  // Float32 does as well.
  void (*score)(const cvector_int8_scores *);
  void (*weigh)(const cvector_int8_weights *);
  void (*join)(const cvector_int8_weights *, const float *products, float *sums, size_t stride, size_t columns);
} cvector_int8_level;

// The functions in use.
const cvector_int8_level *cvector_int8_level_used(void);

extern const cvector_int8_level cvector_int8_level_portable;
#if defined(__x86_64__)
extern const cvector_int8_level cvector_int8_level_avx2, cvector_int8_level_avx_vnni, cvector_int8_level_avx512,
    cvector_int8_level_avx512_vnni, cvector_int8_level_amx;
#endif
