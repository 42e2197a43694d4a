// The loops in C, for every instruction set that this machine has: lengths, distances between rows, alignments and numbers come
// from the input, memory ends where a loop's contract says that it may, and results are those of a plain loop.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cvector.h"
#include "cvector_int8.h"

#define REQUIRE(holds, ...) \
  do { \
    if (!(holds)) { \
      fprintf(stderr, "invariant: "); \
      fprintf(stderr, __VA_ARGS__); \
      fprintf(stderr, "\n"); \
      abort(); \
    } \
  } while (0)

// What is left of the input.
static const uint8_t *rest;
static size_t left;
// Where numbers come from, and how.
static uint64_t state;
static enum { any_bits, small_numbers, whole_numbers, with_specials } style;

static unsigned draw_byte(void) { return left ? (left--, *rest++) : 0; }
static size_t draw(size_t most) { return (draw_byte() << 8 | draw_byte()) % (most + 1); }
static size_t between(size_t least, size_t most) { return least + draw(most - least); }
// Numbers whose results can be held against others'.
static int is_tame(void) { return style == small_numbers || style == whole_numbers; }

static uint32_t next_bits(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(state >> 32);
}

static float next_number(void) {
  static const float specials[] = {NAN, INFINITY, -INFINITY, 0, -0.0f, 1e-45f, -1e-39f, 3.4e38f, -3.4e38f, 65520, 1, -1};
  const uint32_t bits = next_bits();
  float number;
  switch (style) {
    case small_numbers: return (float)((int)(bits % 8001) - 4000) / 1000;
    case whole_numbers: return (float)((int)(bits % 9) - 4);
    case with_specials: return bits % 3 ? (float)(bits % 101) - 50 : specials[bits / 3 % (sizeof specials / sizeof *specials)];
    default: memcpy(&number, &bits, sizeof number); return number;
  }
}

// Memory of this input, to the byte; let go after it.
static void *held[64];
static size_t held_count;

static void *memory(size_t bytes) {
  void *start = NULL;
  if (posix_memalign(&start, 64, bytes ? bytes : 1) || held_count == sizeof held / sizeof *held) abort();
  held[held_count++] = start;
  return start;
}

static void *lines(size_t bytes) { return memory(bytes); }
static void *elements(size_t count, size_t size) {
  const size_t before = draw(15) * size;
  return (char *)memory(before + count * size) + before;
}
static float *room(size_t count) { return elements(count, sizeof(float)); }
static float *numbers(size_t count) {
  float *made = room(count);
  for (size_t i = 0; i < count; i++) made[i] = next_number();
  return made;
}
static float *copy(const float *x, size_t count) { return count ? memcpy(room(count), x, count * sizeof(float)) : room(0); }
// So many elements have rows of `columns`, `stride` apart.
static size_t spread(size_t rows, size_t columns, size_t stride) { return rows ? (rows - 1) * stride + columns : 0; }

static int is_same(float a, float b) { return a == b || (isnan(a) && isnan(b)); }
static int is_near(double a, double b, double slack) { return isnan(b) ? isnan(a) : fabs(a - b) <= slack || a == b; }

static float as_float(uint16_t bits) {
  const uint32_t wide = (uint32_t)bits << 16;
  float number;
  memcpy(&number, &wide, sizeof number);
  return number;
}
static uint16_t *bfloats(const float *x, size_t count) {
  uint16_t *made = elements(count, 2);
  cvector_float_to_bfloat16_scalar(x, made, count);
  return made;
}

