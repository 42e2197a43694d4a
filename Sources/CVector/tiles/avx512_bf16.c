// The tiles' functions with AVX-512 and its products of bfloat16; and with AMX, whose registers hold 16 by 16 sums.
#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>

#define WITH_BF16 "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma,avx2"
#pragma clang attribute push(__attribute__((target(WITH_BF16))), apply_to = function)
#define LANES 16
#define TILE_ROWS 8
#define TILE_VECTORS 3
#define NARROW(v) (half_vector)_mm512_cvtneps_pbh(v)
static inline __attribute__((always_inline)) __m512bh repeated_pair(const uint16_t *pair) {
  int bits;
  __builtin_memcpy(&bits, pair, sizeof bits);
  return (__m512bh)_mm512_set1_epi32(bits);
}
#define PAIRS_TERM(sum, a, k, b)                                                                                       \
  sum = _mm512_dpbf16_ps(sum, repeated_pair((a) + 2 * (k)), (__m512bh)_mm512_loadu_si512(b))
#include "../amx.h"
#include "template.h"

const cvector_level cvector_level_avx512_bf16 = {
    .multiply_bf16 = multiply_bf16, .multiplies_bf16 = true, SHARED_FUNCTIONS,
};
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target(WITH_BF16 ",amx-tile,amx-bf16"))), apply_to = function)
// Registers 0 to 3: sums, the upper 16 rows then the lower; 4 and 5: rows of a; 6 and 7: b.
static void shape_tiles(int upper, int lower) {
  const uint8_t rows[8] = {upper, upper, lower, lower, upper, lower, 16, 16};
  cvector_tile_shapes shapes = {.palette = 1};
  for (int tile = 0; tile < 8; tile++) {
    shapes.row_bytes[tile] = 64;
    shapes.rows[tile] = rows[tile];
  }
  _tile_loadconfig(&shapes);
}

// What follows a product: one of those that are common, whose columns are whole vectors, or any.
typedef enum { stored, narrowed_out, activated_out, added_out, any_finish } finishing;

static finishing finishing_of(const cvector_product *p) {
  const bool is_whole = p->columns % 32 == 0 && !p->row_bias && !p->scale;
  if (!is_whole) return any_finish;
  if (p->out_kind == cvector_bf16 && !p->added) {
    if (!p->activation) return narrowed_out;
    return p->activation == cvector_gelu_activation ? activated_out : any_finish;
  }
  if (p->out_kind != cvector_f32 || p->activation) return any_finish;
  return p->added ? added_out : p->bias ? any_finish : stored;
}

// Sums of up to 32 rows and columns that are there but not finished.
typedef struct {
  const float *sums;
  size_t row, rows, column;
  vector left, right;
} amx_pending;

// Finishes up to `count` rows more. The registers of sums are busy meanwhile: a processor has other units for this.
INLINE void finish_rows(const cvector_product *p, const finishing how, amx_pending *pending, size_t count) {
  for (; count && pending->rows; count--, pending->rows--, pending->row++, pending->sums += 32) {
    const size_t row = pending->row, column = pending->column;
    if (how == any_finish) {
      finish(p, load(pending->sums), row, column);
      if (column + 16 < p->columns) finish(p, load(pending->sums + 16), row, column + 16);
      continue;
    }
    vector left = load(pending->sums) + pending->left, right = load(pending->sums + 16) + pending->right;
    if (how == activated_out) left = gelu_in_pieces(left), right = gelu_in_pieces(right);
    if (how == added_out) {
      const float *added = p->added + row * p->added_stride + column;
      float *out = (float *)p->out + row * p->out_stride + column;
      store(out, left + load(added));
      store(out + 16, right + load(added + 16));
    } else {
      const __m512bh both = _mm512_cvtne2ps_pbh(right, left);
      _mm512_storeu_si512((uint16_t *)p->out + row * p->out_stride + column, (__m512i)both);
    }
  }
}

