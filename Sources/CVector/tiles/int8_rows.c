// Queries, keys and values as bytes around zero.
#include <float.h>
#include <math.h>
#include <string.h>

#include "../include/cvector_int8.h"
#include "../variants.h"
#include "int8.h"
#include "level.h"

// Columns that are looked at together.
enum { most_columns = 64 };

// A number's bits without the sign, which are in order of magnitude; the larger of these and of `bits`.
CVECTOR_INLINE uint32_t larger_magnitude(uint32_t bits, const float *x) {
  uint32_t own;
  memcpy(&own, x, sizeof own);
  own &= 0x7fffffff;
  return own > bits ? own : bits;
}

// What a step is worth when the largest magnitude, of these bits, is 127 of them; not finite where that isn't.
static float scale_for(uint32_t bits) {
  float largest;
  memcpy(&largest, &bits, sizeof largest);
  const float scale = largest / 127;
  if (!isfinite(largest)) return NAN;
  // A smaller step has no reciprocal.
  return scale < FLT_MIN ? 0 : scale;
}

// The same of some rows.
CVECTOR_INLINE float scale_of(const float *x, size_t stride, size_t rows, size_t dim) {
  uint32_t largest = 0;
  for (size_t row = 0; row < rows; row++, x += stride) {
    CVECTOR_LOOP for (size_t c = 0; c < dim; c++) largest = larger_magnitude(largest, x + c);
  }
  return scale_for(largest);
}

static float inverse_of(float scale) { return scale > 0 ? 1 / scale : 0; }

// The nearest whole number, of two equally near ones the even one, from -127 to 127: adding 1.5 · 2^23 rounds.
CVECTOR_INLINE float step_of(float x, float inverse) {
  float step = x * inverse;
  step = step > -127 ? step : -127;
  step = step < 127 ? step : 127;
  return step + 12582912.0f - 12582912.0f;
}

CVECTOR_INLINE void steps_of_row(const float *x, float inverse, int8_t *out, size_t count) {
  CVECTOR_LOOP for (size_t c = 0; c < count; c++) out[c] = (int8_t)step_of(x[c], inverse);
}

CVECTOR_VARIANTS
void cvector_quantize_rows(
    const float *x, size_t x_stride, size_t rows, size_t dim, size_t group, int8_t *out, size_t out_stride,
    float *scales) {
  for (size_t first = 0; first < rows; first += group, scales++) {
    const size_t count = rows - first < group ? rows - first : group;
    *scales = scale_of(x + first * x_stride, x_stride, count, dim);
    const float inverse = inverse_of(*scales);
    for (size_t row = first; row < first + count; row++) {
      int8_t *to = out + row * out_stride;
      steps_of_row(x + row * x_stride, inverse, to, dim);
      memset(to + dim, 0, out_stride - dim);
    }
  }
}

CVECTOR_VARIANTS
void cvector_round_rows_to_int8(
    const float *x, size_t x_stride, size_t rows, size_t dim, size_t group, float *out, size_t out_stride) {
  for (size_t first = 0; first < rows; first += group) {
    const size_t count = rows - first < group ? rows - first : group;
    const float scale = scale_of(x + first * x_stride, x_stride, count, dim), inverse = inverse_of(scale);
    for (size_t row = first; row < first + count; row++) {
      const float *from = x + row * x_stride;
      float *to = out + row * out_stride;
      CVECTOR_LOOP for (size_t c = 0; c < dim; c++) to[c] = step_of(from[c], inverse) * scale;
    }
  }
}

size_t cvector_int8_packed_keys_bytes(size_t keys, size_t dim) { return (keys + 15) / 16 * ((dim + 63) / 64) * 1024; }

