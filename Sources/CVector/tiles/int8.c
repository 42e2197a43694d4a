// Bytes: which instructions multiply them, how weights are packed, and what goes through Float32 on its way.
#include "int8.h"

#include <string.h>

#include "../amx.h"
#include "level.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const char *const names[] = {"portable", "avx2", "avx_vnni", "avx512", "avx512_vnni", "amx"};

static size_t up_to(size_t count, size_t step) { return (count + step - 1) / step * step; }

// The best for what the tiles may use.
static cvector_int8_instructions best(cvector_instructions allowed) {
#if defined(__x86_64__)
  // Intel, Software Developer's Manual, volume 2, CPUID: leaf 7, ECX 11 and, of its second part, EAX 4.
  unsigned a, b, c, d;
  if (allowed == cvector_amx && cvector_may_use_tiles(cvector_amx_int8)) return cvector_int8_amx;
  if (allowed >= cvector_avx512) {
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c >> 11 & 1) ? cvector_int8_avx512_vnni : cvector_int8_avx512;
  }
  if (allowed == cvector_avx2) {
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1) ? cvector_int8_avx_vnni : cvector_int8_avx2;
  }
#endif
  (void)allowed;
  return cvector_int8_portable;
}

// What was found for an instruction set, and one more than it; 0 until then.
static _Thread_local unsigned char found[cvector_amx + 1];
// One more than what a test allows on this thread at most.
static _Thread_local int limit;

static cvector_int8_instructions found_for(cvector_instructions allowed) {
  if (!found[allowed]) found[allowed] = (unsigned char)best(allowed) + 1;
  return (cvector_int8_instructions)(found[allowed] - 1);
}

static bool has(cvector_int8_instructions instructions) {
#if defined(__x86_64__)
  unsigned a, b, c, d;
  // AVX-512 is no promise of VNNI for 256 bits.
  if (instructions == cvector_int8_avx_vnni) return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
#endif
  return instructions <= found_for(cvector_instructions_used());
}

cvector_int8_instructions cvector_int8_instructions_used(void) {
  return limit ? (cvector_int8_instructions)(limit - 1) : found_for(cvector_instructions_used());
}

cvector_int8_instructions cvector_use_int8_instructions(cvector_int8_instructions wanted) {
  const cvector_int8_instructions most = found_for(cvector_instructions_used());
  if (wanted > most) wanted = most;
  while (!has(wanted)) wanted--;
  limit = (int)wanted + 1;
  return wanted;
}

void cvector_use_found_int8_instructions(void) { limit = 0; }

const char *cvector_int8_instructions_name(cvector_int8_instructions instructions) { return names[instructions]; }

bool cvector_is_int8_fast(void) {
  const cvector_int8_instructions used = cvector_int8_instructions_used();
  return used == cvector_int8_avx_vnni || used >= cvector_int8_avx512_vnni;
}

const cvector_int8_level *cvector_int8_level_used(void) {
#if defined(__x86_64__)
  static const cvector_int8_level *const levels[] = {
      &cvector_int8_level_portable, &cvector_int8_level_avx2, &cvector_int8_level_avx_vnni,
      &cvector_int8_level_avx512, &cvector_int8_level_avx512_vnni, &cvector_int8_level_amx,
  };
  return levels[cvector_int8_instructions_used()];
#else
  return &cvector_int8_level_portable;
#endif
}

static size_t panel_bytes(const cvector_int8_level *level, size_t inner) {
  return (1 + up_to(inner, level->step) / level->in_word) * level->lanes * sizeof(int32_t);
}

size_t cvector_int8_packed_bytes(size_t inner, size_t columns) {
  const cvector_int8_level *level = cvector_int8_level_used();
  return panel_bytes(level, inner) * ((columns + level->lanes - 1) / level->lanes);
}

void cvector_pack_int8(const int8_t *weights, size_t stride, size_t inner, size_t columns, void *packed) {
  const cvector_int8_level *level = cvector_int8_level_used();
  const size_t lanes = level->lanes, in_word = level->in_word, bytes = panel_bytes(level, inner);
  memset(packed, 0, bytes * ((columns + lanes - 1) / lanes));
  for (size_t c = 0; c < columns; c++) {
    const int8_t *row = weights + c * stride;
    int32_t *panel = (int32_t *)((char *)packed + c / lanes * bytes);
    int32_t sum = 0;
    for (size_t k = 0; k < inner; k++) {
      const size_t at = (k / in_word * lanes + c % lanes) * in_word + k % in_word;
      if (in_word == 4) {
        ((int8_t *)(panel + lanes))[at] = row[k];
      } else {
        ((int16_t *)(panel + lanes))[at] = row[k];
      }
      sum += row[k];
    }
    panel[c % lanes] = sum;
  }
}

