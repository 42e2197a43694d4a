// Attention without a matrix of scores: a block of queries meets the keys piece by piece, with a running softmax.
#include <math.h>
#include <string.h>

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

// Where the parts of the scratch memory begin, in bytes.
typedef struct {
  size_t scores, weights, sums, rows, bytes;
} parts;

static parts parts_of(cvector_kind kind, size_t keys, size_t value_dim) {
  const size_t columns = (least(piece, keys) + 31) / 32 * 32;
  parts p = {.scores = 0};
  p.weights = lines(block * columns * sizeof(float));
  p.sums = p.weights + (kind == cvector_f32 ? 0 : lines(block * columns * sizeof(uint16_t)));
  p.rows = p.sums + lines(block * value_dim * sizeof(float));
  p.bytes = p.rows + lines(3 * block * sizeof(float));
  return p;
}

size_t cvector_attention_scratch(cvector_kind kind, size_t keys, size_t value_dim) {
  return parts_of(kind, keys, value_dim).bytes;
}

static void attend_block(cvector_kind kind, const cvector_attention *a, size_t first, size_t count) {
  const cvector_level *level = cvector_level_used();
  const parts at = parts_of(kind, a->keys, a->value_dim);
  char *scratch = a->scratch;
  float *scores = (float *)(scratch + at.scores), *sums = (float *)(scratch + at.sums);
  float *largest = (float *)(scratch + at.rows), *totals = largest + block, *factors = totals + block;
  void *weights = kind == cvector_f32 ? (void *)scores : scratch + at.weights;
  const size_t columns = (least(piece, a->keys) + 31) / 32 * 32;
  for (size_t r = 0; r < count; r++) largest[r] = -INFINITY, totals[r] = 0;

  const size_t key_bytes = cvector_packed_bytes(kind, a->dim, piece);
  const size_t value_bytes = cvector_packed_bytes(kind, piece, a->value_dim);
  // The softmax raises 2 to powers.
  const float scale = a->scale * 1.44269504f;
  for (size_t from = 0; from < a->keys; from += piece) {
    const size_t keys = least(piece, a->keys - from), index = from / piece;
    const cvector_product products = {
        .rows = count, .inner = a->dim, .columns = keys,
        .a = (const char *)a->q + first * a->q_stride * size_of(kind), .a_stride = a->q_stride,
        .b = (const char *)a->k + index * key_bytes, .out = scores, .out_stride = columns, .out_kind = cvector_f32,
    };
    cvector_multiply_tile(kind, &products);
    level->weigh(
        kind, scores, columns, scale, count, keys, weights, columns, cvector_inner_read(kind, keys), largest, totals,
        factors);
    if (from) level->scale_rows(cvector_f32, sums, a->value_dim, factors, sums, a->value_dim, count, a->value_dim);
    const cvector_product weighted = {
        .rows = count, .inner = keys, .columns = a->value_dim, .a = weights, .a_stride = columns,
        .b = (const char *)a->v + index * value_bytes, .added = from ? sums : NULL, .added_stride = a->value_dim,
        .out = sums, .out_stride = a->value_dim, .out_kind = cvector_f32,
    };
    cvector_multiply_tile(kind, &weighted);
  }
  for (size_t r = 0; r < count; r++) factors[r] = 1.0f / totals[r];
  level->scale_rows(
      a->out_kind, sums, a->value_dim, factors,
      (char *)a->out + first * a->out_stride * size_of(a->out_kind), a->out_stride, count, a->value_dim);
}

void cvector_attend_tile(cvector_kind kind, const cvector_attention *attention) {
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

void cvector_weigh_tile(
    cvector_kind kind, float *scores, size_t stride, float scale, size_t rows, size_t columns, void *weights,
    size_t weights_stride, float *largest, float *totals, float *factors) {
  for (size_t r = 0; r < rows; r++) largest[r] = -INFINITY, totals[r] = 0;
  cvector_level_used()->weigh(
      kind, scores, stride, scale * 1.44269504f, rows, columns, weights, weights_stride,
      cvector_inner_read(kind, columns), largest, totals, factors);
}
