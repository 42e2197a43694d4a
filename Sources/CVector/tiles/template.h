// The tiles' functions for one instruction set. The file that includes this defines LANES, the numbers of a vector; TILE_ROWS
// and TILE_VECTORS, how many rows and vectors of a product are summed in registers at a time; where the processor does it in
// one instruction NARROW, a vector to bfloat16, and PAIRS_TERM, products of two neighbours added up; and says by an attribute
// which instructions may be used.
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "../approximation.h"
#include "level.h"
#include "powers.h"
#include "vectors.h"

// The first halves of two vectors, number beside number; and the second.
#if LANES == 16
#define FIRST_HALVES(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define SECOND_HALVES(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif LANES == 8
#define FIRST_HALVES(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define SECOND_HALVES(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#else
#define FIRST_HALVES(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define SECOND_HALVES(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#endif

INLINE vector larger(vector a, vector b) { return b > a ? b : a; }

// 1 / x, to one unit in the last place.
INLINE vector reciprocal(vector x) {
#if LANES == 16
  // An estimate of 14 bits and a step of Newton's: division takes as long as all the rest of a GELU.
  vector estimate = _mm512_rcp14_ps(x);
  return estimate * _mm512_fnmadd_ps(x, estimate, _mm512_set1_ps(2));
#else
  return 1.0f / x;
#endif
}

// x * Phi(x), as approximation.h has it.
INLINE vector gelu(vector x) {
  vector a = x < 0.0f ? -x : x;
  vector t = reciprocal(a * 0.23f + 1.0f);
  vector tail = CVECTOR_SCALED_TAIL(t) * power_of_two(a * a * -0.72134752044f, true);
  vector positive = x > 0.0f ? x : 0.0f;
  return x > 14.0f ? x : positive - a * 0.5f * tail;
}

#if LANES == 16
#include "gelu.h"
#endif

// x * Phi(x), as near as numbers of that kind tell.
INLINE vector gelu_as(cvector_kind kind, vector x) {
#if LANES == 16
  if (kind == cvector_bf16) return gelu_in_pieces(x);
#endif
  (void)kind;
  return gelu(x);
}

// What follows a product, for the columns of one vector of one row. NaN stays NaN.
INLINE void finish(const cvector_product *p, vector sum, size_t row, size_t column) {
  size_t count = p->columns - column;
  if (p->bias) sum += load_some(p->bias + column, count);
  if (p->row_bias) sum += p->row_bias[row];
  if (p->activation == cvector_gelu_activation) {
    sum = gelu_as(p->out_kind, sum);
  } else if (p->activation == cvector_relu_activation) {
    sum = sum < 0.0f ? 0.0f : sum;
  }
  if (p->scale) sum *= load_some(p->scale + column, count);
  if (p->added) sum += load_some(p->added + row * p->added_stride + column, count);
  store_as(p->out_kind, place(p->out_kind, p->out, row * p->out_stride + column), sum, count);
}

// Whether sums are the results, as scores are.
INLINE bool is_plain(const cvector_product *p) {
  return p->out_kind == cvector_f32 && !p->bias && !p->row_bias && !p->scale && !p->added &&
         p->activation == cvector_no_activation;
}

// Sums of a block of rows and panels; how many of either is constant where these are inlined. Every sum runs over its terms in
// order.
typedef vector block_sums[TILE_ROWS][TILE_VECTORS];

INLINE void clear(block_sums sums, const int rows, const int vectors) {
  UNROLLED for (int r = 0; r < rows; r++) {
    UNROLLED for (int v = 0; v < vectors; v++) sums[r][v] = 0.0f;
  }
}

// Adds the products of `count` numbers of each row, rows `stride` apart, and of the panels from `b` on, `panel_size` apart.
INLINE void add_numbers(
    block_sums sums, const int rows, const int vectors, const float *a, size_t stride, size_t count, const float *b,
    size_t panel_size) {
  for (size_t k = 0; k < count; k++, b += LANES) {
    UNROLLED for (int r = 0; r < rows; r++) {
      UNROLLED for (int v = 0; v < vectors; v++) {
        sums[r][v] = (vector)(a[r * stride + k]) * load(b + v * panel_size) + sums[r][v];
      }
    }
  }
}