CVECTOR_VARIANTS
void cvector_pack_int8_keys(
    const float *k, size_t stride, size_t first, size_t count, size_t dim, void *packed, float *scales) {
  enum { group = cvector_int8_keys_of_scale, panel = 16, step_bytes = 64 };
  const cvector_level *level = cvector_level_used();
  // AMX multiplies bytes with signs; other instructions take the keys without, 128 more than they are.
  const uint8_t sign = level->attend_block_of_bytes ? 0 : 0x80;
  const size_t steps = (dim + step_bytes - 1) / step_bytes, panel_bytes = steps * panel * step_bytes;
  for (size_t at = 0; at < count; at += group) {
    const size_t keys = count - at < group ? count - at : group;
    const float *rows = k + at * stride;
    const float scale = scale_of(rows, stride, keys, dim), inverse = inverse_of(scale);
    scales[(first + at) / group] = scale;
    char *target = (char *)packed + (first + at) / panel * panel_bytes;
    for (size_t from = 0; from < keys; from += panel, target += panel_bytes) {
      for (size_t step = 0; step < steps; step++) {
        const size_t bytes = dim - step * step_bytes < step_bytes ? dim - step * step_bytes : step_bytes;
        int8_t tile[panel][step_bytes] __attribute__((aligned(64)));
        if (bytes < step_bytes || keys - from < panel) memset(tile, 0, sizeof tile);
        for (size_t key = 0; key < panel && from + key < keys; key++) {
          steps_of_row(rows + (from + key) * stride + step * step_bytes, inverse, tile[key], bytes);
          CVECTOR_LOOP for (size_t c = 0; c < bytes; c++) tile[key][c] ^= sign;
        }
        // Four bytes of each key, then the next four.
        level->transpose(tile, panel, panel, panel, (uint32_t *)(target + step * sizeof tile));
      }
    }
  }
}

// What the last step of each of some columns' largest bytes is worth.
CVECTOR_INLINE void scales_of_columns(const float *x, size_t stride, size_t rows, size_t columns, float *scales) {
  uint32_t largest[most_columns] = {0};
  for (size_t row = 0; row < rows; row++, x += stride) {
    CVECTOR_LOOP for (size_t c = 0; c < columns; c++) largest[c] = larger_magnitude(largest[c], x + c);
  }
  for (size_t c = 0; c < columns; c++) scales[c] = scale_for(largest[c]);
}

CVECTOR_VARIANTS
void cvector_round_columns_to_int8(
    const float *x, size_t x_stride, size_t rows, size_t columns, size_t group, float *out, size_t out_stride) {
  for (size_t first = 0; first < rows; first += group) {
    const size_t count = rows - first < group ? rows - first : group;
    for (size_t at = 0; at < columns; at += most_columns) {
      const size_t some = columns - at < most_columns ? columns - at : most_columns;
      float scales[most_columns], inverses[most_columns];
      scales_of_columns(x + first * x_stride + at, x_stride, count, some, scales);
      for (size_t c = 0; c < some; c++) inverses[c] = inverse_of(scales[c]);
      for (size_t row = first; row < first + count; row++) {
        const float *from = x + row * x_stride + at;
        float *to = out + row * out_stride + at;
        CVECTOR_LOOP for (size_t c = 0; c < some; c++) to[c] = step_of(from[c], inverses[c]) * scales[c];
      }
    }
  }
}

size_t cvector_int8_packed_values_bytes(size_t keys, size_t value_dim) {
  const size_t panels = (value_dim + 15) / 16, whole = keys / cvector_keys_at_once, rest = keys % cvector_keys_at_once;
  return panels * (whole * cvector_value_panel_bytes(cvector_keys_at_once) + (rest ? cvector_value_panel_bytes(rest) : 0));
}

CVECTOR_VARIANTS
void cvector_pack_int8_values(
    const float *v, size_t stride, size_t first, size_t count, size_t value_dim, void *packed, float *scales) {
  enum { piece = cvector_keys_at_once, panel = 16, in_word = 4 };
  const size_t panels = (value_dim + panel - 1) / panel;
  for (size_t at = 0; at < count; at += piece) {
    const size_t keys = count - at < piece ? count - at : piece, number = (first + at) / piece;
    const size_t panel_bytes = cvector_value_panel_bytes(keys);
    char *target = (char *)packed + number * panels * cvector_value_panel_bytes(piece);
    float *of_piece = scales + number * panels * panel;
    for (size_t from = 0; from < panels * panel; from += panel, target += panel_bytes) {
      const size_t columns = value_dim - from < panel ? value_dim - from : panel;
      const float *x = v + at * stride + from;
      float inverses[panel];
      memset(target, 0, panel_bytes);
      memset(of_piece + from, 0, panel * sizeof *of_piece);
      scales_of_columns(x, stride, keys, columns, of_piece + from);
      for (size_t c = 0; c < columns; c++) inverses[c] = inverse_of(of_piece[from + c]);
      for (size_t key = 0; key < keys; key++, x += stride) {
        int8_t *word = (int8_t *)target + cvector_value_panel_head + key / in_word * in_word * panel + key % in_word;
        CVECTOR_LOOP for (size_t c = 0; c < columns; c++) word[c * in_word] = (int8_t)step_of(x[c], inverses[c]);
      }
    }
  }
}