// 32 numbers more of up to 32 rows, times one or two panels.
INLINE void amx_step(
    const char *above, const char *below, size_t row_bytes, const char *left, const char *right, const bool is_wide,
    const bool is_high) {
  _tile_loadd(6, left, 64);
  _tile_loadd(4, above, row_bytes);
  _tile_dpbf16ps(0, 4, 6);
  if (is_wide) {
    _tile_loadd(7, right, 64);
    _tile_dpbf16ps(1, 4, 7);
  }
  if (is_high) {
    _tile_loadd(5, below, row_bytes);
    _tile_dpbf16ps(2, 5, 6);
    if (is_wide) _tile_dpbf16ps(3, 5, 7);
  }
}

// Up to 32 rows times one or two panels; meanwhile what is pending is finished, and what is computed here comes next.
INLINE void amx_block(
    const cvector_product *p, const finishing how, size_t row, size_t rows, size_t panel, const bool is_wide,
    const bool is_high, amx_pending *pending, float *sums) {
  const size_t steps = (p->inner + 31) / 32, a_bytes = p->a_stride * 2;
  const char *upper = (const char *)p->a + row * a_bytes, *lower = upper + 16 * a_bytes;
  const char *left = (const char *)p->b + panel * steps * 1024, *right = left + steps * 1024;
  const size_t at_once = (32 + steps - 1) / steps;
  _tile_zero(0);
  if (is_wide) _tile_zero(1);
  if (is_high) _tile_zero(2);
  if (is_wide && is_high) _tile_zero(3);
  for (size_t k = 0; k < p->inner / 32; k++) {
    amx_step(upper + k * 64, lower + k * 64, a_bytes, left + k * 1024, right + k * 1024, is_wide, is_high);
    if (how != stored) finish_rows(p, how, pending, at_once);
  }
  if (p->inner % 32) {
    // What is left of each row, with zeros after it: beyond may be anything.
    uint16_t rest[32 * 32] __attribute__((aligned(64)));
    const size_t k = p->inner / 32;
    memset(rest, 0, sizeof rest);
    for (size_t r = 0; r < rows; r++) memcpy(rest + r * 32, upper + r * a_bytes + k * 64, p->inner % 32 * sizeof *rest);
    amx_step((const char *)rest, (const char *)(rest + 16 * 32), 64, left + k * 1024, right + k * 1024, is_wide, is_high);
  }
  const size_t column = panel * 16;
  float *target = how == stored ? (float *)p->out + row * p->out_stride + column : sums;
  const size_t stride = how == stored ? p->out_stride : 32;
  _tile_stored(0, target, stride * 4);
  if (is_wide) _tile_stored(1, target + 16, stride * 4);
  if (is_high) _tile_stored(2, target + 16 * stride, stride * 4);
  if (is_wide && is_high) _tile_stored(3, target + 16 * stride + 16, stride * 4);
  if (how == stored) return;
  finish_rows(p, how, pending, 32);
  *pending = (amx_pending){.sums = sums, .row = row, .rows = rows, .column = column};
  if (how != any_finish && p->bias) pending->left = load(p->bias + column), pending->right = load(p->bias + column + 16);
}

// Rows of which all blocks but the last have 32.
INLINE void amx_blocks(const cvector_product *p, const finishing how, size_t row, size_t rows, const bool is_high) {
  const size_t panels = (p->columns + 15) / 16;
  float sums[2][32 * 32] __attribute__((aligned(64)));
  amx_pending pending = {.rows = 0};
  size_t turn = 0;
  for (size_t panel = 0; panel + 2 <= panels; panel += 2) {
    for (size_t r = row; r < row + rows; r += 32, turn++) {
      amx_block(p, how, r, row + rows - r < 32 ? row + rows - r : 32, panel, true, is_high, &pending, sums[turn % 2]);
    }
  }
  if (panels % 2) {
    for (size_t r = row; r < row + rows; r += 32, turn++) {
      const size_t count = row + rows - r < 32 ? row + rows - r : 32;
      amx_block(p, how, r, count, panels - 1, false, is_high, &pending, sums[turn % 2]);
    }
  }
  if (how != stored) finish_rows(p, how, &pending, 32);
}