INLINE void finish_block(
    const cvector_product *p, block_sums sums, const int rows, const int vectors, size_t row, size_t panel) {
  if (is_plain(p) && (panel + vectors) * LANES <= p->columns) {
    const size_t stride = p->out_stride;
    float *out = (float *)p->out + row * stride + panel * LANES;
    UNROLLED for (int r = 0; r < rows; r++) {
      UNROLLED for (int v = 0; v < vectors; v++) store(out + r * stride + v * LANES, sums[r][v]);
    }
    return;
  }
  UNROLLED for (int r = 0; r < rows; r++) {
    UNROLLED for (int v = 0; v < vectors; v++) finish(p, sums[r][v], row + r, (panel + v) * LANES);
  }
}

#define DEFINE_PRODUCT(name, block)                                                                                    \
  INLINE void name##_block(const cvector_product *p, const int rows, int vectors, size_t row, size_t panel) {          \
    if (vectors == TILE_VECTORS) block(p, rows, TILE_VECTORS, row, panel);                                             \
    else if (vectors == 2) block(p, rows, 2, row, panel);                                                              \
    else block(p, rows, 1, row, panel);                                                                                \
  }                                                                                                                    \
  static void name(const cvector_product *p) {                                                                         \
    const size_t panels = (p->columns + LANES - 1) / LANES;                                                            \
    int vectors;                                                                                                       \
    for (size_t panel = 0; panel < panels; panel += vectors) {                                                         \
      /* Four at the end are two and two: one alone has too few sums to keep the multipliers busy. */                  \
      const size_t left = panels - panel;                                                                              \
      vectors = left == 4 ? 2 : left < TILE_VECTORS ? (int)left : TILE_VECTORS;                                        \
      size_t row = 0;                                                                                                  \
      for (; row + TILE_ROWS <= p->rows; row += TILE_ROWS) name##_block(p, TILE_ROWS, vectors, row, panel);            \
      if (row + 4 <= p->rows) name##_block(p, 4, vectors, row, panel), row += 4;                                       \
      if (row + 2 <= p->rows) name##_block(p, 2, vectors, row, panel), row += 2;                                       \
      if (row < p->rows) name##_block(p, 1, vectors, row, panel);                                                      \
    }                                                                                                                  \
  }

INLINE void block_f32(const cvector_product *p, const int rows, const int vectors, size_t row, size_t panel) {
  const float *a = (const float *)p->a + row * p->a_stride, *b = (const float *)p->b + panel * p->inner * LANES;
  block_sums sums;
  clear(sums, rows, vectors);
  add_numbers(sums, rows, vectors, a, p->a_stride, p->inner, b, p->inner * LANES);
  finish_block(p, sums, rows, vectors, row, panel);
}
DEFINE_PRODUCT(multiply_f32, block_f32)

#ifdef PAIRS_TERM
// Two numbers of a row at a time, against pairs of rows of the packed operand, which has as many as AMX takes.
INLINE void block_bf16(const cvector_product *p, const int rows, const int vectors, size_t row, size_t panel) {
  const size_t stride = p->a_stride, count = (p->inner + 1) / 2, panel_size = (p->inner + 31) / 32 * 16 * LANES;
  const uint16_t *a = (const uint16_t *)p->a + row * stride;
  const uint32_t *b = (const uint32_t *)p->b + panel * panel_size;
  block_sums sums;
  clear(sums, rows, vectors);
  for (size_t k = 0; k < count; k++, b += LANES) {
    UNROLLED for (int r = 0; r < rows; r++) {
      UNROLLED for (int v = 0; v < vectors; v++) { PAIRS_TERM(sums[r][v], a + r * stride, k, b + v * panel_size); }
    }
  }
  finish_block(p, sums, rows, vectors, row, panel);
}
#else
// How many numbers of a row are Float32 at a time.
enum { widened_at_once = 256 };