// Some rows and columns at a time by way of Float32.
static void multiply_in_pieces(const cvector_int8_level *level, const cvector_int8_product *p) {
  enum { most_rows = 64, most_columns = 64 };
  float buffer[most_rows * most_columns] __attribute__((aligned(64)));
  const size_t bytes = panel_bytes(level, p->inner);
  for (size_t column = 0; column < p->columns; column += most_columns) {
    for (size_t row = 0; row < p->rows; row += most_rows) {
      cvector_int8_product piece = *p;
      piece.rows = p->rows - row < most_rows ? p->rows - row : most_rows;
      piece.columns = p->columns - column < most_columns ? p->columns - column : most_columns;
      piece.a = p->a + row * p->a_stride;
      piece.b = (const char *)p->b + column / level->lanes * bytes;
      piece.scales = p->scales + column;
      piece.bias = p->bias ? p->bias + column : NULL;
      piece.activation = cvector_no_activation;
      piece.added = NULL;
      (piece.out = buffer, piece.out_stride = most_columns, piece.out_kind = cvector_f32);
      level->multiply(&piece);
      const float *added = p->added ? p->added + row * p->added_stride + column : NULL;
      const size_t at = row * p->out_stride + column;
      if (p->activation) {
        cvector_activate_tile(
            cvector_f32, p->activation, buffer, most_columns, buffer, most_columns, piece.rows, piece.columns,
            piece.columns);
      }
      if (p->out_kind == cvector_u8) {
        level->quantize(
            cvector_f32, buffer, most_columns, NULL, 0, p->out_range, (uint8_t *)p->out + at, p->out_stride, piece.rows,
            piece.columns);
      } else {
        void *out = p->out_kind == cvector_f32 ? (void *)((float *)p->out + at) : (void *)((uint16_t *)p->out + at);
        cvector_convert_tile(
            p->out_kind, buffer, most_columns, added, p->added_stride, out, p->out_stride, piece.rows, piece.columns,
            piece.columns);
      }
    }
  }
}

void cvector_multiply_int8_tile(const cvector_int8_product *p) {
  const cvector_int8_level *level = cvector_int8_level_used();
  if (p->inner > cvector_int8_most_inner || (p->out_kind == cvector_u8 && p->added)) __builtin_trap();
  if (p->activation == cvector_gelu_activation && !(level->has_gelu && level->has_gelu(p))) {
    multiply_in_pieces(level, p);
  } else {
    level->multiply(p);
  }
}

void cvector_quantize_tile(
    cvector_kind source, const void *x, size_t x_stride, const float *added, size_t added_stride, cvector_range range,
    uint8_t *out, size_t out_stride, size_t rows, size_t columns) {
  cvector_int8_level_used()->quantize(source, x, x_stride, added, added_stride, range, out, out_stride, rows, columns);
}

// How many numbers are Float32 at a time on their way to bytes.
enum { numbers_at_once = 4096 };

void cvector_normalise_to_int8_tile(
    const float *x, size_t x_stride, const float *weight, const float *bias, float epsilon, cvector_range range,
    uint8_t *out, size_t out_stride, size_t rows, size_t columns) {
  float normed[numbers_at_once] __attribute__((aligned(64)));
  const size_t at_once = columns ? numbers_at_once / columns : 1;
  if (!at_once) __builtin_trap();
  for (size_t row = 0; row < rows; row += at_once) {
    const size_t count = rows - row < at_once ? rows - row : at_once;
    cvector_normalise_tile(
        cvector_f32, x + row * x_stride, x_stride, weight, bias, epsilon, normed, columns, count, columns, columns);
    cvector_int8_level_used()->quantize(
        cvector_f32, normed, columns, NULL, 0, range, out + row * out_stride, out_stride, count, columns);
  }
}

void cvector_activate_to_int8_tile(
    cvector_activation activation, const float *x, size_t x_stride, cvector_range range, uint8_t *out, size_t out_stride,
    size_t rows, size_t columns) {
  float activated[numbers_at_once] __attribute__((aligned(64)));
  for (size_t row = 0; row < rows; row++) {
    for (size_t column = 0; column < columns; column += numbers_at_once) {
      const size_t count = columns - column < numbers_at_once ? columns - column : numbers_at_once;
      cvector_activate_tile(
          cvector_f32, activation, x + row * x_stride + column, x_stride, activated, count, 1, count, count);
      cvector_int8_level_used()->quantize(
          cvector_f32, activated, count, NULL, 0, range, out + row * out_stride + column, out_stride, 1, count);
    }
  }
}

void cvector_extremes_tile(const float *x, size_t x_stride, size_t rows, size_t columns, float *least, float *most) {
  cvector_int8_level_used()->extremes(x, x_stride, rows, columns, least, most);
}