#define DEFINE_AMX_BLOCKS(how)                                                                                         \
  static void amx_blocks_##how(const cvector_product *p, size_t row, size_t rows, bool is_high) {                      \
    if (is_high) {                                                                                                     \
      amx_blocks(p, how, row, rows, true);                                                                             \
    } else {                                                                                                           \
      amx_blocks(p, how, row, rows, false);                                                                            \
    }                                                                                                                  \
  }
DEFINE_AMX_BLOCKS(stored)
DEFINE_AMX_BLOCKS(narrowed_out)
DEFINE_AMX_BLOCKS(activated_out)
DEFINE_AMX_BLOCKS(added_out)
DEFINE_AMX_BLOCKS(any_finish)

static void amx_multiply_bf16(const cvector_product *p) {
  void (*const blocks[])(const cvector_product *, size_t, size_t, bool) = {
      [stored] = amx_blocks_stored, [narrowed_out] = amx_blocks_narrowed_out,
      [activated_out] = amx_blocks_activated_out, [added_out] = amx_blocks_added_out,
      [any_finish] = amx_blocks_any_finish,
  };
  const finishing how = finishing_of(p);
  const size_t whole = p->rows / 32 * 32, rest = p->rows - whole;
  if (whole) {
    shape_tiles(16, 16);
    blocks[how](p, 0, whole, true);
  }
  if (rest) {
    shape_tiles(rest < 16 ? (int)rest : 16, rest > 16 ? (int)rest - 16 : 1);
    blocks[how](p, whole, rest, rest > 16);
  }
  _tile_release();
}

// The largest of a row of scores, 64 columns at a time so that no comparison waits for the one before.
INLINE float largest_score(const float *row, size_t columns) {
  const __m512 least = _mm512_set1_ps(-INFINITY);
  __m512 most[4] = {least, least, least, least};
  size_t i = 0;
  for (; i + 64 <= columns; i += 64) {
    UNROLLED for (int part = 0; part < 4; part++) {
      most[part] = _mm512_max_ps(_mm512_loadu_ps(row + i + part * 16), most[part]);
    }
  }
  for (; i < columns; i += 16) {
    const __mmask16 there = columns - i < 16 ? (1u << (columns - i)) - 1 : 0xffff;
    most[0] = _mm512_mask_max_ps(most[0], there, _mm512_maskz_loadu_ps(there, row + i), most[0]);
  }
  return _mm512_reduce_max_ps(_mm512_max_ps(_mm512_max_ps(most[0], most[1]), _mm512_max_ps(most[2], most[3])));
}

// A row of scores to 2^(scale * score - top) in bfloat16, with zeros up to `padded` columns; returns their sum.
INLINE float weigh_scores(const float *row, uint16_t *weights, float scale, float top, size_t columns, size_t padded) {
  const __m512 factors = _mm512_set1_ps(scale), shift = _mm512_set1_ps(-top);
  __m512 totals[4] = {0};
  size_t i = 0;
  for (; i + 64 <= columns; i += 64) {
    __m512 w[4];
    UNROLLED for (int part = 0; part < 4; part++) {
      w[part] = power_of_two(_mm512_fmadd_ps(_mm512_loadu_ps(row + i + part * 16), factors, shift), false);
      totals[part] += w[part];
    }
    _mm512_storeu_si512(weights + i, (__m512i)_mm512_cvtne2ps_pbh(w[1], w[0]));
    _mm512_storeu_si512(weights + i + 32, (__m512i)_mm512_cvtne2ps_pbh(w[3], w[2]));
  }
  for (; i < padded; i += 16) {
    const size_t left = i < columns ? columns - i : 0;
    const __mmask16 there = left < 16 ? (1u << left) - 1 : 0xffff;
    const __m512 x = _mm512_maskz_loadu_ps(there, row + i);
    const __m512 w = _mm512_maskz_mov_ps(there, power_of_two(_mm512_fmadd_ps(x, factors, shift), false));
    totals[0] += w;
    _mm256_storeu_si256((__m256i *)(weights + i), (__m256i)_mm512_cvtneps_pbh(w));
  }
  return _mm512_reduce_add_ps(totals[0] + totals[1] + (totals[2] + totals[3]));
}