static void widen_rows(const uint16_t *x, size_t stride, int rows, size_t count, float (*out)[widened_at_once]) {
  for (int r = 0; r < rows; r++, x += stride) {
    size_t k = 0;
    for (; k + LANES <= count; k += LANES) store(out[r] + k, load_as(cvector_bf16, x + k, LANES));
    for (; k < count; k++) {
      const uint32_t bits = (uint32_t)x[k] << 16;
      memcpy(out[r] + k, &bits, sizeof bits);
    }
  }
}

INLINE void block_bf16(const cvector_product *p, const int rows, const int vectors, size_t row, size_t panel) {
  const size_t inner = p->inner, panel_size = inner * LANES;
  const uint16_t *a = (const uint16_t *)p->a + row * p->a_stride;
  const float *b = (const float *)p->b + panel * panel_size;
  block_sums sums;
  clear(sums, rows, vectors);
  for (size_t first = 0; first < inner; first += widened_at_once) {
    const size_t left = inner - first, count = left < widened_at_once ? left : widened_at_once;
    float numbers[TILE_ROWS][widened_at_once];
    widen_rows(a + first, p->a_stride, rows, count, numbers);
    add_numbers(sums, rows, vectors, *numbers, widened_at_once, count, b + first * LANES, panel_size);
  }
  finish_block(p, sums, rows, vectors, row, panel);
}
#endif
DEFINE_PRODUCT(multiply_bf16, block_bf16)

INLINE float sum_of(vector v) {
  float sum = 0;
  UNROLLED for (int lane = 0; lane < LANES; lane++) sum += v[lane];
  return sum;
}

// Zeros from column `columns` on.
INLINE void pad(cvector_kind kind, void *row, size_t columns, size_t padded) {
  if (padded > columns) {
    size_t size = kind == cvector_f32 ? sizeof(float) : sizeof(uint16_t);
    memset(place(kind, row, columns), 0, (padded - columns) * size);
  }
}

static void normalise(
    cvector_kind kind, const float *x, size_t x_stride, const float *weight, const float *bias, float epsilon, void *out,
    size_t out_stride, size_t rows, size_t columns, size_t padded) {
  for (size_t r = 0; r < rows; r++) {
    const float *row = x + r * x_stride;
    void *result = place(kind, out, r * out_stride);
    vector total = 0.0f;
    for (size_t i = 0; i < columns; i += LANES) total += load_some(row + i, columns - i);
    const float mean = sum_of(total) / (float)columns;
    vector squares = 0.0f;
    size_t i = 0;
    for (; i + LANES <= columns; i += LANES) {
      vector d = load(row + i) - mean;
      squares += d * d;
    }
    float squared = sum_of(squares);
    for (; i < columns; i++) squared += (row[i] - mean) * (row[i] - mean);
    const float inverse = 1.0f / sqrtf(squared / (float)columns + epsilon);
    for (i = 0; i < columns; i += LANES) {
      const size_t count = columns - i;
      vector v = (load_some(row + i, count) - mean) * inverse;
      store_as(kind, place(kind, result, i), v * load_some(weight + i, count) + load_some(bias + i, count), count);
    }
    pad(kind, result, columns, padded);
  }
}

static void convert(
    cvector_kind kind, const float *x, size_t x_stride, const float *added, size_t added_stride, void *out,
    size_t out_stride, size_t rows, size_t columns, size_t padded) {
  for (size_t r = 0; r < rows; r++) {
    void *result = place(kind, out, r * out_stride);
    for (size_t i = 0; i < columns; i += LANES) {
      vector v = load_some(x + r * x_stride + i, columns - i);
      if (added) v += load_some(added + r * added_stride + i, columns - i);
      store_as(kind, place(kind, result, i), v, columns - i);
    }
    pad(kind, result, columns, padded);
  }
}

INLINE vector largest_of(const float *row, size_t columns) {
  vector largest = row[0];
  size_t i = 0;
  for (; i + LANES <= columns; i += LANES) largest = larger(largest, load(row + i));
  for (; i < columns; i++) largest[0] = row[i] > largest[0] ? row[i] : largest[0];
  return largest;
}

