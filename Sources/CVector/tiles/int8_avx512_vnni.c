// Products of bytes with AVX-512 and VNNI, which adds up four in 32 bits; and with AMX, whose registers hold 16 by 16 sums.
#if defined(__x86_64__)
#include <immintrin.h>
#define WITH_VNNI "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma,avx2"
#pragma clang attribute push(__attribute__((target(WITH_VNNI))), apply_to = function)
#define LANES 16
#define TILE_ROWS 8
#define TILE_VECTORS 3
#define IN_WORD 4
#define TERM(sum, word, b)                                                                                             \
  ((whole_vector)_mm512_dpbusd_epi32((__m512i)(sum), _mm512_set1_epi32(word), (__m512i)(b)))
#include "../amx.h"
#include "int8_gelu.h"
#include "int8_template.h"
#include "int8_attention.h"

const cvector_int8_level cvector_int8_level_avx512_vnni = {
    .multiply = multiply, .step = 4, .has_gelu = has_gelu_in_steps, .score = score, .weigh = weigh, .join = join,
    SHARED_INT8_FUNCTIONS,
};
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target(WITH_VNNI ",avx512bf16,amx-tile,amx-int8"))), apply_to = function)
static void shape_tiles(int upper, int lower) {
  const cvector_tile_shapes shapes = cvector_product_shapes(upper, lower);
  _tile_loadconfig(&shapes);
}

// Sums of up to 32 rows and columns that are stored but not finished, and what their columns are finished with.
typedef struct {
  const int32_t *sums;
  size_t row, rows, column;
  vector factors[2], bias[2];
} pending_sums;

INLINE vector worth_of(const pending_sums *pending, size_t row, int half) {
  const whole_vector sums = load_words(pending->sums + row * 32 + half * 16);
  return __builtin_convertvector(sums, vector) * pending->factors[half] + pending->bias[half];
}

INLINE __m512i steps_as(const int8_job *job, const cvector_activation activation, vector v) {
  if (activation == cvector_gelu_activation) return (__m512i)GELU_STEPS(&job->pieces, v);
  if (activation == cvector_relu_activation) v = (vector)_mm512_max_ps(_mm512_setzero_ps(), (__m512)v);
  return (__m512i)steps_of(v * job->inverse);
}

// Finishes two rows of 32 columns, or of the last one. Activation and kind of the result are constant where this is inlined.
INLINE void finish_rows(
    const int8_job *job, const cvector_activation activation, const cvector_kind kind, pending_sums *pending) {
  const cvector_int8_product *p = job->p;
  const size_t row = pending->row, at = row * p->out_stride + pending->column;
  const size_t count = pending->rows < 2 ? 1 : 2;
  if (kind == cvector_u8) {
    // A row alone is computed twice.
    const size_t next = count - 1;
    const __m512i zero_point = _mm512_set1_epi16(p->out_range.zero_point);
    const __m512i upper = _mm512_packs_epi32(
        steps_as(job, activation, worth_of(pending, 0, 0)), steps_as(job, activation, worth_of(pending, 0, 1)));
    const __m512i lower = _mm512_packs_epi32(
        steps_as(job, activation, worth_of(pending, next, 0)), steps_as(job, activation, worth_of(pending, next, 1)));
    const __m512i mixed =
        _mm512_packus_epi16(_mm512_adds_epi16(upper, zero_point), _mm512_adds_epi16(lower, zero_point));
    // Every 128 bits hold 4 columns of the left half and of the right one for one row, then for the other.
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i bytes = _mm512_permutexvar_epi32(order, mixed);
    _mm256_storeu_si256((__m256i *)((uint8_t *)p->out + at), _mm512_castsi512_si256(bytes));
    if (next) {
      _mm256_storeu_si256((__m256i *)((uint8_t *)p->out + at + p->out_stride), _mm512_extracti64x4_epi64(bytes, 1));
    }
  } else {
    for (size_t r = 0; r < count; r++) {
      vector left = worth_of(pending, r, 0), right = worth_of(pending, r, 1);
      if (activation == cvector_relu_activation) {
        left = (vector)_mm512_max_ps(_mm512_setzero_ps(), (__m512)left);
        right = (vector)_mm512_max_ps(_mm512_setzero_ps(), (__m512)right);
      }
      if (p->added) {
        const float *added = p->added + (row + r) * p->added_stride + pending->column;
        left += load_some(added, 16);
        right += load_some(added + 16, 16);
      }
      if (kind == cvector_f32) {
        float *out = (float *)p->out + at + r * p->out_stride;
        _mm512_storeu_ps(out, (__m512)left);
        _mm512_storeu_ps(out + 16, (__m512)right);
      } else {
        const __m512bh both = _mm512_cvtne2ps_pbh((__m512)right, (__m512)left);
        _mm512_storeu_si512((uint16_t *)p->out + at + r * p->out_stride, (__m512i)both);
      }
    }
  }
  pending->row += count;
  pending->rows -= count;
  pending->sums += 32 * count;
}