// Weights of the softmax of up to 32 queries and one piece of the keys, computed row by row while sums of products are.
typedef struct {
  float *scores;
  uint16_t *weights;
  float *largest, *totals, *factors;
  size_t keys, row, rows;
  // The largest score of the next row, which is looked for a row ahead so that nothing waits for it.
  float found;
  // A row is due whenever the steps of products that go by have made up one.
  size_t progress, steps;
} amx_softmax;

INLINE void weigh_rows(const cvector_attention_block *b, amx_softmax *softmax, size_t count) {
  const size_t padded = (softmax->keys + 31) / 32 * 32;
  for (; count && softmax->row < softmax->rows; count--, softmax->row++) {
    const size_t r = softmax->row;
    const float before = softmax->largest[r], top = softmax->found > before ? softmax->found : before;
    const float *scores = softmax->scores + r * b->scores_stride;
    const float sum = weigh_scores(
        scores, softmax->weights + r * b->weights_stride, b->scale, top * b->scale, softmax->keys, padded);
    if (r + 1 < softmax->rows) softmax->found = largest_score(scores + b->scores_stride, softmax->keys);
    const float factor = power_of_two((vector)((before - top) * b->scale), true)[0];
    softmax->factors[r] = factor;
    softmax->totals[r] = softmax->totals[r] * factor + sum;
    softmax->largest[r] = top;
  }
}

INLINE void weigh_meanwhile(const cvector_attention_block *b, amx_softmax *softmax) {
  softmax->progress += softmax->rows;
  if (softmax->progress >= softmax->steps) {
    softmax->progress -= softmax->steps;
    weigh_rows(b, softmax, 1);
  }
}

// Plain sums of 32 rows times all panels; on top of what `out` holds where `adds`.
INLINE void amx_sums(
    const uint16_t *a, size_t a_stride, const char *packed, size_t steps, size_t panels, float *out, size_t stride,
    const bool adds, const cvector_attention_block *b, amx_softmax *softmax) {
  const size_t bytes = stride * sizeof *out, a_bytes = a_stride * sizeof *a;
  const char *upper = (const char *)a, *lower = upper + 16 * a_bytes;
  for (size_t panel = 0; panel < panels; panel += 2) {
    const char *left = packed + panel * steps * 1024, *right = left + steps * 1024;
    const bool is_wide = panel + 1 < panels;
    float *target = out + panel * 16, *below = target + 16 * stride;
    if (adds) {
      _tile_loadd(0, target, bytes);
      _tile_loadd(2, below, bytes);
      if (is_wide) {
        _tile_loadd(1, target + 16, bytes);
        _tile_loadd(3, below + 16, bytes);
      }
    } else {
      _tile_zero(0);
      _tile_zero(1);
      _tile_zero(2);
      _tile_zero(3);
    }
    if (is_wide) {
      for (size_t k = 0; k < steps; k++) {
        amx_step(upper + k * 64, lower + k * 64, a_bytes, left + k * 1024, right + k * 1024, true, true);
        weigh_meanwhile(b, softmax);
      }
      _tile_stored(1, target + 16, bytes);
      _tile_stored(3, below + 16, bytes);
    } else {
      for (size_t k = 0; k < steps; k++) {
        amx_step(upper + k * 64, lower + k * 64, a_bytes, left + k * 1024, right + k * 1024, false, true);
        weigh_meanwhile(b, softmax);
      }
    }
    _tile_stored(0, target, bytes);
    _tile_stored(2, below, bytes);
  }
}