static void check_elementwise(void) {
  const size_t count = draw(200);
  float *a = numbers(count), *b = numbers(count), *out = draw(1) ? copy(a, count) : room(count);
  const float scale = next_number(), shift = next_number();
#define EACH(call, expected) \
  call; \
  for (size_t i = 0; i < count; i++) REQUIRE(is_same(out[i], expected), "%s: element %zu of %zu", #call, i, count)
  EACH(cvector_add(a, b, out, count), a[i] + b[i]);
  EACH(cvector_subtract(a, b, out, count), a[i] - b[i]);
  EACH(cvector_multiply(a, b, out, count), a[i] * b[i]);
  EACH(cvector_maximum(a, b, out, count), a[i] > b[i] || isnan(a[i]) ? a[i] : b[i]);
  EACH(cvector_fill(scale, out, count), scale);
  EACH(cvector_relu(a, out, count), a[i] < 0 ? 0 : a[i]);
  EACH(cvector_clamp(a, -1, 2, out, count), a[i] < -1 ? -1 : a[i] > 2 ? 2 : a[i]);
  volatile float product = 0;
  EACH(cvector_scale_shift(a, scale, shift, out, count), (product = a[i] * scale, product + shift));
  float *sum = copy(b, count), *sum2 = copy(b, count);
  cvector_accumulate(a, scale, sum, count);
  for (size_t i = 0; i < count; i++) {
    product = a[i] * scale;
    REQUIRE(is_same(sum[i], product + b[i]) || is_same(sum[i], fmaf(a[i], scale, b[i])), "accumulate: element %zu", i);
  }
  memcpy(sum, b, count * sizeof(float));
  cvector_fused_accumulate(a, scale, sum, count);
  cvector_fused_accumulate_scalar(a, scale, sum2, count);
  for (size_t i = 0; i < count; i++) REQUIRE(is_same(sum[i], sum2[i]), "fused accumulate: element %zu", i);
  cvector_sigmoid(a, out, count);
  cvector_sigmoid_scalar(a, sum, count);
  for (size_t i = 0; i < count; i++) REQUIRE(is_near(out[i], sum[i], 1e-6), "sigmoid of %g", a[i]);
  cvector_gelu(a, out, count);
  cvector_gelu_scalar(a, sum, count);
  for (size_t i = 0; i < count; i++) {
    REQUIRE(isinf(a[i]) || is_near(out[i], sum[i], 1e-6 * fmax(1, fabs(sum[i]))), "gelu of %g", a[i]);
  }
  size_t above = 0;
  for (size_t i = 0; i < count; i++) above += a[i] > shift;
  REQUIRE(cvector_count_above(a, shift, count) == above, "count above %g", shift);
  const size_t even = count & ~(size_t)1;
  cvector_multiply_complex(a, b, out, even);
  cvector_multiply_complex_scalar(a, b, sum, even);
  for (size_t i = 0; is_tame() && i < even; i++) REQUIRE(is_near(out[i], sum[i], 1e-4), "complex: element %zu", i);
}

static void check_resampling(void) {
  const size_t count = draw(70), reach = between(1, 9), length = between(reach, 90), stride = count + draw(5);
  float *x = numbers(length), *weights = numbers(count * reach), *out = room(count), *plain = room(count);
  ptrdiff_t *starts = elements(count, sizeof *starts);
  for (size_t i = 0; i < count; i++) starts[i] = (ptrdiff_t)draw(length - reach);
  cvector_fused_gather(x, starts, weights, reach, out, count);
  cvector_fused_gather_scalar(x, starts, weights, reach, plain, count);
  for (size_t i = 0; i < count; i++) REQUIRE(is_same(out[i], plain[i]), "fused gather: element %zu", i);
  uint8_t *rgb = elements(3 * length, 1), *rows = elements(spread(reach, count, stride), 1);
  for (size_t i = 0; i < 3 * length; i++) rgb[i] = (uint8_t)next_bits();
  for (size_t i = 0; i < spread(reach, count, stride); i++) rows[i] = (uint8_t)next_bits();
  int32_t *wide = elements(4 * length, 4), *fixed = elements((count ? count : 1) * reach, 4);
  for (size_t i = 0; i < (count ? count : 1) * reach; i++) {
    fixed[i] = (int32_t)(next_bits() % (1 << 23)) / (int32_t)reach - (1 << 22) / (int32_t)reach;
  }
  cvector_widen_rgb(rgb, wide, length);
  for (size_t i = 0; i < 4 * length; i++) REQUIRE(wide[i] == (i % 4 == 3 ? 0 : rgb[i / 4 * 3 + i % 4]), "wide pixel %zu", i);
  uint8_t *bytes = elements(3 * count, 1), *plain_bytes = elements(3 * count, 1);
  cvector_fixed_gather(wide, starts, fixed, reach, bytes, count);
  cvector_fixed_gather_scalar(wide, starts, fixed, reach, plain_bytes, count);
  REQUIRE(!memcmp(bytes, plain_bytes, 3 * count), "fixed gather");
  cvector_fixed_blend(rows, stride, fixed, reach, bytes, count);
  cvector_fixed_blend_scalar(rows, stride, fixed, reach, plain_bytes, count);
  REQUIRE(!memcmp(bytes, plain_bytes, count), "fixed blend");
}

static void check_rows(void) {
  const size_t rows = draw(6), columns = between(1, 90), stride = columns + draw(9);
  const size_t count = spread(rows, columns, stride);
  float *x = numbers(count), *twin = copy(x, count), *weight = numbers(columns), *bias = numbers(columns);
  float *largest = room(rows), *sums = room(rows), *factors = room(rows);
  float *largest2 = room(rows), *sums2 = room(rows), *factors2 = room(rows);
  for (size_t r = 0; r < rows; r++) largest[r] = largest2[r] = -INFINITY, sums[r] = sums2[r] = 0;
  const float scale = (float)draw(8) / 4;
  for (int piece = 0; piece < 2; piece++) {
    cvector_softmax_piece(x, stride, scale, rows, columns, largest, sums, factors);
    cvector_softmax_piece_scalar(twin, stride, scale, rows, columns, largest2, sums2, factors2);
    for (size_t r = 0; is_tame() && r < rows; r++) {
      REQUIRE(is_near(sums[r], sums2[r], 1e-3) && is_near(largest[r], largest2[r], 0), "softmax: row %zu", r);
    }
  }
  float *dense = numbers(rows * columns), *out = room(rows * columns), *plain = room(rows * columns);
  cvector_layer_norm_rows(dense, weight, bias, 1e-6f, out, rows, columns);
  cvector_layer_norm_rows_scalar(dense, weight, bias, 1e-6f, plain, rows, columns);
  for (size_t i = 0; style == small_numbers && columns > 2 && i < rows * columns; i++) {
    REQUIRE(is_near(out[i], plain[i], 1e-3), "norm: element %zu, %g and %g", i, out[i], plain[i]);
  }
  // The same down columns, of the transposed numbers.
  float *planes = room(spread(columns, rows, stride)), *back = room(spread(columns, rows, stride)), *scratch = room(2 * rows);
  if (stride >= rows) {
    cvector_transpose(dense, columns, planes, stride, rows, columns);
    for (size_t r = 0; r < rows; r++) {
      for (size_t c = 0; c < columns; c++) REQUIRE(is_same(planes[c * stride + r], dense[r * columns + c]), "transpose");
    }
    cvector_layer_norm_columns(planes, weight, bias, 1e-6f, back, stride, columns, rows, scratch);
    for (size_t i = 0; style == small_numbers && columns > 2 && i < rows * columns; i++) {
      REQUIRE(is_near(back[i % columns * stride + i / columns], plain[i], 1e-3), "norm down columns: element %zu", i);
    }
  }
}

static void check_layout(void) {
  const size_t rows = draw(40), columns = draw(40), in_stride = columns + draw(5), out_stride = rows + draw(5);
  float *x = numbers(spread(rows, columns, in_stride)), *out = room(spread(columns, rows, out_stride));
  cvector_transpose(x, in_stride, out, out_stride, rows, columns);
  for (size_t r = 0; r < rows; r++) {
    for (size_t c = 0; c < columns; c++) REQUIRE(is_same(out[c * out_stride + r], x[r * in_stride + c]), "transpose");
  }
  const size_t step = between(1, 5), count = draw(60);
  float *apart = numbers(spread(count, 1, step)), *close = room(count), *again = numbers(spread(count, 1, step));
  cvector_gather(apart, step, close, count);
  cvector_scatter(close, again, step, count);
  for (size_t i = 0; i < count; i++) REQUIRE(is_same(close[i], apart[i * step]) && is_same(again[i * step], close[i]), "gather");
  const size_t height = between(1, 4), width = between(1, 4), line = spread(count, 1, step) + width;
  float *picture = numbers(count ? (height - 1) * line + (count - 1) * step + width : 0), *kernel = numbers(height * width);
  cvector_correlate(picture, line, step, kernel, height, width, 0.5f, close, count);
  for (size_t i = 0; is_tame() && i < count; i++) {
    double sum = 0.5;
    for (size_t k = 0; k < height * width; k++) {
      sum += (double)kernel[k] * picture[k / width * line + i * step + k % width];
    }
    REQUIRE(is_near(close[i], sum, 1e-3), "correlate: element %zu", i);
  }
}

static void check_statistics(void) {
  const size_t count = between(1, 200);
  float *a = numbers(count), *b = numbers(count);
  double *errors = elements(count, 8), *errors2 = elements(count, 8), *table = elements(4096, 8), *table2 = elements(4096, 8);
  cvector_differences sums, sums2;
  int finite = 1;
  for (size_t i = 0; i < count; i++) finite = finite && isfinite(a[i]) && isfinite(b[i]);
  cvector_difference_sums(a, b, count, errors, &sums);
  cvector_difference_sums_scalar(a, b, count, errors2, &sums2);
  REQUIRE(!finite || (!memcmp(errors, errors2, 8 * count) && !memcmp(&sums, &sums2, sizeof sums)), "difference sums");
  REQUIRE((isfinite(sums.aa) && isfinite(sums.bb)) == finite, "sums of squares are finite where all is");
  memset(table, 0, 4096 * 8), memset(table2, 0, 4096 * 8);
  if (finite) {
    cvector_group_by_exponent(a, errors, count, table);
    cvector_group_by_exponent_scalar(a, errors, count, table2);
    REQUIRE(!memcmp(table, table2, 4096 * 8), "groups by exponent");
  }
  REQUIRE(cvector_count_at_least(errors, 1, count) == cvector_count_at_least_scalar(errors, 1, count), "count at least");
  REQUIRE(
      is_same(cvector_largest_difference(a, b, count), cvector_largest_difference_scalar(a, b, count)),
      "largest difference");
  // Stored numbers may lie anywhere.
  const size_t before = draw(7);
  char *stored = (char *)memory(before + 4 * count) + before;
  memcpy(stored, a, 4 * count);
#define WIDEN(name, unit) \
  do { \
    const size_t many = 4 * count / unit; \
    double *out = elements(many, 8), *plain = elements(many, 8); \
    cvector_widen_##name(stored, out, many); \
    cvector_widen_##name##_scalar(stored, plain, many); \
    for (size_t i = 0; i < many; i++) REQUIRE(is_near(out[i], plain[i], 0), "widen " #name ": element %zu", i); \
    const cvector_tally_result all = cvector_tally(out, many), all2 = cvector_tally_scalar(out, many); \
    REQUIRE(all.finite == all2.finite && all.nans == all2.nans, "tally of " #name); \
    REQUIRE(all.minimum == all2.minimum && all.maximum == all2.maximum, "extremes of " #name); \
    const double size = fabs(all.minimum) + fabs(all.maximum); \
    REQUIRE(!all.finite || is_near(all.sum, all2.sum, 1e-12 * size * (double)many), "sum of " #name); \
    const double spread = cvector_spread(out, 0.5, many), spread2 = cvector_spread_scalar(out, 0.5, many); \
    REQUIRE(is_near(spread, spread2, 1e-9 * fabs(spread2)), "spread of " #name); \
  } while (0)
  WIDEN(float, 4);
  WIDEN(half, 2);
  WIDEN(bfloat16, 2);
}

static void check_conversions(void) {
  const size_t count = draw(200);
  float *x = numbers(count), *out = room(count), *plain = room(count);
  uint16_t *halves = elements(count, 2), *halves2 = elements(count, 2);
  int32_t *wholes = elements(count, 4), *wholes2 = elements(count, 4);
  uint8_t *bytes = elements(count, 1), *bytes2 = elements(count, 1);
#define NARROW(name, target, type) \
  cvector_float_to_##name(x, (type *)target, count); \
  cvector_float_to_##name##_scalar(x, (type *)target##2, count); \
  REQUIRE(!memcmp(target, target##2, sizeof *target * count), "to " #name)
  NARROW(int8, bytes, int8_t);
  cvector_int8_to_float((int8_t *)bytes, out, count);
  for (size_t i = 0; i < count; i++) REQUIRE(out[i] == (float)(int8_t)bytes[i], "from int8");
  NARROW(uint8, bytes, uint8_t);
  cvector_uint8_to_float(bytes, out, count);
  for (size_t i = 0; i < count; i++) REQUIRE(out[i] == (float)bytes[i], "from uint8");
  NARROW(int32, wholes, int32_t);
  cvector_int32_to_float(wholes, out, count);
  for (size_t i = 0; i < count; i++) REQUIRE(out[i] == (float)wholes[i], "from int32");
#define BOTH_WAYS(name) \
  cvector_float_to_##name(x, halves, count); \
  cvector_float_to_##name##_scalar(x, halves2, count); \
  cvector_##name##_to_float(halves, out, count); \
  cvector_##name##_to_float_scalar(halves2, plain, count); \
  for (size_t i = 0; i < count; i++) REQUIRE(is_same(out[i], plain[i]), #name ": element %zu", i)
  BOTH_WAYS(half);
  BOTH_WAYS(bfloat16);
  uint64_t *words = elements(count, 8), sum = 0;
  for (size_t i = 0; i < count; i++) sum += words[i] = (uint64_t)next_bits() << 32 | next_bits();
  REQUIRE(cvector_peaks_read(words, count) == sum, "every word is read once");
}

// Rows of numbers of a kind, with as many after each as a product reads.
static void *rows_of(cvector_kind kind, const float *x, size_t rows, size_t columns, size_t stride) {
  const size_t read = cvector_inner_read(kind, columns), size = kind == cvector_f32 ? 4 : 2;
  const size_t count = spread(rows, read, stride);
  char *made = elements(count, size);
  memset(made, 0, count * size);
  for (size_t r = 0; r < rows; r++) {
    if (kind == cvector_f32) memcpy(made + r * stride * 4, x + r * columns, columns * 4);
    if (kind == cvector_bf16) cvector_float_to_bfloat16_scalar(x + r * columns, (uint16_t *)(void *)made + r * stride, columns);
  }
  return made;
}
static float read_of(cvector_kind kind, const void *x, size_t place) {
  return kind == cvector_f32 ? ((const float *)x)[place] : as_float(((const uint16_t *)x)[place]);
}
static size_t size_of(cvector_kind kind) { return kind == cvector_f32 ? 4 : kind == cvector_bf16 ? 2 : 1; }

static void check_product(void) {
  const cvector_kind kind = draw(1) ? cvector_bf16 : cvector_f32, out_kind = draw(1) ? cvector_bf16 : cvector_f32;
  const size_t rows = between(1, 40), inner = between(1, 80), columns = between(1, 70);
  const size_t a_stride = cvector_inner_read(kind, inner) + draw(5), out_stride = columns + draw(5);
  float *a = numbers(rows * inner), *b = numbers(inner * columns), *added = NULL;
  const void *rows_a = rows_of(kind, a, rows, inner, a_stride);
  const cvector_kind source = draw(1) ? cvector_bf16 : cvector_f32;
  void *packed = lines(cvector_packed_bytes(kind, inner, columns));
  const void *as_source = source == cvector_f32 ? (const void *)b : bfloats(b, inner * columns);
  const int is_transposed = (int)draw(1);
  if (is_transposed) {
    cvector_pack_transposed(kind, source, as_source, inner, inner, columns, packed);
  } else {
    cvector_pack(kind, source, as_source, columns, inner, columns, packed);
  }
  if (draw(1)) added = numbers(spread(rows, columns, out_stride));
  float *bias = draw(1) ? numbers(columns) : NULL, *row_bias = draw(1) ? numbers(rows) : NULL;
  void *out = elements(spread(rows, columns, out_stride), size_of(out_kind));
  cvector_product product = {
      .rows = rows, .inner = inner, .columns = columns, .a = rows_a, .a_stride = a_stride, .b = packed, .bias = bias,
      .row_bias = row_bias, .activation = (cvector_activation)draw(2), .scale = draw(1) ? numbers(columns) : NULL,
      .added = added, .added_stride = out_stride, .out = out, .out_stride = out_stride, .out_kind = out_kind,
  };
  cvector_multiply_tile(kind, &product);
  if (!is_tame()) return;
  const double unit = kind == cvector_bf16 || source == cvector_bf16 ? 0x1p-8 : 0x1p-23;
  for (size_t r = 0; r < rows; r++) {
    for (size_t c = 0; c < columns; c++) {
      double sum = 0, size = 1;
      for (size_t k = 0; k < inner; k++) {
        const double term = (double)a[r * inner + k] * b[is_transposed ? c * inner + k : k * columns + c];
        sum += term, size += fabs(term);
      }
      sum += (bias ? bias[c] : 0) + (row_bias ? row_bias[r] : 0);
      double slack = 4 * unit * size;
      if (product.activation == cvector_relu_activation && sum < 0) sum = 0;
      if (product.activation == cvector_gelu_activation) sum = sum * 0.5 * erfc(-sum / sqrt(2)), slack = 2 * slack + 1e-4;
      if (product.scale) sum *= product.scale[c], slack = slack * fabs(product.scale[c]) + 1e-4;
      if (added) sum += added[r * out_stride + c];
      if (out_kind == cvector_bf16) slack += fabs(sum) * 0x1p-8;
      const float found = read_of(out_kind, out, r * out_stride + c);
      REQUIRE(is_near(found, sum, slack + 1e-4), "product [%zu, %zu]: %g, not %g", r, c, found, sum);
    }
  }
}

static void check_tiles(void) {
  const cvector_kind kind = draw(1) ? cvector_bf16 : cvector_f32;
  const size_t rows = draw(20), columns = between(1, 80), padded = columns + draw(9);
  const size_t x_stride = columns + draw(5), out_stride = padded + draw(5), size = size_of(kind);
  float *x = numbers(spread(rows, columns, x_stride)), *added = draw(1) ? numbers(spread(rows, columns, x_stride)) : NULL;
  float *weight = numbers(columns), *bias = numbers(columns);
  void *out = elements(spread(rows, padded, out_stride), size);
  const double unit = kind == cvector_bf16 ? 0x1p-8 : 0x1p-22;
  cvector_convert_tile(kind, x, x_stride, added, x_stride, out, out_stride, rows, columns, padded);
  for (size_t r = 0; r < rows; r++) {
    for (size_t c = 0; c < padded; c++) {
      const double sum = c < columns ? x[r * x_stride + c] + (added ? added[r * x_stride + c] : 0) : 0;
      const float found = read_of(kind, out, r * out_stride + c);
      REQUIRE(is_near(found, sum, c < columns && !is_tame() ? INFINITY : 10 * unit), "convert: %g, not %g", found, sum);
    }
  }
  cvector_activate_tile(kind, cvector_gelu_activation, x, x_stride, out, out_stride, rows, columns, padded);
  for (size_t i = 0; is_tame() && i < rows * columns; i++) {
    const double number = x[i / columns * x_stride + i % columns], gelu = number * 0.5 * erfc(-number / sqrt(2));
    REQUIRE(is_near(read_of(kind, out, i / columns * out_stride + i % columns), gelu, 5 * unit + 2e-4), "gelu of %g", number);
  }
  cvector_normalise_tile(kind, x, x_stride, weight, bias, 1e-6f, out, out_stride, rows, columns, padded);
  for (size_t r = 0; r < rows; r++) {
    for (size_t c = columns; c < padded; c++) REQUIRE(read_of(kind, out, r * out_stride + c) == 0, "zeros after a row");
  }
  // Planes.
  float *planes = draw(1) ? x : room(spread(rows, columns, x_stride));
  if (rows) {
    float *own = numbers(rows), *base = numbers(rows);
    cvector_normalise_planes_tile(
        (cvector_activation)draw(2), x, x_stride, own, base, 1e-6f, planes, x_stride, rows, columns);
  }
  float *copied = room(spread(rows, columns, x_stride));
  cvector_copy_past_caches(planes, x_stride, copied, x_stride, rows, columns);
  for (size_t i = 0; i < rows * columns; i++) {
    const size_t at = i / columns * x_stride + i % columns;
    REQUIRE(is_same(copied[at], planes[at]), "copy");
  }
}

static void check_pictures(void) {
  const cvector_kind kind = draw(1) ? cvector_bf16 : cvector_f32;
  const size_t side = between(1, 3), across = between(1, 4), down = between(1, 3), columns = between(1, 50);
  const size_t stride = columns + draw(5), tokens = side * side * across * down;
  float *x = numbers(tokens * columns);
  const void *tokens_of = rows_of(kind, x, tokens, columns, stride + 1);
  void *out = elements(spread(across * down, columns, stride), size_of(kind));
  cvector_pool_tile(kind, tokens_of, stride + 1, side * across, side * down, side, out, stride, columns);
  for (size_t i = 0; is_tame() && i < across * down * columns; i++) {
    const size_t token = i / columns, c = i % columns, left_token = token % across * side, top = token / across * side;
    float largest = -INFINITY;
    for (size_t k = 0; k < side * side; k++) {
      const size_t from = (top + k / side) * side * across + left_token + k % side;
      largest = fmaxf(largest, read_of(kind, tokens_of, from * (stride + 1) + c));
    }
    REQUIRE(read_of(kind, out, token * stride + c) == largest, "largest of a square");
  }
  const size_t height = between(1, 7), width = between(1, 7), count = between(1, 12), channels = columns;
  const size_t line = (count + width - 1) * channels + draw(5);
  float *picture = numbers(spread(height, (count + width - 1) * channels, line)), *kernel = numbers(height * width * channels);
  float *bias = draw(1) ? numbers(channels) : NULL, *results = room(spread(count, channels, stride));
  cvector_depthwise_tile(picture, line, channels, kernel, bias, height, width, results, stride, count);
  for (size_t i = 0; is_tame() && i < count * channels; i++) {
    const size_t pixel = i / channels, c = i % channels;
    double sum = bias ? bias[c] : 0;
    for (size_t k = 0; k < height * width; k++) {
      sum += (double)kernel[k * channels + c] * picture[k / width * line + (pixel + k % width) * channels + c];
    }
    REQUIRE(is_near(results[pixel * stride + c], sum, 1e-2), "depthwise: %g, not %g", results[pixel * stride + c], sum);
  }
}

// Some results of an attention of up to 530 keys, against double precision.
static void require_attention(const cvector_attention *a, const float *q, const float *k, const float *v, double slack) {
  for (size_t r = 0; is_tame() && r < a->queries; r += 1 + a->queries / 8) {
    double weights[530], total = 0, largest = -INFINITY;
    for (size_t i = 0; i < a->keys; i++) {
      weights[i] = 0;
      for (size_t d = 0; d < a->dim; d++) weights[i] += (double)a->scale * q[r * a->dim + d] * k[i * a->dim + d];
      largest = fmax(largest, weights[i]);
    }
    for (size_t i = 0; i < a->keys; i++) total += weights[i] = exp(weights[i] - largest);
    for (size_t c = 0; c < a->value_dim; c++) {
      double sum = 0;
      for (size_t i = 0; i < a->keys; i++) sum += weights[i] / total * v[i * a->value_dim + c];
      const float found = read_of(a->out_kind, a->out, r * a->out_stride + c);
      REQUIRE(is_near(found, sum, slack), "attention: %g, not %g", found, sum);
    }
  }
}

static void check_attention(void) {
  const cvector_kind kind = draw(1) ? cvector_bf16 : cvector_f32, source = draw(1) ? cvector_bf16 : cvector_f32;
  const cvector_kind out_kind = draw(1) ? cvector_bf16 : cvector_f32;
  const size_t queries = draw(1) ? between(1, 9) : between(120, 135), dim = between(1, 40), value_dim = between(1, 40);
  const size_t keys = draw(3) ? draw(70) : between(505, 530), q_stride = cvector_inner_read(kind, dim) + draw(5);
  const size_t out_stride = value_dim + draw(5);
  float *q = numbers(queries * dim), *k = numbers(keys * dim), *v = numbers(keys * value_dim);
  const void *source_k = source == cvector_f32 ? (const void *)k : bfloats(k, keys * dim);
  const void *source_v = source == cvector_f32 ? (const void *)v : bfloats(v, keys * value_dim);
  void *packed_k = lines(cvector_packed_keys_bytes(kind, keys, dim));
  void *packed_v = lines(cvector_packed_values_bytes(kind, keys, value_dim));
  for (size_t first = 0; first < keys; first += cvector_keys_at_once) {
    const size_t count = keys - first < cvector_keys_at_once ? keys - first : cvector_keys_at_once;
    const char *some_k = (const char *)source_k + first * dim * size_of(source);
    const char *some_v = (const char *)source_v + first * value_dim * size_of(source);
    cvector_pack_keys(kind, source, some_k, dim, first, count, keys, dim, packed_k);
    cvector_pack_values(kind, source, some_v, value_dim, first, count, keys, value_dim, packed_v);
  }
  void *out = elements(spread(queries, value_dim, out_stride), size_of(out_kind));
  cvector_attention attention = {
      .queries = queries, .keys = keys, .dim = dim, .value_dim = value_dim, .scale = 0.125f,
      .q = rows_of(kind, q, queries, dim, q_stride), .q_stride = q_stride, .k = packed_k, .v = packed_v, .out = out,
      .out_stride = out_stride, .out_kind = out_kind,
      .scratch = lines(cvector_attention_scratch(kind, keys, dim, value_dim)),
  };
  cvector_attend_tile(kind, &attention);
  // Scores of bfloat16 are off by some of their own size, weights by as many times that.
  const int rough = kind == cvector_bf16 || source == cvector_bf16;
  require_attention(&attention, q, k, v, rough ? 0.5 : out_kind == cvector_bf16 ? 0.03 : 0.01);
}

// Attention in bytes, against numbers: queries and keys are off by a step in 254, values by one of their largest, and weights by
// a share of a 28th of an octave, or of a byte.
static void check_attention_in_bytes(void) {
  const cvector_kind out_kind = draw(1) ? cvector_bf16 : cvector_f32;
  const size_t queries = draw(1) ? between(1, 40) : between(120, 135), dim = between(1, 140), value_dim = between(1, 70);
  const size_t keys = draw(3) ? draw(140) : between(505, 530), out_stride = value_dim + draw(5);
  const size_t pieces = (keys + cvector_keys_at_once - 1) / cvector_keys_at_once;
  float *q = numbers(queries * dim), *k = numbers(keys * dim), *v = numbers(keys * value_dim);
  float *key_scales = room((keys + cvector_int8_keys_of_scale - 1) / cvector_int8_keys_of_scale);
  float *value_scales = room(pieces * ((value_dim + 15) / 16 * 16));
  cvector_round_columns_to_int8(v, value_dim, keys, value_dim, between(1, 20), room(keys * value_dim), value_dim);
  if (!cvector_attends_in_int8()) return;
  void *packed_k = lines(cvector_int8_packed_keys_bytes(keys, dim));
  void *packed_v = lines(cvector_int8_packed_values_bytes(keys, value_dim));
  for (size_t first = 0; first < keys; first += cvector_keys_at_once) {
    const size_t count = keys - first < cvector_keys_at_once ? keys - first : cvector_keys_at_once;
    cvector_pack_int8_keys(k + first * dim, dim, first, count, dim, packed_k, key_scales);
    cvector_pack_int8_values(v + first * value_dim, value_dim, first, count, value_dim, packed_v, value_scales);
  }
  void *out = elements(spread(queries, value_dim, out_stride), size_of(out_kind));
  const cvector_attention attention = {
      .queries = queries, .keys = keys, .dim = dim, .value_dim = value_dim, .scale = 0.01f, .q = q, .q_stride = dim,
      .k = packed_k, .v = packed_v, .key_scales = key_scales, .value_scales = value_scales, .out = out,
      .out_stride = out_stride, .out_kind = out_kind,
      .scratch = lines(cvector_int8_attention_scratch(keys, dim, value_dim)),
  };
  cvector_attend_int8_tile(&attention);
  require_attention(&attention, q, k, v, 0.5);
}

static void check_pieces(void) {
  const cvector_kind kind = draw(1) ? cvector_bf16 : cvector_f32;
  const size_t rows = between(1, 9), columns = between(1, 80), stride = columns + draw(5);
  const size_t read = cvector_inner_read(kind, columns), weights_stride = read + draw(5);
  float *scores = numbers(spread(rows, columns, stride)), *before = copy(scores, spread(rows, columns, stride));
  void *weights = elements(spread(rows, read, weights_stride), size_of(kind));
  float *largest = room(rows), *totals = room(rows), *factors = room(rows);
  cvector_weigh_tile(kind, scores, stride, 0.25f, rows, columns, weights, weights_stride, largest, totals, factors);
  for (size_t r = 0; is_tame() && r < rows; r++) {
    double most = -INFINITY, total = 0;
    for (size_t c = 0; c < columns; c++) most = fmax(most, before[r * stride + c]);
    for (size_t c = 0; c < columns; c++) total += exp(0.25 * (before[r * stride + c] - most));
    REQUIRE(is_near(totals[r], total, 0.01 * total), "weights of a row: %g, not %g", totals[r], total);
  }
  const size_t heads = between(1, cvector_most_heads), keys = between(1, 9), many = heads * keys;
  const size_t many_read = cvector_inner_read(kind, many);
  float *head_scores = numbers(spread(rows, many, many + 3));
  void *head_weights = elements(spread(rows, many_read, many_read), size_of(kind));
  cvector_weigh_heads_tile(kind, head_scores, many + 3, 0.25f, rows, heads, keys, head_weights, many_read);
  for (size_t i = 0; is_tame() && i < rows * heads; i++) {
    double sum = 0;
    for (size_t key = 0; key < keys; key++) sum += read_of(kind, head_weights, i / heads * many_read + key * heads + i % heads);
    REQUIRE(is_near(sum, 1, 0.02), "weights of a head: %g", sum);
  }
  const size_t parts = between(1, 5);
  cvector_joining joining = {
      .parts = parts, .rows = rows, .columns = columns, .scale = 0.25f, .sums = numbers(parts * rows * columns),
      .largest = numbers(parts * rows), .totals = numbers(parts * rows), .factors = room(parts),
      .out = elements(rows * columns, size_of(kind)), .out_kind = kind,
  };
  cvector_join_tile(&joining);
}

static void check_bytes(void) {
  const size_t rows = between(1, 30), inner = between(1, 150), columns = between(1, 70);
  const size_t a_stride = inner + draw(70), out_stride = columns + draw(5), w_stride = inner + draw(3);
  uint8_t *a = elements(spread(rows, inner, a_stride) + cvector_int8_spare_bytes, 1);
  int8_t *weights = elements(spread(columns, inner, w_stride), 1);
  for (size_t i = 0; i < spread(rows, inner, a_stride) + cvector_int8_spare_bytes; i++) a[i] = (uint8_t)next_bits();
  for (size_t i = 0; i < spread(columns, inner, w_stride); i++) weights[i] = (int8_t)((int)(next_bits() % 255) - 127);
  void *packed = lines(cvector_int8_packed_bytes(inner, columns));
  cvector_pack_int8(weights, w_stride, inner, columns, packed);
  float *scales = numbers(columns), *bias = draw(1) ? numbers(columns) : NULL;
  const cvector_kind out_kind = (cvector_kind)draw(2);
  const cvector_range range = {.scale = 1 / (1 + (float)draw(300)), .zero_point = (uint8_t)draw(255)};
  const cvector_range out_range = {.scale = (float)(1 + draw(300)) / 30, .zero_point = (uint8_t)draw(255)};
  float *added = out_kind != cvector_u8 && draw(1) ? numbers(spread(rows, columns, out_stride)) : NULL;
  void *out = elements(spread(rows, columns, out_stride), size_of(out_kind));
  cvector_int8_product product = {
      .rows = rows, .inner = inner, .columns = columns, .a = a, .a_stride = a_stride, .a_range = range, .b = packed,
      .scales = scales, .bias = bias, .activation = (cvector_activation)draw(2), .added = added,
      .added_stride = out_stride, .out = out, .out_stride = out_stride, .out_kind = out_kind, .out_range = out_range,
  };
  cvector_multiply_int8_tile(&product);
  for (size_t r = 0; is_tame() && r < rows; r++) {
    for (size_t c = 0; c < columns; c++) {
      int sum = 0;
      for (size_t k = 0; k < inner; k++) sum += (a[r * a_stride + k] - range.zero_point) * weights[c * w_stride + k];
      double number = (double)sum * range.scale * scales[c] + (bias ? bias[c] : 0), slack = 1e-3 + 1e-5 * fabs(number);
      if (product.activation == cvector_relu_activation && number < 0) number = 0;
      if (product.activation == cvector_gelu_activation) number = number * 0.5 * erfc(-number / sqrt(2));
      if (added) number += added[r * out_stride + c];
      const size_t at = r * out_stride + c;
      if (out_kind == cvector_u8) {
        const double byte = fmin(255, fmax(0, number / out_range.scale + out_range.zero_point));
        const uint8_t found = ((uint8_t *)out)[at];
        REQUIRE(fabs(found - byte) <= 0.51 + slack / out_range.scale, "byte %d, not %g", found, byte);
      } else {
        const float found = read_of(out_kind, out, at);
        if (out_kind == cvector_bf16) slack += 0x1p-8 * fabs(number);
        REQUIRE(is_near(found, number, slack), "%g, not %g", found, number);
      }
    }
  }
}

static void check_byte_rows(void) {
  const size_t rows = between(1, 20), columns = between(1, 90), x_stride = columns + draw(5), out_stride = columns + draw(5);
  const cvector_kind source = draw(1) ? cvector_bf16 : cvector_f32;
  const cvector_range range = {.scale = (float)(1 + draw(300)) / 300, .zero_point = (uint8_t)draw(255)};
  float *x = numbers(spread(rows, columns, x_stride)), *added = draw(1) ? numbers(spread(rows, columns, x_stride)) : NULL;
  float *weight = numbers(columns), *bias = numbers(columns);
  uint8_t *out = elements(spread(rows, columns, out_stride), 1);
  const void *as_source = source == cvector_f32 ? (const void *)x : bfloats(x, spread(rows, columns, x_stride));
  cvector_quantize_tile(source, as_source, x_stride, added, x_stride, range, out, out_stride, rows, columns);
  for (size_t i = 0; is_tame() && i < rows * columns; i++) {
    const size_t at = i / columns * x_stride + i % columns;
    const double number = (double)read_of(source, as_source, at) + (added ? added[at] : 0);
    const double byte = fmin(255, fmax(0, number / range.scale + range.zero_point));
    REQUIRE(fabs(out[i / columns * out_stride + i % columns] - byte) <= 0.51, "a number becomes the nearest byte");
  }
  cvector_normalise_to_int8_tile(x, x_stride, weight, bias, 1e-6f, range, out, out_stride, rows, columns);
  cvector_activate_to_int8_tile((cvector_activation)draw(2), x, x_stride, range, out, out_stride, rows, columns);
  float least = 0, most = 0, plain_least = 0, plain_most = 0;
  cvector_extremes_tile(x, x_stride, rows, columns, &least, &most);
  for (size_t i = 0; i < rows * columns; i++) {
    const float number = x[i / columns * x_stride + i % columns];
    if (isfinite(number)) plain_least = fminf(plain_least, number), plain_most = fmaxf(plain_most, number);
  }
  REQUIRE(least == plain_least && most == plain_most, "extremes %g and %g, not %g and %g", least, most, plain_least, plain_most);
  const size_t group = between(1, 20), groups = (rows + group - 1) / group;
  int8_t *bytes = elements(rows * out_stride, 1);
  float *scales = room(groups), *rounded = draw(1) ? x : room(spread(rows, columns, x_stride));
  cvector_quantize_rows(x, x_stride, rows, columns, group, bytes, out_stride, scales);
  for (size_t i = 0; is_tame() && i < rows * columns; i++) {
    const float number = x[i / columns * x_stride + i % columns], scale = scales[i / columns / group];
    REQUIRE(is_near(bytes[i / columns * out_stride + i % columns] * scale, number, 0.51 * scale + 1e-6), "a group's bytes");
  }
  const size_t packed = cvector_int8_packed_keys_bytes(rows, columns);
  if (cvector_attends_in_int8()) {
    cvector_pack_int8_keys(x, x_stride, 0, rows, columns, lines(packed), room((rows + 63) / 64));
  }
  cvector_round_rows_to_int8(x, x_stride, rows, columns, group, rounded, x_stride);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t count) {
  static void (*const checks[])(void) = {
      check_elementwise, check_resampling, check_rows,     check_layout, check_statistics, check_conversions,
      check_product,     check_tiles,      check_pictures, check_attention, check_pieces,  check_bytes,
      check_byte_rows,   check_attention_in_bytes,
  };
  rest = input, left = count;
  const size_t check = draw_byte() % (sizeof checks / sizeof *checks);
  cvector_use_instructions((cvector_instructions)(draw_byte() % (cvector_amx + 1)));
  cvector_use_int8_instructions((cvector_int8_instructions)(draw_byte() % (cvector_int8_amx + 1)));
  style = draw_byte() % 4;
  state = draw(0xFFFF);
  checks[check]();
  while (held_count) free(held[--held_count]);
  return 0;
}
