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

// Up to 32 rows times one or two panels.
INLINE void amx_block(
    const cvector_product *p, size_t row, size_t rows, size_t panel, const bool is_wide, const bool is_high) {
  const size_t steps = (p->inner + 31) / 32, a_bytes = p->a_stride * 2;
  const char *upper = (const char *)p->a + row * a_bytes, *lower = upper + 16 * a_bytes;
  const char *left = (const char *)p->b + panel * steps * 1024, *right = left + steps * 1024;
  _tile_zero(0);
  if (is_wide) _tile_zero(1);
  if (is_high) _tile_zero(2);
  if (is_wide && is_high) _tile_zero(3);
  for (size_t k = 0; k < steps; k++) {
    uint16_t rest[32 * 32] __attribute__((aligned(64)));
    size_t row_bytes = a_bytes;
    const char *above = upper + k * 64, *below = lower + k * 64;
    if (k == p->inner / 32) {
      // What is left of each row, with zeros after it: beyond may be anything.
      memset(rest, 0, sizeof rest);
      for (size_t r = 0; r < rows; r++) memcpy(rest + r * 32, above + r * a_bytes, p->inner % 32 * sizeof *rest);
      above = (const char *)rest, below = above + 16 * 64, row_bytes = 64;
    }
    _tile_loadd(6, left + k * 1024, 64);
    _tile_loadd(4, above, row_bytes);
    _tile_dpbf16ps(0, 4, 6);
    if (is_wide) {
      _tile_loadd(7, right + k * 1024, 64);
      _tile_dpbf16ps(1, 4, 7);
    }
    if (is_high) {
      _tile_loadd(5, below, row_bytes);
      _tile_dpbf16ps(2, 5, 6);
      if (is_wide) _tile_dpbf16ps(3, 5, 7);
    }
  }
  // Plain sums go where they belong; others by way of the first-level cache, where they are finished.
  const size_t column = panel * 16, wide = is_wide ? 32 : 16;
  const bool is_plain = !p->bias && !p->row_bias && !p->activation && !p->scale && !p->added && p->out_kind == cvector_f32 &&
                        column + wide <= p->columns;
  float sums[32 * 32] __attribute__((aligned(64)));
  float *target = is_plain ? (float *)p->out + row * p->out_stride + column : sums;
  const size_t stride = is_plain ? p->out_stride : 32;
  _tile_stored(0, target, stride * 4);
  if (is_wide) _tile_stored(1, target + 16, stride * 4);
  if (is_high) _tile_stored(2, target + 16 * stride, stride * 4);
  if (is_wide && is_high) _tile_stored(3, target + 16 * stride + 16, stride * 4);
  if (is_plain) return;
  for (size_t r = 0; r < rows; r++) {
    finish(p, load(sums + r * 32), row + r, column);
    if (is_wide) finish(p, load(sums + r * 32 + 16), row + r, column + 16);
  }
}

static void amx_blocks(const cvector_product *p, size_t row, size_t rows, const bool is_high) {
  const size_t panels = (p->columns + 15) / 16;
  for (size_t panel = 0; panel + 2 <= panels; panel += 2) {
    for (size_t r = row; r < row + rows; r += 32) {
      amx_block(p, r, row + rows - r < 32 ? row + rows - r : 32, panel, true, is_high);
    }
  }
  if (panels % 2) {
    for (size_t r = row; r < row + rows; r += 32) {
      amx_block(p, r, row + rows - r < 32 ? row + rows - r : 32, panels - 1, false, is_high);
    }
  }
}

