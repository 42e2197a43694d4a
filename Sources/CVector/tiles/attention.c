// Attention without a matrix of scores: a block of queries meets the keys piece by piece, with a running softmax.
#include <math.h>
#include <string.h>

#include "../include/cvector_int8.h"
#include "int8.h"
#include "level.h"

enum { piece = cvector_keys_at_once, block = cvector_queries_at_once };

static size_t size_of(cvector_kind kind) { return kind == cvector_f32 ? sizeof(float) : sizeof(uint16_t); }
static size_t least(size_t a, size_t b) { return a < b ? a : b; }
static size_t lines(size_t bytes) { return (bytes + 63) / 64 * 64; }

size_t cvector_packed_keys_bytes(cvector_kind kind, size_t keys, size_t dim) {
  const size_t whole = keys / piece, rest = keys % piece;
  return whole * cvector_packed_bytes(kind, dim, piece) + (rest ? cvector_packed_bytes(kind, dim, rest) : 0);
}

size_t cvector_packed_values_bytes(cvector_kind kind, size_t keys, size_t value_dim) {
  const size_t whole = keys / piece, rest = keys % piece;
  return whole * cvector_packed_bytes(kind, piece, value_dim) +
         (rest ? cvector_packed_bytes(kind, rest, value_dim) : 0);
}

void cvector_pack_keys(
    cvector_kind kind, cvector_kind source, const void *k, size_t stride, size_t first, size_t count, size_t keys,
    size_t dim, void *packed) {
  const size_t bytes = cvector_packed_bytes(kind, dim, piece);
  for (size_t at = first; at < first + count; at += piece) {
    cvector_pack_transposed(
        kind, source, (const char *)k + (at - first) * stride * size_of(source), stride, dim, least(piece, keys - at),
        (char *)packed + at / piece * bytes);
  }
}

void cvector_pack_values(
    cvector_kind kind, cvector_kind source, const void *v, size_t stride, size_t first, size_t count, size_t keys,
    size_t value_dim, void *packed) {
  const size_t bytes = cvector_packed_bytes(kind, piece, value_dim);
  for (size_t at = first; at < first + count; at += piece) {
    cvector_pack(
        kind, source, (const char *)v + (at - first) * stride * size_of(source), stride, least(piece, keys - at),
        value_dim, (char *)packed + at / piece * bytes);
  }
}

// Rows lie some more bytes apart than they need: a power of two would send them all to the same few places of a cache.
enum { apart = 64 };

// Where the parts of the scratch memory begin, in bytes.
typedef struct {
  size_t scores, weights, queries, sums, rows, bytes;
} parts;

static size_t columns_of(size_t keys) { return (least(piece, keys) + 31) / 32 * 32; }

// What a query takes that is made into bytes or, for AMX, rounded.
static size_t bytes_of(cvector_kind kind, size_t dim) {
  return kind == cvector_f32 ? lines(dim) : (dim + 31) / 32 * 32 * sizeof(uint16_t);
}

static parts parts_of(cvector_kind kind, size_t keys, size_t dim, size_t value_dim) {
  const size_t columns = columns_of(keys);
  const bool narrow = kind != cvector_f32;
  parts p = {.scores = 0};
  p.weights = lines(block * (columns * sizeof(float) + apart));
  p.queries = p.weights + (narrow ? lines(block * (columns * sizeof(uint16_t) + apart)) : 0);
  p.sums = p.queries + lines(block * bytes_of(kind, dim));
  p.rows = p.sums + lines(block * (value_dim + 15) / 16 * 16 * sizeof(float));
  p.bytes = p.rows + lines(5 * block * sizeof(float));
  return p;
}

size_t cvector_attention_scratch(cvector_kind kind, size_t keys, size_t dim, size_t value_dim) {
  return parts_of(kind, keys, dim, value_dim).bytes;
}

// What the scores of an attention are products of.
typedef enum { as_values, bytes } score_kind;

// Queries as bytes, for scores of a scale that is 1.
static void make_bytes(const cvector_attention *a, const cvector_attention_block *b) {
  const size_t query_bytes = lines(a->dim);
  int8_t *queries = (int8_t *)b->queries;
  cvector_quantize_rows(
      (const float *)a->q + b->first * a->q_stride, a->q_stride, b->count, a->dim, 1, queries, query_bytes,
      b->query_scales);
  for (size_t r = 0; r < b->count; r++, queries += query_bytes) {
    int32_t sum = 0;
    for (size_t k = 0; k < a->dim; k++) sum += queries[k];
    b->starts[r] = -128 * sum;
    b->query_scales[r] *= b->scale;
  }
}

// Scores of all queries and `keys` keys of a piece.
static void score_piece(
    cvector_kind kind, score_kind scores, const cvector_attention *a, const cvector_attention_block *b, size_t index,
    size_t keys) {
  const char *packed = (const char *)a->k + index * b->key_bytes;
  if (scores == bytes) {
    const cvector_int8_scores products = {
        .rows = b->count, .keys_count = keys, .dim = a->dim, .queries = (const int8_t *)b->queries,
        .query_bytes = lines(a->dim),
        .starts = b->starts, .query_scales = b->query_scales,
        .key_scales = a->key_scales + index * (piece / cvector_int8_keys_of_scale), .keys = packed,
        .scores = b->scores, .scores_stride = b->scores_stride,
    };
    cvector_int8_level_used()->score(&products);
    return;
  }
  const cvector_product products = {
      .rows = b->count, .inner = a->dim, .columns = keys,
      .a = (const char *)a->q + b->first * a->q_stride * size_of(kind), .a_stride = a->q_stride, .b = packed,
      .out = b->scores, .out_stride = b->scores_stride, .out_kind = cvector_f32,
  };
  cvector_multiply_tile(kind, &products);
}