INLINE void weigh_row(
    cvector_kind kind, const float *row, void *weights, float scale, size_t columns, size_t padded, float *largest,
    float *sum, float *factor) {
  vector most = largest_of(row, columns);
  const float before = *largest;
  float top = before;
  UNROLLED for (int lane = 0; lane < LANES; lane++) top = most[lane] > top ? most[lane] : top;
  vector total = 0.0f;
  size_t i = 0;
  for (; i + LANES <= columns; i += LANES) {
    vector w = power_of_two((load(row + i) - top) * scale, kind == cvector_f32);
    total += w;
    store_as(kind, place(kind, weights, i), w, LANES);
  }
  float added = sum_of(total);
  if (i < columns) {
    vector w = power_of_two((load_some(row + i, columns - i) - top) * scale, kind == cvector_f32);
    for (size_t lane = 0; lane < columns - i; lane++) added += w[lane];
    store_as(kind, place(kind, weights, i), w, columns - i);
  }
  pad(kind, weights, columns, padded);
  *factor = power_of_two((vector)((before - top) * scale), true)[0];
  *sum = *sum * *factor + added;
  *largest = top;
}

static void weigh(
    cvector_kind kind, float *scores, size_t stride, float scale, size_t rows, size_t columns, void *weights,
    size_t weights_stride, size_t padded, float *largest, float *sums, float *factors) {
  for (size_t r = 0; r < rows; r++) {
    void *row = place(kind, weights, r * weights_stride);
    if (kind == cvector_f32) {
      weigh_row(
          cvector_f32, scores + r * stride, row, scale, columns, padded, largest + r, sums + r, factors + r);
    } else {
      weigh_row(
          cvector_bf16, scores + r * stride, row, scale, columns, padded, largest + r, sums + r, factors + r);
    }
  }
}

// The scores of `heads` attentions to weights: a row holds for each key one score a head, beside each other. A head's
// weights add up to 1. At most `most_heads` heads.
static void weigh_heads(
    cvector_kind kind, float *scores, size_t stride, float scale, size_t rows, size_t heads, size_t columns, void *weights,
    size_t weights_stride, size_t padded) {
  // After `period` columns heads and lanes meet as at first.
  size_t period = LANES;
  while (period % heads) period += LANES;
  float most[LANES * most_heads], totals[LANES * most_heads];
  for (size_t r = 0; r < rows; r++) {
    float *row = scores + r * stride;
    for (size_t i = 0; i < period; i++) most[i] = -INFINITY, totals[i] = 0;
    size_t c = 0, at = 0;
    for (; c + LANES <= columns; c += LANES, at = at + LANES < period ? at + LANES : 0) {
      store(most + at, larger(load(most + at), load(row + c)));
    }
    for (; c < columns; c++) {
      const size_t i = c % period;
      most[i] = row[c] > most[i] ? row[c] : most[i];
    }
    for (size_t i = heads; i < period; i++) most[i % heads] = most[i] > most[i % heads] ? most[i] : most[i % heads];
    for (size_t i = heads; i < period; i++) most[i] = most[i % heads];
    for (c = 0, at = 0; c < columns; c += LANES, at = at + LANES < period ? at + LANES : 0) {
      const size_t count = columns - c;
      vector w = power_of_two((load_some(row + c, count) - load(most + at)) * scale, true);
      for (size_t lane = count; lane < LANES; lane++) w[lane] = 0;
      store_some(row + c, w, count);
      store(totals + at, load(totals + at) + w);
    }
    for (size_t i = heads; i < period; i++) totals[i % heads] += totals[i];
    for (size_t i = 0; i < heads; i++) totals[i] = 1.0f / totals[i];
    for (size_t i = heads; i < period; i++) totals[i] = totals[i % heads];
    void *result = place(kind, weights, r * weights_stride);
    for (c = 0, at = 0; c < columns; c += LANES, at = at + LANES < period ? at + LANES : 0) {
      store_as(kind, place(kind, result, c), load_some(row + c, columns - c) * load(totals + at), columns - c);
    }
    pad(kind, result, columns, padded);
  }
}