static void amx_multiply_bf16(const cvector_product *p) {
  const size_t whole = p->rows / 32 * 32, rest = p->rows - whole;
  if (whole) {
    shape_tiles(16, 16);
    amx_blocks(p, 0, whole, true);
  }
  if (rest) {
    shape_tiles(rest < 16 ? (int)rest : 16, rest > 16 ? (int)rest - 16 : 1);
    amx_blocks(p, whole, rest, rest > 16);
  }
  _tile_release();
}
// Plain sums of `rows` rows, a multiple of 32, times all panels; on top of what `out` holds where `adds`.
INLINE void amx_sums(
    const uint16_t *a, size_t a_stride, const char *b, size_t steps, size_t panels, size_t rows, float *out,
    size_t stride, const bool adds) {
  const size_t bytes = stride * sizeof *out;
  for (size_t panel = 0; panel < panels; panel += 2) {
    const char *left = b + panel * steps * 1024, *right = left + steps * 1024;
    const bool is_wide = panel + 1 < panels;
    for (size_t r = 0; r < rows; r += 32) {
      const uint16_t *upper = a + r * a_stride, *lower = upper + 16 * a_stride;
      float *target = out + r * stride + panel * 16, *below = target + 16 * stride;
      if (adds) {
        _tile_loadd(0, target, bytes);
        _tile_loadd(2, below, bytes);
      } else {
        _tile_zero(0);
        _tile_zero(2);
      }
      if (is_wide) {
        if (adds) {
          _tile_loadd(1, target + 16, bytes);
          _tile_loadd(3, below + 16, bytes);
        } else {
          _tile_zero(1);
          _tile_zero(3);
        }
        for (size_t k = 0; k < steps; k++) {
          _tile_loadd(6, left + k * 1024, 64);
          _tile_loadd(4, upper + k * 32, a_stride * 2);
          _tile_dpbf16ps(0, 4, 6);
          _tile_loadd(7, right + k * 1024, 64);
          _tile_dpbf16ps(1, 4, 7);
          _tile_loadd(5, lower + k * 32, a_stride * 2);
          _tile_dpbf16ps(2, 5, 6);
          _tile_dpbf16ps(3, 5, 7);
        }
        _tile_stored(1, target + 16, bytes);
        _tile_stored(3, below + 16, bytes);
      } else {
        for (size_t k = 0; k < steps; k++) {
          _tile_loadd(6, left + k * 1024, 64);
          _tile_loadd(4, upper + k * 32, a_stride * 2);
          _tile_dpbf16ps(0, 4, 6);
          _tile_loadd(5, lower + k * 32, a_stride * 2);
          _tile_dpbf16ps(2, 5, 6);
        }
      }
      _tile_stored(0, target, bytes);
      _tile_stored(2, below, bytes);
    }
  }
}

// As attention.c has it, with registers shaped once: rows are copied so that 32 divide them and their numbers.
static void amx_attend_block(const cvector_attention *a, const cvector_attention_block *block) {
  const size_t rows = (block->count + 31) / 32 * 32, steps = (a->dim + 31) / 32, q_stride = steps * 32;
  for (size_t r = 0; r < block->count; r++) {
    uint16_t *row = block->queries + r * q_stride;
    memcpy(row, (const uint16_t *)a->q + (block->first + r) * a->q_stride, a->dim * sizeof *row);
    if (a->dim < q_stride) memset(row + a->dim, 0, (q_stride - a->dim) * sizeof *row);
  }
  const size_t value_panels = (a->value_dim + 15) / 16;
  shape_tiles(16, 16);
  for (size_t from = 0, index = 0; from < a->keys; from += cvector_keys_at_once, index++) {
    const size_t keys = a->keys - from < cvector_keys_at_once ? a->keys - from : cvector_keys_at_once;
    const size_t key_panels = (keys + 15) / 16, key_steps = (keys + 31) / 32;
    amx_sums(
        block->queries, q_stride, (const char *)a->k + index * block->key_bytes, steps, key_panels, rows, block->scores,
        block->scores_stride, false);
    weigh(
        cvector_bf16, block->scores, block->scores_stride, block->scale, block->count, keys, block->weights,
        block->weights_stride, key_steps * 32, block->largest, block->totals, block->factors);
    const char *values = (const char *)a->v + index * block->value_bytes;
    if (from) {
      scale_rows(
          cvector_f32, block->sums, block->sums_stride, block->factors, block->sums, block->sums_stride, block->count,
          a->value_dim);
      amx_sums(
          block->weights, block->weights_stride, values, key_steps, value_panels, rows, block->sums, block->sums_stride,
          true);
    } else {
      amx_sums(
          block->weights, block->weights_stride, values, key_steps, value_panels, rows, block->sums, block->sums_stride,
          false);
    }
  }
  _tile_release();
}
#pragma clang attribute pop

const cvector_level cvector_level_amx = {
    .multiply_bf16 = amx_multiply_bf16, .multiplies_bf16 = true, .attend_block = amx_attend_block, SHARED_FUNCTIONS,
};
#endif
