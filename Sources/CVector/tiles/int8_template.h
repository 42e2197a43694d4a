// Products of bytes for one instruction set. The file that includes this defines LANES, the words of a vector; TILE_ROWS and
// TILE_VECTORS, how many rows and vectors of a product are summed in registers at a time; IN_WORD, how many neighbours a word
// holds, 4 bytes or 2 numbers of 16 bits; TERM, products of a row's word and of each column's added to sums; where GELUs become
// bytes right away GELU_STEPS; and says by an attribute which instructions may be used.
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "int8.h"
#include "vectors.h"

typedef uint8_t byte_vector __attribute__((ext_vector_type(LANES)));

INLINE whole_vector load_words(const void *x) {
  whole_vector v;
  memcpy(&v, x, sizeof v);
  return v;
}

INLINE void store_bytes(uint8_t *out, byte_vector bytes, size_t count) {
  if (count >= LANES) {
    memcpy(out, &bytes, LANES);
  } else {
    memcpy(out, &bytes, count);
  }
}

// To the nearest whole number, of two equally near ones the even one, between such as 32 bits hold.
INLINE whole_vector steps_of(vector v) {
  v = v < -1e6f ? -1e6f : v;
  v = v > 1e6f ? 1e6f : v;
  // Adding 1.5 * 2^23 rounds to an integer, which then sits in the low bits of the significand.
  return (whole_vector)(v + 12582912.0f) - 0x4b400000;
}

// Steps from the zero point as bytes.
INLINE byte_vector bytes_of(whole_vector steps, whole_vector zero_point) {
  whole_vector bytes = steps + zero_point;
  bytes = bytes < 0 ? 0 : bytes;
  bytes = bytes > 255 ? 255 : bytes;
  return __builtin_convertvector(bytes, byte_vector);
}

// What a product needs besides its sums.
typedef struct {
  const cvector_int8_product *p;
  size_t panel_bytes;
  float inverse;
#ifdef GELU_STEPS
  gelu_pieces pieces;
#endif
} int8_job;

INLINE size_t panel_bytes_of(const cvector_int8_product *p, size_t step) {
  return (1 + (p->inner + step - 1) / step * step / IN_WORD) * LANES * sizeof(int32_t);
}

// What follows a product, for the columns of one vector of one row.
INLINE void finish(const int8_job *job, whole_vector sum, size_t row, size_t column) {
  const cvector_int8_product *p = job->p;
  const size_t count = p->columns - column;
  const vector factor = load_some(p->scales + column, count) * p->a_range.scale;
  const vector bias = p->bias ? load_some(p->bias + column, count) : 0.0f;
  vector v = __builtin_convertvector(sum, vector) * factor + bias;
  if (p->activation == cvector_relu_activation) v = v < 0.0f ? 0.0f : v;
  if (p->out_kind == cvector_u8) {
    whole_vector steps;
#ifdef GELU_STEPS
    if (p->activation == cvector_gelu_activation) {
      steps = GELU_STEPS(&job->pieces, v);
    } else
#endif
      steps = steps_of(v * job->inverse);
    const byte_vector bytes = bytes_of(steps, (whole_vector)(int32_t)p->out_range.zero_point);
    store_bytes((uint8_t *)p->out + row * p->out_stride + column, bytes, count);
    return;
  }
  if (p->added) v += load_some(p->added + row * p->added_stride + column, count);
  store_as(p->out_kind, place(p->out_kind, p->out, row * p->out_stride + column), v, count);
}

INLINE int8_job job_of(const cvector_int8_product *p, size_t step) {
  int8_job job = {.p = p, .panel_bytes = panel_bytes_of(p, step), .inverse = 1.0f / p->out_range.scale};
#ifdef GELU_STEPS
  if (p->activation == cvector_gelu_activation) job.pieces = pieces_in_steps(job.inverse);
#endif
  return job;
}

// Products of `count` words of some rows, `stride` bytes apart, and of a panel's from `b` on, added to the sums.
INLINE void add_words(
    whole_vector (*sums)[TILE_VECTORS], const int rows, const int vectors, const void *words, size_t stride, size_t count,
    const char *b, size_t panel_bytes) {
  for (size_t k = 0; k < count; k++, b += sizeof(whole_vector)) {
    UNROLLED for (int r = 0; r < rows; r++) {
      int32_t word;
      memcpy(&word, (const char *)words + r * stride + k * sizeof word, sizeof word);
      UNROLLED for (int v = 0; v < vectors; v++) {
        sums[r][v] = TERM(sums[r][v], word, load_words(b + v * panel_bytes));
      }
    }
  }
}