// Sums of values by unnormalised weights, piece by piece.
static void sum_pieces(
    cvector_kind kind, score_kind scores, const cvector_attention *a, const cvector_attention_block *b) {
  const cvector_level *level = cvector_level_used();
  // The scale of scores of bytes is in them.
  const float scale = scores == bytes ? 1 : b->scale;
  for (size_t r = 0; r < b->count; r++) b->largest[r] = -INFINITY, b->totals[r] = 0;
  if (scores == bytes) make_bytes(a, b);
  void *weights = kind == cvector_f32 ? (void *)b->scores : b->weights;
  const size_t weights_stride = kind == cvector_f32 ? b->scores_stride : b->weights_stride;
  for (size_t from = 0, index = 0; from < a->keys; from += piece, index++) {
    const size_t keys = least(piece, a->keys - from);
    score_piece(kind, scores, a, b, index, keys);
    level->weigh(
        kind, b->scores, b->scores_stride, scale, b->count, keys, weights, weights_stride,
        cvector_inner_read(kind, keys), b->largest, b->totals, b->factors);
    if (from) {
      level->scale_rows(
          cvector_f32, b->sums, b->sums_stride, b->factors, b->sums, b->sums_stride, b->count, a->value_dim);
    }
    const cvector_product weighted = {
        .rows = b->count, .inner = keys, .columns = a->value_dim, .a = weights, .a_stride = weights_stride,
        .b = (const char *)a->v + index * b->value_bytes, .added = from ? b->sums : NULL,
        .added_stride = b->sums_stride, .out = b->sums, .out_stride = b->sums_stride, .out_kind = cvector_f32,
    };
    cvector_multiply_tile(kind, &weighted);
  }
}

static void attend_block(cvector_kind kind, score_kind scores, const cvector_attention *a, size_t first, size_t count) {
  const cvector_level *level = cvector_level_used();
  const parts at = parts_of(kind, a->keys, a->dim, a->value_dim);
  const size_t columns = columns_of(a->keys);
  char *scratch = a->scratch;
  float *rows = (float *)(scratch + at.rows);
  const cvector_attention_block b = {
      .first = first, .count = count,
      // The softmax raises 2 to powers.
      .scale = a->scale * 1.44269504f,
      .key_bytes =
          scores == bytes ? cvector_int8_packed_keys_bytes(piece, a->dim) : cvector_packed_bytes(kind, a->dim, piece),
      .value_bytes = cvector_packed_bytes(kind, piece, a->value_dim), .scores = (float *)(scratch + at.scores),
      .sums = (float *)(scratch + at.sums), .largest = rows, .totals = rows + block, .factors = rows + 2 * block,
      .query_scales = rows + 3 * block, .starts = (int32_t *)(rows + 4 * block),
      .queries = (uint16_t *)(scratch + at.queries), .weights = (uint16_t *)(scratch + at.weights),
      .scores_stride = columns + apart / sizeof(float), .weights_stride = columns + apart / sizeof(uint16_t),
      .sums_stride = (a->value_dim + 15) / 16 * 16,
  };
  if (scores == bytes && level->attend_block_of_bytes) {
    level->attend_block_of_bytes(a, &b);
  } else if (scores == bytes || kind != cvector_bf16 || !level->attend_block || !level->attend_block(a, &b)) {
    sum_pieces(kind, scores, a, &b);
  }
  for (size_t r = 0; r < count; r++) b.factors[r] = 1.0f / b.totals[r];
  level->scale_rows(
      a->out_kind, b.sums, b.sums_stride, b.factors,
      (char *)a->out + first * a->out_stride * size_of(a->out_kind), a->out_stride, count, a->value_dim);
}

static void attend(cvector_kind kind, score_kind scores, const cvector_attention *attention) {
  for (size_t first = 0; first < attention->queries; first += block) {
    const size_t count = least(block, attention->queries - first);
    if (attention->keys) {
      attend_block(kind, scores, attention, first, count);
    } else {
      for (size_t r = first; r < first + count; r++) {
        memset(
            (char *)attention->out + r * attention->out_stride * size_of(attention->out_kind), 0,
            attention->value_dim * size_of(attention->out_kind));
      }
    }
  }
}

void cvector_attend_tile(cvector_kind kind, const cvector_attention *attention) { attend(kind, as_values, attention); }

bool cvector_attends_in_int8(void) {
  return cvector_level_used()->attend_block_of_bytes || cvector_int8_level_used()->score;
}

void cvector_attend_int8_tile(cvector_kind kind, const cvector_attention *attention) {
  attend(kind, bytes, attention);
}

void cvector_weigh_tile(
    cvector_kind kind, float *scores, size_t stride, float scale, size_t rows, size_t columns, void *weights,
    size_t weights_stride, float *largest, float *totals, float *factors) {
  for (size_t r = 0; r < rows; r++) largest[r] = -INFINITY, totals[r] = 0;
  cvector_level_used()->weigh(
      kind, scores, stride, scale * 1.44269504f, rows, columns, weights, weights_stride,
      cvector_inner_read(kind, columns), largest, totals, factors);
}
