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

static size_t sums_bytes(size_t value_dim) { return lines(block * (value_dim + 15) / 16 * 16 * sizeof(float)); }

// Of an attention with numbers: queries are only rounded for AMX.
static parts parts_of(cvector_kind kind, size_t keys, size_t dim, size_t value_dim) {
  const size_t columns = columns_of(keys);
  const bool narrow = kind != cvector_f32;
  parts p = {.scores = 0};
  p.weights = lines(block * (columns * sizeof(float) + apart));
  p.queries = p.weights + (narrow ? lines(block * (columns * sizeof(uint16_t) + apart)) : 0);
  p.sums = p.queries + (narrow ? lines(block * ((dim + 31) / 32 * 32 * sizeof(uint16_t))) : 0);
  p.rows = p.sums + sums_bytes(value_dim);
  p.bytes = p.rows + lines(3 * block * sizeof(float));
  return p;
}

size_t cvector_attention_scratch(cvector_kind kind, size_t keys, size_t dim, size_t value_dim) {
  return parts_of(kind, keys, dim, value_dim).bytes;
}

// With bytes: where AMX does it all it has memory of its own instead of scores, weights and products.
typedef struct {
  parts parts;
  size_t products;
} byte_parts;

static byte_parts byte_parts_of(size_t keys, size_t dim, size_t value_dim) {
  const size_t columns = lines(least(piece, keys)), own = cvector_level_used()->attention_bytes;
  byte_parts p = {.parts = {.scores = 0}};
  p.parts.weights = lines(block * (columns * sizeof(float) + apart));
  p.products = p.parts.weights + lines(block * (columns + apart) + cvector_int8_spare_bytes);
  p.parts.queries = own ? lines(own) : p.products + sums_bytes(value_dim);
  p.parts.sums = p.parts.queries + lines(block * lines(dim));
  p.parts.rows = p.parts.sums + sums_bytes(value_dim);
  // What else is kept of rows, and what is lost to the next line.
  p.parts.bytes = p.parts.rows + lines(6 * block * sizeof(float)) + 64;
  return p;
}

size_t cvector_int8_attention_scratch(size_t keys, size_t dim, size_t value_dim) {
  return byte_parts_of(keys, dim, value_dim).parts.bytes;
}

// Scores of all queries and `keys` keys of a piece.
static void score_piece(
    cvector_kind kind, const cvector_attention *a, const cvector_attention_block *b, size_t index, size_t keys) {
  const cvector_product products = {
      .rows = b->count, .inner = a->dim, .columns = keys,
      .a = (const char *)a->q + b->first * a->q_stride * size_of(kind), .a_stride = a->q_stride,
      .b = (const char *)a->k + index * b->key_bytes, .out = b->scores, .out_stride = b->scores_stride,
      .out_kind = cvector_f32,
  };
  cvector_multiply_tile(kind, &products);
}