// Rows of several attentions to parts of the keys as those of one attention to all of them.
static void join(const cvector_joining *j) {
  const size_t size = j->rows * j->columns;
  for (size_t r = 0; r < j->rows; r++) {
    float most = -INFINITY, total = 0;
    for (size_t part = 0; part < j->parts; part++) {
      const float largest = j->largest[part * j->rows + r];
      most = largest > most ? largest : most;
    }
    for (size_t part = 0; part < j->parts; part++) {
      const size_t at = part * j->rows + r;
      const float factor = power_of_two((vector)((j->largest[at] - most) * (j->scale * 1.44269504f)), true)[0];
      j->factors[part] = factor;
      total += factor * j->totals[at];
    }
    for (size_t part = 0; part < j->parts; part++) j->factors[part] *= 1.0f / total;
    for (size_t c = 0; c < j->columns; c += LANES) {
      const float *sums = j->sums + r * j->columns + c;
      vector sum = 0.0f;
      for (size_t part = 0; part < j->parts; part++, sums += size) {
        sum += load_some(sums, j->columns - c) * j->factors[part];
      }
      store_as(j->out_kind, place(j->out_kind, j->out, r * j->columns + c), sum, j->columns - c);
    }
  }
}

static void scale_rows(
    cvector_kind kind, const float *x, size_t stride, const float *factors, void *out, size_t out_stride, size_t rows,
    size_t columns) {
  for (size_t r = 0; r < rows; r++) {
    const vector factor = factors[r];
    for (size_t i = 0; i < columns; i += LANES) {
      vector v = load_some(x + r * stride + i, columns - i) * factor;
      store_as(kind, place(kind, out, r * out_stride + i), v, columns - i);
    }
  }
}

// Words as columns: out[k * LANES + c] = in[c * stride + k] for c < count, and 0 for the columns after. Pairs of bfloat16 may begin
// between two words of memory.
static void transpose(const void *in, size_t stride, size_t count, size_t inner, uint32_t *out) {
  const char *words = in;
  size_t k = 0;
  for (; k + LANES <= inner; k += LANES) {
    bits_vector rows[LANES], mixed[LANES];
    UNROLLED for (int r = 0; r < LANES; r++) {
      rows[r] = 0;
      if ((size_t)r < count) memcpy(&rows[r], words + (r * stride + k) * sizeof *out, sizeof rows[r]);
    }
    // Each round puts row r beside row r + LANES / 2; after as many rounds as LANES has bits, columns are rows.
    for (int round = 1; round < LANES; round *= 2) {
      UNROLLED for (int r = 0; r < LANES / 2; r++) {
        mixed[2 * r] = FIRST_HALVES(rows[r], rows[r + LANES / 2]);
        mixed[2 * r + 1] = SECOND_HALVES(rows[r], rows[r + LANES / 2]);
      }
      UNROLLED for (int r = 0; r < LANES; r++) rows[r] = mixed[r];
    }
    UNROLLED for (int r = 0; r < LANES; r++) memcpy(out + (k + r) * LANES, &rows[r], sizeof rows[r]);
  }
  for (; k < inner; k++) {
    for (size_t c = 0; c < LANES; c++) {
      uint32_t word = 0;
      if (c < count) memcpy(&word, words + (c * stride + k) * sizeof word, sizeof word);
      out[k * LANES + c] = word;
    }
  }
}

// Rows of Float32 to panels: out[panel][k] = in[k][panel].
static void pack_rows(const float *in, size_t stride, size_t inner, size_t columns, float *out) {
  for (size_t c = 0; c < columns; c += LANES) {
    for (size_t k = 0; k < inner; k++, out += LANES) store(out, load_some(in + k * stride + c, columns - c));
  }
}

// Rows of bfloat16 to panels of pairs, with rows of zeros after `inner` up to `padded`, which is even.
static void pack_row_pairs(
    const uint16_t *in, size_t stride, size_t inner, size_t padded, size_t columns, uint16_t *out) {
  for (size_t c = 0; c < columns; c += LANES) {
    const size_t bytes = (columns - c < LANES ? columns - c : LANES) * sizeof(uint16_t);
    for (size_t k = 0; k < padded; k += 2, out += 2 * LANES) {
      half_vector upper = 0, lower = 0;
      if (bytes == sizeof upper) {
        if (k < inner) memcpy(&upper, in + k * stride + c, sizeof upper);
        if (k + 1 < inner) memcpy(&lower, in + (k + 1) * stride + c, sizeof lower);
      } else {
        if (k < inner) memcpy(&upper, in + k * stride + c, bytes);
        if (k + 1 < inner) memcpy(&lower, in + (k + 1) * stride + c, bytes);
      }
      bits_vector pairs =
          __builtin_convertvector(upper, bits_vector) | __builtin_convertvector(lower, bits_vector) << 16;
      memcpy(out, &pairs, sizeof pairs);
    }
  }
}