// 64 bytes of up to 32 rows and of two panels.
typedef struct {
  const uint8_t *upper;
  const char *left, *right;
} amx_operands;

INLINE void amx_load(const amx_operands *operands, size_t stride, const bool is_high) {
  _tile_loadd(4, operands->upper, stride);
  _tile_loadd(6, operands->left, 64);
  _tile_loadd(7, operands->right, 64);
  if (is_high) _tile_loadd(5, operands->upper + 16 * stride, stride);
}

// Finishes up to so many pairs of rows more.
INLINE void finish_pairs(
    const int8_job *job, const cvector_activation activation, const cvector_kind kind, pending_sums *pending,
    size_t count) {
  for (; count && pending->rows; count--) finish_rows(job, activation, kind, pending);
}

// 64 bytes more of up to 32 rows times two panels: see avx512_bf16.c. The first of these stores what is in the registers to
// `sums`, and begins with the same row for all.
INLINE void amx_step(
    const int8_job *job, const cvector_activation activation, const cvector_kind kind, pending_sums *pending,
    size_t at_once, const amx_operands *next, const int32_t *starts, int32_t *sums, const bool is_first,
    const bool is_high) {
  const size_t stride = job->p->a_stride;
  if (is_first) {
    _tile_stored(0, sums, 128);
    _tile_loadd(0, starts, 0);
  }
  _tile_dpbusd(0, 4, 6);
  if (is_first) {
    _tile_stored(1, sums + 16, 128);
    _tile_loadd(1, starts + 16, 0);
  }
  _tile_dpbusd(1, 4, 7);
  _tile_loadd(4, next->upper, stride);
  finish_pairs(job, activation, kind, pending, at_once);
  if (is_high) {
    if (is_first) {
      _tile_stored(2, sums + 16 * 32, 128);
      _tile_loadd(2, starts, 0);
    }
    _tile_dpbusd(2, 5, 6);
  }
  _tile_loadd(6, next->left, 64);
  if (is_high) {
    if (is_first) {
      _tile_stored(3, sums + 16 * 32 + 16, 128);
      _tile_loadd(3, starts + 16, 0);
    }
    _tile_dpbusd(3, 5, 7);
  }
  _tile_loadd(7, next->right, 64);
  if (is_high) _tile_loadd(5, next->upper + 16 * stride, stride);
  finish_pairs(job, activation, kind, pending, at_once);
}

// The first step of a block.
INLINE amx_operands first_operands(const int8_job *job, size_t row, size_t column) {
  const char *panel = (const char *)job->p->b + column / 16 * job->panel_bytes + 64;
  return (amx_operands){
      .upper = job->p->a + row * job->p->a_stride, .left = panel, .right = panel + job->panel_bytes};
}

// Rows of which all blocks but the last have 32, times two panels of whole columns and the next two. A block's sums stay in the
// registers; while the next block is multiplied they are stored and finished: a processor has other units for this.
INLINE void amx_blocks(
    const int8_job *job, const cvector_activation activation, const cvector_kind kind, size_t first, size_t rows,
    const bool is_high) {
  const cvector_int8_product *p = job->p;
  const size_t steps = (p->inner + 63) / 64, at_once = (8 + steps - 1) / steps, last = first + rows;
  if (p->columns < 32) return;
  int32_t sums[2][32 * 32] __attribute__((aligned(64)));
  int32_t starts[32] __attribute__((aligned(64)));
  pending_sums pending = {.rows = 0}, next = {.rows = 0};
  amx_operands operands = first_operands(job, first, 0);
  amx_load(&operands, p->a_stride, is_high);
  size_t turn = 0;
  for (size_t column = 0; column + 32 <= p->columns; column += 32) {
    const char *panel = (const char *)p->b + column / 16 * job->panel_bytes, *ahead = panel + 2 * job->panel_bytes;
    const bool is_end = column + 64 > p->columns;
    const size_t lines = is_end ? 0 : cvector_lines_ahead(job->panel_bytes, (p->columns + 15) / 16, (rows + 31) / 32);
    const whole_vector taken = -(int32_t)p->a_range.zero_point;
    _mm512_store_si512(starts, (__m512i)(load_words(panel) * taken));
    _mm512_store_si512(starts + 16, (__m512i)(load_words(panel + job->panel_bytes) * taken));
    for (size_t row = first; row < last; row += 32, turn++) {
      for (size_t k = 1; k <= steps; k++) {
        if (k < steps) {
          (operands.upper += 64, operands.left += 1024, operands.right += 1024);
        } else {
          // The first of the next block, or of this one, which nobody uses, after the last.
          const bool is_last = row + 32 >= last;
          operands = is_last && is_end ? first_operands(job, row, column)
                                       : first_operands(job, is_last ? first : row + 32, is_last ? column + 32 : column);
        }
        cvector_fetch_lines(&ahead, lines);
        if (k == 1) {
          amx_step(job, activation, kind, &pending, at_once, &operands, starts, sums[turn % 2], true, is_high);
          finish_pairs(job, activation, kind, &pending, 16);
          pending = next;
        } else {
          amx_step(job, activation, kind, &pending, at_once, &operands, starts, NULL, false, is_high);
        }
      }
      next.sums = sums[(turn + 1) % 2];
      (next.row = row, next.column = column);
      next.rows = last - row < 32 ? last - row : 32;
      for (int half = 0; half < 2; half++) {
        const size_t at = column + 16 * half;
        next.factors[half] = load_some(p->scales + at, 16) * p->a_range.scale;
        next.bias[half] = p->bias ? load_some(p->bias + at, 16) : 0.0f;
      }
    }
  }
  int32_t *rest = sums[turn % 2];
  _tile_stored(0, rest, 128);
  _tile_stored(1, rest + 16, 128);
  if (is_high) {
    _tile_stored(2, rest + 16 * 32, 128);
    _tile_stored(3, rest + 16 * 32 + 16, 128);
  }
  finish_pairs(job, activation, kind, &pending, 16);
  finish_pairs(job, activation, kind, &next, 16);
}

