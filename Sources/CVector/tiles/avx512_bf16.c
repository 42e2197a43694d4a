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
static void shape_tiles(int upper, int lower) {
  const cvector_tile_shapes shapes = cvector_product_shapes(upper, lower);
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

// How many blocks of scores wait at most, and the queries and the keys of a block and a unit.
enum { most_waiting = 8, unit_rows = 32, block_columns = 32 };
// A weight is 2^(score - shift), and the shift is the largest score of a query's first keys. Sums of weights keep their precision
// as long as they stay below this.
#define MOST_WEIGHTS 0x1p80f

// Blocks of scores that become weights while products are computed: those of one unit of queries and a piece of the keys.
typedef struct {
  // [most_waiting, unit_rows, block_columns]
  float *waiting;
  // [columns] of bfloat16, in rows `weights_stride` apart.
  uint16_t *weights;
  size_t weights_stride;
  // A vector of sums and a shift for each row.
  float (*totals)[16];
  float *shifts;
  float scale;
  size_t rows, columns;
  // How many blocks there are, how many are done, and how many rows of the next one.
  size_t made, done, row;
  // How many rows are due with each step of products.
  size_t due;
} amx_weighing;

INLINE float *waiting_block(const amx_weighing *w, size_t block) {
  return w->waiting + block % most_waiting * (unit_rows * block_columns);
}

INLINE void weigh_rows(amx_weighing *w, size_t count) {
  const __m512 scale = _mm512_set1_ps(w->scale);
  for (; count && w->done < w->made; count--) {
    const float *scores = waiting_block(w, w->done) + w->row * block_columns;
    const size_t column = w->done * block_columns;
    const __m512 shift = _mm512_set1_ps(-w->shifts[w->row]);
    __m512 first = power_of_two(_mm512_fmadd_ps(_mm512_load_ps(scores), scale, shift), false);
    __m512 second = power_of_two(_mm512_fmadd_ps(_mm512_load_ps(scores + 16), scale, shift), false);
    if (column + block_columns > w->columns) {
      const uint32_t there = (1u << (w->columns - column)) - 1;
      first = _mm512_maskz_mov_ps((__mmask16)there, first);
      second = _mm512_maskz_mov_ps((__mmask16)(there >> 16), second);
    }
    float *total = w->totals[w->row];
    _mm512_store_ps(total, _mm512_load_ps(total) + (first + second));
    _mm512_storeu_si512(
        w->weights + w->row * w->weights_stride + column, (__m512i)_mm512_cvtne2ps_pbh(second, first));
    if (++w->row == w->rows) w->row = 0, w->done++;
  }
}

// Sums of 32 rows times one or two panels go on; meanwhile rows of scores become weights.
INLINE void amx_steps(
    amx_weighing *w, const char *a, size_t a_bytes, const char *panels, size_t steps, const bool is_wide) {
  for (size_t k = 0; k < steps; k++) {
    amx_step(
        a + k * 64, a + 16 * a_bytes + k * 64, a_bytes, panels + k * 1024, panels + (steps + k) * 1024, is_wide, true);
    weigh_rows(w, w->due);
  }
}

// Scores of 32 queries and up to 32 keys, a block that waits to be weighed.
INLINE void amx_scores(
    amx_weighing *w, const char *queries, size_t query_bytes, const char *keys, size_t steps, const bool is_wide) {
  // One that waits makes room.
  while (w->made - w->done == most_waiting) weigh_rows(w, w->rows);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  amx_steps(w, queries, query_bytes, keys, steps, is_wide);
  float *scores = waiting_block(w, w->made);
  _tile_stored(0, scores, block_columns * 4);
  _tile_stored(1, scores + 16, block_columns * 4);
  _tile_stored(2, scores + 16 * block_columns, block_columns * 4);
  _tile_stored(3, scores + 16 * block_columns + 16, block_columns * 4);
  w->made++;
}

// Sums of up to 32 numbers of values by the weights of 32 queries, on top of what is there where `adds`.
INLINE void amx_values(
    amx_weighing *w, const char *weights, size_t weight_bytes, const char *values, size_t steps, const bool is_wide,
    float *sums, size_t stride, const bool adds) {
  const size_t bytes = stride * sizeof *sums;
  float *below = sums + 16 * stride;
  if (adds) {
    _tile_loadd(0, sums, bytes);
    _tile_loadd(2, below, bytes);
    if (is_wide) {
      _tile_loadd(1, sums + 16, bytes);
      _tile_loadd(3, below + 16, bytes);
    }
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  amx_steps(w, weights, weight_bytes, values, steps, is_wide);
  _tile_stored(0, sums, bytes);
  _tile_stored(2, below, bytes);
  if (is_wide) {
    _tile_stored(1, sums + 16, bytes);
    _tile_stored(3, below + 16, bytes);
  }
}

// The largest of each row's first scores, times the scale.
static void find_shifts(const float *scores, size_t columns, size_t rows, float scale, float *shifts) {
  const uint32_t there = columns < block_columns ? (1u << columns) - 1 : UINT32_MAX;
  const __m512 least = _mm512_set1_ps(-INFINITY);
  for (size_t r = 0; r < rows; r++, scores += block_columns) {
    const __m512 first = _mm512_mask_load_ps(least, (__mmask16)there, scores);
    const __m512 second = _mm512_mask_load_ps(least, (__mmask16)(there >> 16), scores + 16);
    shifts[r] = _mm512_reduce_max_ps(_mm512_max_ps(first, second)) * scale;
  }
}

// As attention.c has it, in units of 32 queries and a piece of the keys: scores are never stored but for a few blocks that
// wait to become weights, which is done while the next scores are computed and the values of the unit before are summed:
// products and powers need different parts of the processor. There is no largest score to look for before: numbers of
// bfloat16 reach as far as those of Float32, so any of a query's scores does for a shift that isn't too far below the
// largest. Where it is, false is returned, and the sums are none.
static bool amx_attend_block(const cvector_attention *a, const cvector_attention_block *b) {
  const size_t steps = (a->dim + 31) / 32, q_stride = steps * 32;
  for (size_t r = 0; r < b->count; r++) {
    uint16_t *row = b->queries + r * q_stride;
    memcpy(row, (const uint16_t *)a->q + (b->first + r) * a->q_stride, a->dim * sizeof *row);
    if (a->dim < q_stride) memset(row + a->dim, 0, (q_stride - a->dim) * sizeof *row);
  }
  const size_t value_panels = (a->value_dim + 15) / 16, pairs = (value_panels + 1) / 2;
  const size_t across = (b->count + unit_rows - 1) / unit_rows;
  const size_t pieces = (a->keys + cvector_keys_at_once - 1) / cvector_keys_at_once, units = across * pieces;
  float totals[cvector_queries_at_once][16] __attribute__((aligned(64))) = {{0}};
  float shifts[cvector_queries_at_once];
  float waiting[most_waiting * unit_rows * block_columns] __attribute__((aligned(64)));
  shape_tiles(16, 16);
  // How many keys a unit has.
#define KEYS_OF(unit)                                                                                                  \
  ((unit) / across + 1 < pieces ? (size_t)cvector_keys_at_once : a->keys - (unit) / across * cvector_keys_at_once)
  for (size_t time = 0; time <= units; time++) {
    size_t blocks = 0, sums = 0, key_steps = 0;
    amx_weighing w = {.waiting = waiting, .weights_stride = b->weights_stride, .scale = b->scale};
    if (time < units) {
      const size_t first = time % across * unit_rows, keys = KEYS_OF(time);
      blocks = (keys + block_columns - 1) / block_columns;
      w.weights = b->weights + time % 2 * unit_rows * b->weights_stride;
      w.totals = totals + first, w.shifts = shifts + first;
      w.rows = b->count - first < unit_rows ? b->count - first : unit_rows;
      w.columns = keys;
    }
    if (time >= 1) {
      key_steps = (KEYS_OF(time - 1) + 31) / 32;
      sums = pairs;
    }
    const size_t all_steps = blocks * steps + sums * key_steps;
    w.due = (blocks * w.rows + all_steps - 1) / all_steps;
    for (size_t block = 0, sum = 0; block < blocks || sum < sums;) {
      // Values as evenly between scores as they go; the last scores are weighed beside the last values.
      if (block < blocks && (sum + 1) * blocks >= block * sums) {
        const char *keys = (const char *)a->k + time / across * b->key_bytes + block * 2 * steps * 1024;
        const char *queries = (const char *)(b->queries + time % across * unit_rows * q_stride);
        if (w.columns - block * block_columns > 16) {
          amx_scores(&w, queries, q_stride * 2, keys, steps, true);
        } else {
          amx_scores(&w, queries, q_stride * 2, keys, steps, false);
        }
        if (time < across && block == 0) find_shifts(waiting, w.columns, w.rows, w.scale, w.shifts);
        block++;
      } else {
        const size_t unit = time - 1;
        const char *weights = (const char *)(b->weights + unit % 2 * unit_rows * b->weights_stride);
        const char *values = (const char *)a->v + unit / across * b->value_bytes + sum * 2 * key_steps * 1024;
        float *target = b->sums + unit % across * unit_rows * b->sums_stride + sum * 32;
        if (sum * 2 + 1 < value_panels) {
          amx_values(
              &w, weights, b->weights_stride * 2, values, key_steps, true, target, b->sums_stride, unit >= across);
        } else {
          amx_values(
              &w, weights, b->weights_stride * 2, values, key_steps, false, target, b->sums_stride, unit >= across);
        }
        sum++;
      }
    }
    while (w.done < w.made) weigh_rows(&w, w.rows);
  }
#undef KEYS_OF
  _tile_release();
  bool is_whole = true;
  for (size_t r = 0; r < b->count; r++) {
    b->totals[r] = _mm512_reduce_add_ps(_mm512_load_ps(totals[r]));
    is_whole = is_whole && b->totals[r] < MOST_WEIGHTS;
  }
  return is_whole;
}
#pragma clang attribute pop

const cvector_level cvector_level_amx = {
    .multiply_bf16 = amx_multiply_bf16, .multiplies_bf16 = true, .attend_block = amx_attend_block, SHARED_FUNCTIONS,
};
#endif