static void activate(
    cvector_kind kind, cvector_activation activation, const float *x, size_t x_stride, void *out, size_t out_stride,
    size_t rows, size_t columns, size_t padded) {
  for (size_t r = 0; r < rows; r++) {
    void *result = place(kind, out, r * out_stride);
    for (size_t i = 0; i < columns; i += LANES) {
      vector v = load_some(x + r * x_stride + i, columns - i);
      v = activation == cvector_gelu_activation ? gelu_as(kind, v) : v < 0.0f ? 0.0f : v;
      store_as(kind, place(kind, result, i), v, columns - i);
    }
    pad(kind, result, columns, padded);
  }
}

// The largest of every `side` by `side` tokens of a window `width` tokens wide. A NaN stays.
static void pool(
    cvector_kind kind, const void *x, size_t x_stride, size_t width, size_t height, size_t side, void *out,
    size_t out_stride, size_t columns) {
  for (size_t y = 0; y + side <= height; y += side) {
    for (size_t x0 = 0; x0 + side <= width; x0 += side) {
      void *target = place(kind, out, (y / side * (width / side) + x0 / side) * out_stride);
      for (size_t c = 0; c < columns; c += LANES) {
        vector most = -INFINITY;
        for (size_t dy = 0; dy < side; dy++) {
          for (size_t dx = 0; dx < side; dx++) {
            const size_t token = ((y + dy) * width + x0 + dx) * x_stride + c;
            vector v = load_as(kind, place(kind, (void *)x, token), columns - c);
            most = v > most || v != v ? v : most;
          }
        }
        store_as(kind, place(kind, target, c), most, columns - c);
      }
    }
  }
}

// Rows of Float32 rounded to bfloat16, to panels as multiply_bf16 reads them: of pairs, with zeros after `inner` up to
// `padded`, which is even; or of Float32 again.
static void pack_rounded_rows(
    const float *in, size_t stride, size_t inner, size_t padded, size_t columns, void *packed) {
  for (size_t c = 0; c < columns; c += LANES) {
    const size_t count = columns - c;
#ifdef PAIRS_TERM
    uint32_t *out = (uint32_t *)packed + c * (padded / 2);
    for (size_t k = 0; k < padded; k += 2, out += LANES) {
      vector upper = 0.0f, lower = 0.0f;
      if (k < inner) upper = load_some(in + k * stride + c, count);
      if (k + 1 < inner) lower = load_some(in + (k + 1) * stride + c, count);
      bits_vector pairs = __builtin_convertvector(narrowed(upper), bits_vector) |
                          __builtin_convertvector(narrowed(lower), bits_vector) << 16;
      memcpy(out, &pairs, sizeof pairs);
    }
#else
    (void)padded;
    float *out = (float *)packed + c * inner;
    for (size_t k = 0; k < inner; k++, out += LANES) {
      store(out, widened(narrowed(load_some(in + k * stride + c, count))));
    }
#endif
  }
}

// `pixels` neighbours of one line, constant where this is inlined, in up to a vector's channels. Every sum runs over the
// kernel in order.
INLINE void depthwise_pixels(
    const float *x, size_t line, size_t channels, const float *weights, vector start, size_t height, size_t width,
    float *out, size_t out_stride, const int pixels, size_t count) {
  vector sums[2 * TILE_ROWS];
  UNROLLED for (int p = 0; p < pixels; p++) sums[p] = start;
  for (size_t ky = 0; ky < height; ky++) {
    for (size_t kx = 0; kx < width; kx++) {
      const vector weight = load_some(weights + (ky * width + kx) * channels, count);
      const float *place = x + ky * line + kx * channels;
      UNROLLED for (int p = 0; p < pixels; p++) sums[p] += load_some(place + p * channels, count) * weight;
    }
  }
  UNROLLED for (int p = 0; p < pixels; p++) store_some(out + p * out_stride, sums[p], count);
}