// The columns after the last 32, one panel at a time.
static void amx_last_columns(const int8_job *job, size_t first, size_t rows, bool is_high) {
  const cvector_int8_product *p = job->p;
  const size_t steps = (p->inner + 63) / 64;
  int32_t sums[32 * 16] __attribute__((aligned(64)));
  int32_t starts[16] __attribute__((aligned(64)));
  for (size_t column = p->columns / 32 * 32; column < p->columns; column += 16) {
    const char *b = (const char *)p->b + column / 16 * job->panel_bytes;
    _mm512_store_si512(starts, (__m512i)(load_words(b) * -(int32_t)p->a_range.zero_point));
    for (size_t row = first; row < first + rows; row += 32) {
      const uint8_t *upper = p->a + row * p->a_stride;
      _tile_loadd(0, starts, 0);
      if (is_high) _tile_loadd(2, starts, 0);
      for (size_t k = 0; k < steps; k++) {
        _tile_loadd(6, b + 64 + k * 1024, 64);
        _tile_loadd(4, upper + k * 64, p->a_stride);
        _tile_dpbusd(0, 4, 6);
        if (is_high) {
          _tile_loadd(5, upper + 16 * p->a_stride + k * 64, p->a_stride);
          _tile_dpbusd(2, 5, 6);
        }
      }
      _tile_stored(0, sums, 64);
      if (is_high) _tile_stored(2, sums + 16 * 16, 64);
      for (size_t r = 0; r < 32 && row + r < first + rows; r++) {
        finish(job, load_words(sums + r * 16), row + r, column);
      }
    }
  }
}

#define DEFINE_AMX_BLOCKS(name, activation, kind)                                                                      \
  static void name(const int8_job *job, size_t row, size_t rows, bool is_high) {                                       \
    if (is_high) {                                                                                                     \
      amx_blocks(job, activation, kind, row, rows, true);                                                              \
    } else {                                                                                                           \
      amx_blocks(job, activation, kind, row, rows, false);                                                             \
    }                                                                                                                  \
  }
DEFINE_AMX_BLOCKS(plain_f32, cvector_no_activation, cvector_f32)
DEFINE_AMX_BLOCKS(plain_bf16, cvector_no_activation, cvector_bf16)
DEFINE_AMX_BLOCKS(plain_u8, cvector_no_activation, cvector_u8)
DEFINE_AMX_BLOCKS(relu_f32, cvector_relu_activation, cvector_f32)
DEFINE_AMX_BLOCKS(relu_bf16, cvector_relu_activation, cvector_bf16)
DEFINE_AMX_BLOCKS(relu_u8, cvector_relu_activation, cvector_u8)
DEFINE_AMX_BLOCKS(gelu_u8, cvector_gelu_activation, cvector_u8)

static void amx_multiply(const cvector_int8_product *p) {
  typedef void (*blocks_function)(const int8_job *, size_t, size_t, bool);
  static const blocks_function functions[3][3] = {
      [cvector_no_activation] = {plain_f32, plain_bf16, plain_u8},
      [cvector_relu_activation] = {relu_f32, relu_bf16, relu_u8},
      [cvector_gelu_activation] = {NULL, NULL, gelu_u8},
  };
  const blocks_function blocks = functions[p->activation][p->out_kind];
  const int8_job job = job_of(p, 64);
  const size_t whole = p->rows / 32 * 32, rest = p->rows - whole;
  if (whole) {
    shape_tiles(16, 16);
    blocks(&job, 0, whole, true);
    amx_last_columns(&job, 0, whole, true);
  }
  if (rest) {
    shape_tiles(rest < 16 ? (int)rest : 16, rest > 16 ? (int)rest - 16 : 1);
    blocks(&job, whole, rest, rest > 16);
    amx_last_columns(&job, whole, rest, rest > 16);
  }
  _tile_release();
}
#pragma clang attribute pop

const cvector_int8_level cvector_int8_level_amx = {
    .multiply = amx_multiply, .step = 64, .has_gelu = has_gelu_in_steps, SHARED_INT8_FUNCTIONS,
};
#endif