// As attention.c has it, in units of 32 queries and a piece of the keys. While one unit's scores are computed, the weights of
// the one before it are, and the values of the one before that are summed: products and the softmax need different parts
// of the processor. Rows are copied so that 32 divide them and their numbers.
static void amx_attend_block(const cvector_attention *a, const cvector_attention_block *b) {
  const size_t steps = (a->dim + 31) / 32, q_stride = steps * 32;
  for (size_t r = 0; r < b->count; r++) {
    uint16_t *row = b->queries + r * q_stride;
    memcpy(row, (const uint16_t *)a->q + (b->first + r) * a->q_stride, a->dim * sizeof *row);
    if (a->dim < q_stride) memset(row + a->dim, 0, (q_stride - a->dim) * sizeof *row);
  }
  const size_t value_panels = (a->value_dim + 15) / 16, pairs = (value_panels + 1) / 2;
  const size_t across = (b->count + 31) / 32, pieces = (a->keys + cvector_keys_at_once - 1) / cvector_keys_at_once;
  const size_t units = across * pieces;
  shape_tiles(16, 16);
  // How many keys a unit has.
#define KEYS_OF(unit)                                                                                                  \
  ((unit) / across + 1 < pieces ? (size_t)cvector_keys_at_once : a->keys - (unit) / across * cvector_keys_at_once)
  for (size_t time = 0; time < units + 2; time++) {
    const bool scores_now = time < units, weighs_now = time >= 1 && time <= units, sums_now = time >= 2;
    amx_softmax softmax = {.rows = 0};
    if (weighs_now) {
      const size_t unit = time - 1, turn = unit % 2 * 32, first = unit % across * 32;
      softmax = (amx_softmax){
          .scores = b->scores + turn * b->scores_stride, .weights = b->weights + turn * b->weights_stride,
          .largest = b->largest + first, .totals = b->totals + first, .factors = b->factors + turn,
          .keys = KEYS_OF(unit), .rows = b->count - first < 32 ? b->count - first : 32,
      };
      softmax.found = largest_score(softmax.scores, softmax.keys);
    }
    if (scores_now) softmax.steps += (KEYS_OF(time) + 31) / 32 * steps;
    if (sums_now) softmax.steps += (KEYS_OF(time - 2) + 31) / 32 * pairs;
    if (scores_now) {
      amx_sums(
          b->queries + time % across * 32 * q_stride, q_stride, (const char *)a->k + time / across * b->key_bytes, steps,
          (KEYS_OF(time) + 15) / 16, b->scores + time % 2 * 32 * b->scores_stride, b->scores_stride, false, b, &softmax);
    }
    if (sums_now) {
      const size_t unit = time - 2, turn = unit % 2 * 32, first = unit % across * 32;
      const size_t rows = b->count - first < 32 ? b->count - first : 32, key_steps = (KEYS_OF(unit) + 31) / 32;
      const uint16_t *weights = b->weights + turn * b->weights_stride;
      const char *values = (const char *)a->v + unit / across * b->value_bytes;
      float *sums = b->sums + first * b->sums_stride;
      if (unit >= across) {
        scale_rows(
            cvector_f32, sums, b->sums_stride, b->factors + turn, sums, b->sums_stride, rows, a->value_dim);
        amx_sums(
            weights, b->weights_stride, values, key_steps, value_panels, sums, b->sums_stride, true, b, &softmax);
      } else {
        amx_sums(
            weights, b->weights_stride, values, key_steps, value_panels, sums, b->sums_stride, false, b, &softmax);
      }
    }
    weigh_rows(b, &softmax, 32);
  }
#undef KEYS_OF
  _tile_release();
}
#pragma clang attribute pop

const cvector_level cvector_level_amx = {
    .multiply_bf16 = amx_multiply_bf16, .multiplies_bf16 = true, .attend_block = amx_attend_block, SHARED_FUNCTIONS,
};
#endif