// Sums of values by unnormalised weights, piece by piece.
static void sum_pieces(cvector_kind kind, const cvector_attention *a, const cvector_attention_block *b) {
  const cvector_level *level = cvector_level_used();
  for (size_t r = 0; r < b->count; r++) b->largest[r] = -INFINITY, b->totals[r] = 0;
  void *weights = kind == cvector_f32 ? (void *)b->scores : b->weights;
  const size_t weights_stride = kind == cvector_f32 ? b->scores_stride : b->weights_stride;
  for (size_t from = 0, index = 0; from < a->keys; from += piece, index++) {
    const size_t keys = least(piece, a->keys - from);
    score_piece(kind, a, b, index, keys);
    level->weigh(
        kind, b->scores, b->scores_stride, b->scale, b->count, keys, weights, weights_stride,
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

// Queries as bytes, with what scores are times.
static void make_bytes(const cvector_attention *a, const cvector_attention_block *b) {
  cvector_quantize_rows(
      (const float *)a->q + b->first * a->q_stride, a->q_stride, b->count, a->dim, 1, (int8_t *)b->queries,
      lines(a->dim), b->query_scales);
  for (size_t r = 0; r < b->count; r++) b->query_scales[r] *= b->scale;
}

// The same sums of bytes by bytes, with VNNI.
static void sum_pieces_of_bytes(
    const cvector_attention *a, const cvector_attention_block *b, float *products, int32_t *starts) {
  const cvector_int8_level *level = cvector_int8_level_used();
  const size_t query_bytes = lines(a->dim), panels = (a->value_dim + 15) / 16;
  const int8_t *queries = (const int8_t *)b->queries;
  for (size_t r = 0; r < b->count; r++) {
    int32_t sum = 0;
    for (size_t k = 0; k < a->dim; k++) sum += queries[r * query_bytes + k];
    starts[r] = -128 * sum;
  }
  for (size_t from = 0, index = 0; from < a->keys; from += piece, index++) {
    const size_t keys = least(piece, a->keys - from);
    const cvector_int8_scores scores = {
        .rows = b->count, .keys_count = keys, .dim = a->dim, .queries = queries, .query_bytes = query_bytes,
        .starts = starts, .query_scales = b->query_scales,
        .key_scales = a->key_scales + index * (piece / cvector_int8_keys_of_scale),
        .keys = (const char *)a->k + index * b->key_bytes, .scores = b->scores, .scores_stride = b->scores_stride,
    };
    level->score(&scores);
    const cvector_int8_weights weights = {
        .rows = b->count, .keys_count = keys, .is_first = from == 0, .scores = b->scores,
        .scores_stride = b->scores_stride, .weights = (uint8_t *)b->weights, .weights_stride = b->weights_stride,
        .largest = b->largest, .totals = b->totals, .before = b->factors, .now = b->now,
    };
    level->weigh(&weights);
    const cvector_int8_product weighted = {
        .rows = b->count, .inner = lines(keys), .columns = a->value_dim, .a = weights.weights,
        .a_stride = b->weights_stride, .a_range = {.scale = 1}, .b = (const char *)a->v + index * b->value_bytes,
        .scales = a->value_scales + index * panels * 16, .out = from ? products : b->sums,
        .out_stride = b->sums_stride, .out_kind = cvector_f32,
    };
    level->multiply(&weighted);
    level->join(&weights, products, b->sums, b->sums_stride, a->value_dim);
  }
}

// Where a block finds its parts of the scratch memory; a weight has so many bytes.
static void place_parts(
    cvector_attention_block *b, const parts *at, char *scratch, size_t columns, size_t weight_bytes) {
  float *rows = (float *)(scratch + at->rows);
  (b->totals = rows, b->factors = rows + block, b->largest = rows + 2 * block);
  b->scores = (float *)(scratch + at->scores);
  b->scores_stride = columns + apart / sizeof(float);
  b->weights = (uint16_t *)(scratch + at->weights);
  b->weights_stride = columns + apart / weight_bytes;
  b->queries = (uint16_t *)(scratch + at->queries);
  b->sums = (float *)(scratch + at->sums);
}

// Attends with numbers of `kind`; what comes out is sums of values, and the weights' totals.
static void sum_block(cvector_kind kind, const cvector_attention *a, cvector_attention_block *b) {
  const cvector_level *level = cvector_level_used();
  const parts at = parts_of(kind, a->keys, a->dim, a->value_dim);
  place_parts(b, &at, a->scratch, columns_of(a->keys), sizeof(uint16_t));
  b->key_bytes = cvector_packed_bytes(kind, a->dim, piece);
  b->value_bytes = cvector_packed_bytes(kind, piece, a->value_dim);
  if (kind != cvector_bf16 || !level->attend_block || !level->attend_block(a, b)) sum_pieces(kind, a, b);
}

// The same with bytes. A scale that is no number makes none of what it belongs to: of the values it does so by itself.
static void sum_block_of_bytes(const cvector_attention *a, cvector_attention_block *b) {
  const cvector_level *level = cvector_level_used();
  const byte_parts at = byte_parts_of(a->keys, a->dim, a->value_dim);
  char *scratch = (char *)lines((size_t)a->scratch);
  place_parts(b, &at.parts, scratch, lines(least(piece, a->keys)), sizeof(uint8_t));
  float *rows = b->totals;
  (b->query_scales = rows + 3 * block, b->now = rows + 4 * block);
  b->key_bytes = cvector_int8_packed_keys_bytes(piece, a->dim);
  b->value_bytes = cvector_int8_packed_values_bytes(piece, a->value_dim);
  make_bytes(a, b);
  if (level->attend_block_of_bytes) {
    level->attend_block_of_bytes(a, b);
  } else {
    sum_pieces_of_bytes(a, b, (float *)(scratch + at.products), (int32_t *)(rows + 5 * block));
  }
  bool is_none = false;
  for (size_t group = 0; group * cvector_int8_keys_of_scale < a->keys; group++) is_none |= isnan(a->key_scales[group]);
  for (size_t r = 0; r < b->count; r++) {
    if (is_none || isnan(b->query_scales[r])) b->totals[r] = NAN;
  }
}

static void attend_block(const cvector_kind *kind, const cvector_attention *a, size_t first, size_t count) {
  cvector_attention_block b = {
      .first = first, .count = count,
      // The softmax raises 2 to powers.
      .scale = a->scale * 1.44269504f, .sums_stride = (a->value_dim + 15) / 16 * 16,
  };
  if (kind) {
    sum_block(*kind, a, &b);
  } else {
    sum_block_of_bytes(a, &b);
  }
  for (size_t r = 0; r < count; r++) b.factors[r] = 1.0f / b.totals[r];
  cvector_level_used()->scale_rows(
      a->out_kind, b.sums, b.sums_stride, b.factors,
      (char *)a->out + first * a->out_stride * size_of(a->out_kind), a->out_stride, count, a->value_dim);
}

// With bytes where there is no kind.
static void attend(const cvector_kind *kind, const cvector_attention *attention) {
  for (size_t first = 0; first < attention->queries; first += block) {
    const size_t count = least(block, attention->queries - first);
    if (attention->keys) {
      attend_block(kind, attention, first, count);
    } else {
      for (size_t r = first; r < first + count; r++) {
        memset(
            (char *)attention->out + r * attention->out_stride * size_of(attention->out_kind), 0,
            attention->value_dim * size_of(attention->out_kind));
      }
    }
  }
}

void cvector_attend_tile(cvector_kind kind, const cvector_attention *attention) { attend(&kind, attention); }

bool cvector_attends_in_int8(void) {
  return cvector_level_used()->attend_block_of_bytes || cvector_int8_level_used()->score;
}

void cvector_attend_int8_tile(const cvector_attention *attention) { attend(NULL, attention); }

void cvector_weigh_tile(
    cvector_kind kind, float *scores, size_t stride, float scale, size_t rows, size_t columns, void *weights,
    size_t weights_stride, float *largest, float *totals, float *factors) {
  for (size_t r = 0; r < rows; r++) largest[r] = -INFINITY, totals[r] = 0;
  cvector_level_used()->weigh(
      kind, scores, stride, scale * 1.44269504f, rows, columns, weights, weights_stride,
      cvector_inner_read(kind, columns), largest, totals, factors);
}
