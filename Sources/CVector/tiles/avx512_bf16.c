// The tiles' functions with AVX-512 and its products of bfloat16; and with AMX, whose registers hold 16 by 16 sums.
#if defined(__x86_64__)
#include "avx512_bf16.h"

#pragma clang attribute push(__attribute__((target(WITH_BF16))), apply_to = function)
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

#pragma clang attribute push(__attribute__((target(WITH_BF16 ",avx512vbmi,avx512vnni,amx-tile,amx-bf16,amx-int8"))), apply_to = function)
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

// Sums of up to 32 rows and columns: in the registers, then where they are stored, then finished from there.
typedef struct {
  float *sums;
  size_t stride, row, rows, column;
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

// 32 numbers of up to 32 rows and of one or two panels.
typedef struct {
  const char *above, *below;
  size_t row_bytes;
  const char *left, *right;
} amx_operands;

// 32 numbers more of up to 32 rows, times one or two panels; what the next step takes is loaded as soon as there is a register for
// it. Rows are finished meanwhile, so many after each pair of products. In the first of these what is in the registers goes
// where it belongs instead, a quarter before each product: where all products wait for all stores, blocks of 96 numbers take
// a fifth longer.
INLINE void amx_step(
    const cvector_product *p, const finishing how, amx_pending *pending, size_t at_once, const amx_operands *next,
    const bool is_first, const bool is_wide, const bool is_high) {
  float *out = pending->sums;
  const size_t bytes = pending->stride * 4;
  if (is_first) {
    _tile_stored(0, out, bytes);
    _tile_zero(0);
  }
  _tile_dpbf16ps(0, 4, 6);
  if (is_wide) {
    if (is_first) {
      _tile_stored(1, out + 16, bytes);
      _tile_zero(1);
    }
    _tile_dpbf16ps(1, 4, 7);
  }
  _tile_loadd(4, next->above, next->row_bytes);
  if (!is_first && how != stored) finish_rows(p, how, pending, at_once);
  if (is_high) {
    if (is_first) {
      _tile_stored(2, out + 16 * pending->stride, bytes);
      _tile_zero(2);
    }
    _tile_dpbf16ps(2, 5, 6);
  }
  _tile_loadd(6, next->left, 64);
  if (is_high && is_wide) {
    if (is_first) {
      _tile_stored(3, out + 16 * pending->stride + 16, bytes);
      _tile_zero(3);
    }
    _tile_dpbf16ps(3, 5, 7);
  }
  if (is_wide) _tile_loadd(7, next->right, 64);
  if (is_high) _tile_loadd(5, next->below, next->row_bytes);
  if (!is_first && how != stored) finish_rows(p, how, pending, at_once);
}

INLINE void amx_load(const amx_operands *operands, const bool is_wide, const bool is_high) {
  _tile_loadd(4, operands->above, operands->row_bytes);
  _tile_loadd(6, operands->left, 64);
  if (is_wide) _tile_loadd(7, operands->right, 64);
  if (is_high) _tile_loadd(5, operands->below, operands->row_bytes);
}

// The first step of a block; of rows that are shorter than a step it is `rest`.
INLINE amx_operands first_operands(const cvector_product *p, size_t row, size_t panel, const uint16_t *rest) {
  const size_t steps = (p->inner + 31) / 32;
  amx_operands first = {.row_bytes = p->inner < 32 ? 64 : p->a_stride * 2};
  first.above = p->inner < 32 ? (const char *)rest : (const char *)p->a + row * first.row_bytes;
  first.below = first.above + 16 * first.row_bytes;
  first.left = (const char *)p->b + panel * steps * 1024;
  first.right = first.left + steps * 1024;
  return first;
}

// What is left of each row, with zeros after it: beyond may be anything.
INLINE void copy_rest(const cvector_product *p, size_t row, size_t rows, uint16_t *rest) {
  const size_t count = p->inner % 32;
  if (!count) return;
  memset(rest, 0, 32 * 32 * sizeof *rest);
  const uint16_t *from = (const uint16_t *)p->a + row * p->a_stride + p->inner / 32 * 32;
  for (size_t r = 0; r < rows; r++) memcpy(rest + r * 32, from + r * p->a_stride, count * sizeof *rest);
}

// Up to 32 rows times one or two panels, whose first operands are loaded, and whose sums stay in the registers; those of the block
// before are stored and finished meanwhile, and the first operands of the next block are loaded at the end.
INLINE void amx_block(
    const cvector_product *p, const finishing how, size_t row, size_t rows, size_t panel, const amx_operands *following,
    const uint16_t *rest, const bool is_wide, const bool is_high, amx_pending *pending, float *sums, const char **ahead,
    size_t lines) {
  const size_t steps = (p->inner + 31) / 32, whole = p->inner / 32;
  const size_t at_once = steps > 1 ? (16 + steps - 2) / (steps - 1) : 16;
  amx_operands next = first_operands(p, row, panel, rest);
  for (size_t k = 1; k <= steps; k++) {
    if (k < steps) {
      next.above += 64;
      if (k == whole) (next.above = (const char *)rest, next.row_bytes = 64);
      next.below = next.above + 16 * next.row_bytes;
      next.left += 1024;
      next.right += 1024;
    } else {
      next = *following;
    }
    cvector_fetch_lines(ahead, lines);
    if (k == 1) {
      amx_step(p, how, pending, 0, &next, true, is_wide, is_high);
    } else {
      amx_step(p, how, pending, at_once, &next, false, is_wide, is_high);
    }
  }
  const size_t column = panel * 16;
  if (how == stored) {
    (pending->sums = (float *)p->out + row * p->out_stride + column, pending->stride = p->out_stride);
    return;
  }
  finish_rows(p, how, pending, 32);
  *pending = (amx_pending){.sums = sums, .stride = 32, .row = row, .rows = rows, .column = column};
  if (how != any_finish && p->bias) pending->left = load(p->bias + column), pending->right = load(p->bias + column + 16);
}

// Rows of which all blocks but the last have 32, times some panels, two or one at a time.
INLINE void amx_panels(
    const cvector_product *p, const finishing how, size_t row, size_t rows, size_t panel, size_t end, const bool is_wide,
    const bool is_high) {
  const size_t panel_bytes = (p->inner + 31) / 32 * 1024, blocks = (rows + 31) / 32, last = row + rows;
  float sums[32 * 32] __attribute__((aligned(64)));
  uint16_t rest[32 * 32] __attribute__((aligned(64)));
  amx_pending pending = {.sums = sums, .stride = 32};
  const amx_operands first = first_operands(p, row, panel, rest);
  if (p->inner >= 32) amx_load(&first, is_wide, is_high);
  for (; panel < end; panel += is_wide ? 2 : 1) {
    const char *ahead = (const char *)p->b + (panel + 2) * panel_bytes;
    const size_t lines = panel + 4 <= end ? cvector_lines_ahead(panel_bytes, end, blocks) : 0;
    for (size_t r = row; r < last; r += 32) {
      copy_rest(p, r, last - r < 32 ? last - r : 32, rest);
      const bool is_last = r + 32 >= last, is_end = is_last && panel + (is_wide ? 2 : 1) >= end;
      // After the last block its own first operands are loaded again, and not used.
      const amx_operands own = first_operands(p, r, panel, rest);
      const amx_operands following =
          is_end ? own : first_operands(p, is_last ? row : r + 32, panel + (!is_last ? 0 : is_wide ? 2 : 1), rest);
      if (p->inner < 32) amx_load(&own, is_wide, is_high);
      amx_block(
          p, how, r, last - r < 32 ? last - r : 32, panel, &following, rest, is_wide, is_high, &pending, sums, &ahead, lines);
    }
  }
  const size_t bytes = pending.stride * 4;
  _tile_stored(0, pending.sums, bytes);
  if (is_wide) _tile_stored(1, pending.sums + 16, bytes);
  if (is_high) _tile_stored(2, pending.sums + 16 * pending.stride, bytes);
  if (is_wide && is_high) _tile_stored(3, pending.sums + 16 * pending.stride + 16, bytes);
  if (how != stored) finish_rows(p, how, &pending, 32);
}

INLINE void amx_blocks(const cvector_product *p, const finishing how, size_t row, size_t rows, const bool is_high) {
  const size_t panels = (p->columns + 15) / 16, even = panels / 2 * 2;
  if (even) amx_panels(p, how, row, rows, 0, even, true, is_high);
  if (panels > even) amx_panels(p, how, row, rows, even, panels, false, is_high);
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

#include "amx_attention.h"
#include "amx_byte_attention.h"
#pragma clang attribute pop

const cvector_level cvector_level_amx = {
    .multiply_bf16 = amx_multiply_bf16, .multiplies_bf16 = true, .attend_block = amx_attend_block,
    .attend_block_of_bytes = amx_attend_block_of_bytes, .attention_bytes = sizeof(byte_memory), SHARED_FUNCTIONS,
};
#endif