static void depthwise(
    const float *x, size_t line, size_t channels, const float *weights, const float *bias, size_t height, size_t width,
    float *out, size_t out_stride, size_t count) {
  const int many = 2 * TILE_ROWS;
  for (size_t p = 0, pixels; p < count; p += pixels) {
    pixels = count - p < (size_t)many ? 1 : (size_t)many;
    const float *first = x + p * channels;
    float *target = out + p * out_stride;
    size_t c = 0;
    for (; c + LANES <= channels; c += LANES) {
      const vector start = bias ? load(bias + c) : 0.0f;
      if (pixels == 1) {
        depthwise_pixels(
            first + c, line, channels, weights + c, start, height, width, target + c, out_stride, 1, LANES);
      } else {
        depthwise_pixels(
            first + c, line, channels, weights + c, start, height, width, target + c, out_stride, many, LANES);
      }
    }
    for (size_t one = 0; c < channels && one < pixels; one++) {
      const vector start = bias ? load_some(bias + c, channels - c) : 0.0f;
      depthwise_pixels(
          first + one * channels + c, line, channels, weights + c, start, height, width, target + one * out_stride + c,
          out_stride, 1, channels - c);
    }
  }
}

INLINE void normalise_pixels(
    cvector_activation activation, const float *x, size_t x_stride, const float *weight, const float *bias,
    float epsilon, float *out, size_t out_stride, size_t channels, size_t count) {
  vector total = 0.0f, squares = 0.0f;
  for (size_t c = 0; c < channels; c++) total += load_some(x + c * x_stride, count);
  const vector mean = total / (float)channels;
  for (size_t c = 0; c < channels; c++) {
    const vector d = load_some(x + c * x_stride, count) - mean;
    squares += d * d;
  }
  const vector inverse = 1.0f / __builtin_elementwise_sqrt(squares / (float)channels + epsilon);
  for (size_t c = 0; c < channels; c++) {
    vector v = (load_some(x + c * x_stride, count) - mean) * inverse * weight[c] + bias[c];
    if (activation == cvector_gelu_activation) v = gelu(v);
    if (activation == cvector_relu_activation) v = v < 0.0f ? 0.0f : v;
    store_some(out + c * out_stride, v, count);
  }
}

static void normalise_planes(
    cvector_activation activation, const float *x, size_t x_stride, const float *weight, const float *bias,
    float epsilon, float *out, size_t out_stride, size_t channels, size_t count) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    normalise_pixels(activation, x + i, x_stride, weight, bias, epsilon, out + i, out_stride, channels, LANES);
  }
  if (i < count) {
    normalise_pixels(activation, x + i, x_stride, weight, bias, epsilon, out + i, out_stride, channels, count - i);
  }
}

// Whole vectors of lines that begin at one go past the caches.
static void copy_past_caches(
    const float *x, size_t x_stride, float *out, size_t out_stride, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++) {
    const float *in = x + r * x_stride;
    float *target = out + r * out_stride;
    size_t i = 0;
    if ((uintptr_t)target % sizeof(vector) == 0) {
      for (; i + LANES <= columns; i += LANES) __builtin_nontemporal_store(load(in + i), (vector *)(target + i));
    }
    memcpy(target + i, in + i, (columns - i) * sizeof(float));
  }
}

// What a level has that is compiled from this file.
#define SHARED_FUNCTIONS                                                                                               \
  .lanes = LANES, .multiply_f32 = multiply_f32, .normalise = normalise, .convert = convert, .weigh = weigh,            \
  .scale_rows = scale_rows, .activate = activate, .transpose = transpose, .pack_rows = pack_rows,                      \
  .pack_row_pairs = pack_row_pairs, .pool = pool, .pack_rounded_rows = pack_rounded_rows, .depthwise = depthwise,      \
  .normalise_planes = normalise_planes, .copy_past_caches = copy_past_caches, .weigh_heads = weigh_heads,             \
  .join = join