// How many numbers of a row are 16 bits wide at a time.
enum { widened_at_once = 256 };

// `rows` rows times `vectors` panels, both constant where this is inlined. Sums begin with what the zero point takes away.
INLINE void block(const int8_job *job, const int rows, const int vectors, size_t row, size_t panel) {
  const cvector_int8_product *p = job->p;
  const uint8_t *a = p->a + row * p->a_stride;
  const char *b = (const char *)p->b + panel * job->panel_bytes;
  whole_vector sums[TILE_ROWS][TILE_VECTORS];
  UNROLLED for (int v = 0; v < vectors; v++) {
    const whole_vector start = load_words(b + v * job->panel_bytes) * -(int32_t)p->a_range.zero_point;
    UNROLLED for (int r = 0; r < rows; r++) sums[r][v] = start;
  }
  b += sizeof(whole_vector);
#if IN_WORD == 4
  add_words(sums, rows, vectors, a, p->a_stride, (p->inner + 3) / 4, b, job->panel_bytes);
#else
  for (size_t first = 0; first < p->inner; first += widened_at_once) {
    const size_t left = p->inner - first, numbers = left < widened_at_once ? left : widened_at_once;
    uint16_t widened[TILE_ROWS][widened_at_once];
    UNROLLED for (int r = 0; r < rows; r++) {
      for (size_t k = 0; k < numbers; k++) widened[r][k] = a[r * p->a_stride + first + k];
      if (numbers % 2) widened[r][numbers] = 0;
    }
    add_words(
        sums, rows, vectors, widened, sizeof *widened, (numbers + 1) / 2, b + first / 2 * sizeof(whole_vector),
        job->panel_bytes);
  }
#endif
  UNROLLED for (int r = 0; r < rows; r++) {
    UNROLLED for (int v = 0; v < vectors; v++) finish(job, sums[r][v], row + r, (panel + v) * LANES);
  }
}

// All rows times some panels.
INLINE void blocks(const int8_job *job, const int vectors, size_t panel) {
  size_t row = 0;
  for (; row + TILE_ROWS <= job->p->rows; row += TILE_ROWS) block(job, TILE_ROWS, vectors, row, panel);
  if (row + 4 <= job->p->rows) block(job, 4, vectors, row, panel), row += 4;
  if (row + 2 <= job->p->rows) block(job, 2, vectors, row, panel), row += 2;
  if (row < job->p->rows) block(job, 1, vectors, row, panel);
}

static void multiply(const cvector_int8_product *p) {
  const int8_job job = job_of(p, IN_WORD);
  const size_t panels = (p->columns + LANES - 1) / LANES;
  size_t panel = 0;
  for (; panel + TILE_VECTORS <= panels; panel += TILE_VECTORS) blocks(&job, TILE_VECTORS, panel);
  for (; panel < panels; panel++) blocks(&job, 1, panel);
}

static void quantize(
    cvector_kind source, const void *x, size_t x_stride, const float *added, size_t added_stride, cvector_range range,
    uint8_t *out, size_t out_stride, size_t rows, size_t columns) {
  const float inverse = 1.0f / range.scale;
  const whole_vector zero_point = (int32_t)range.zero_point;
  for (size_t r = 0; r < rows; r++) {
    for (size_t i = 0; i < columns; i += LANES) {
      vector v = load_as(source, place(source, (void *)x, r * x_stride + i), columns - i);
      if (added) v += load_some(added + r * added_stride + i, columns - i);
      v = v == v ? v : 0.0f;
      const byte_vector bytes = bytes_of(steps_of(v * inverse), zero_point);
      store_bytes(out + r * out_stride + i, bytes, columns - i);
    }
  }
}

static void extremes(const float *x, size_t x_stride, size_t rows, size_t columns, float *least, float *most) {
  vector low = *least < 0 ? *least : 0.0f, high = *most > 0 ? *most : 0.0f;
  for (size_t r = 0; r < rows; r++) {
    for (size_t i = 0; i < columns; i += LANES) {
      // Zeros after the last number are no extremes, since these are on either side of 0.
      const vector v = load_some(x + r * x_stride + i, columns - i);
      low = v < low && v > -INFINITY ? v : low;
      high = v > high && v < INFINITY ? v : high;
    }
  }
  for (size_t lane = 0; lane < LANES; lane++) {
    *least = low[lane] < *least ? low[lane] : *least;
    *most = high[lane] > *most ? high[lane] : *most;
  }
}

// What a level has that is compiled from this file.
#define SHARED_INT8_FUNCTIONS .lanes = LANES, .in_word = IN_WORD, .quantize = quantize, .extremes = extremes
