// Packed operands, and the functions of the instruction set in use.
#include <string.h>

#include "level.h"

static size_t up_to(size_t count, size_t step) { return (count + step - 1) / step * step; }

// Whether an operand is packed as pairs of bfloat16: rows 2k and 2k + 1 beside each other, so many that 32 divides them.
static bool is_paired(cvector_kind kind) { return kind == cvector_bf16 && cvector_level_used()->multiplies_bf16; }

size_t cvector_packed_bytes(cvector_kind kind, size_t inner, size_t columns) {
  const size_t wide = up_to(columns, cvector_level_used()->lanes);
  return is_paired(kind) ? up_to(inner, 32) * wide * sizeof(uint16_t) : inner * wide * sizeof(float);
}

size_t cvector_inner_read(cvector_kind kind, size_t inner) { return is_paired(kind) ? up_to(inner, 2) : inner; }

// How many numbers of a row are rounded at a time while it is packed.
enum { rounded_at_once = 256 };

// Rows of numbers as they are packed: Float32, or bfloat16 in pairs or widened again.
static void convert_rows(
    cvector_kind kind, cvector_kind source, const void *in, size_t stride, size_t rows, size_t columns, void *out,
    size_t out_stride) {
  const cvector_level *level = cvector_level_used();
  const bool paired = is_paired(kind);
  for (size_t r = 0; r < rows; r++) {
    uint16_t narrow[rounded_at_once];
    const uint16_t *numbers = narrow;
    if (source == cvector_bf16) {
      numbers = (const uint16_t *)in + r * stride;
    } else if (kind == cvector_f32) {
      memcpy((float *)out + r * out_stride, (const float *)in + r * stride, columns * sizeof(float));
      continue;
    } else {
      level->convert(
          cvector_bf16, (const float *)in + r * stride, stride, NULL, 0, narrow, columns, 1, columns, columns);
    }
    if (paired) {
      memcpy((uint16_t *)out + r * out_stride, numbers, columns * sizeof(uint16_t));
    } else {
      for (size_t c = 0; c < columns; c++) {
        const uint32_t bits = (uint32_t)numbers[c] << 16;
        memcpy((float *)out + r * out_stride + c, &bits, sizeof bits);
      }
    }
  }
}

void cvector_pack_transposed(
    cvector_kind kind, cvector_kind source, const void *matrix, size_t stride, size_t inner, size_t columns,
    void *packed) {
  const cvector_level *level = cvector_level_used();
  const size_t lanes = level->lanes, size = source == cvector_f32 ? sizeof(float) : sizeof(uint16_t);
  const bool paired = is_paired(kind);
  // What is transposed are words: numbers, or pairs of them.
  const size_t in_word = paired ? 2 : 1, words = (paired ? up_to(inner, 32) : inner) / in_word;
  const bool is_ready = source == kind && (kind == cvector_f32 || (paired && inner % 2 == 0 && stride % 2 == 0));
  uint32_t *out = packed;
  for (size_t first = 0; first < columns; first += lanes, out += words * lanes) {
    const size_t count = columns - first < lanes ? columns - first : lanes;
    const char *rows = (const char *)matrix + first * stride * size;
    if (is_ready) {
      level->transpose(rows, stride / in_word, count, inner / in_word, out);
    } else {
      uint32_t converted[16 * rounded_at_once];
      for (size_t k = 0; k < inner; k += rounded_at_once) {
        const size_t numbers = inner - k < rounded_at_once ? inner - k : rounded_at_once;
        if (numbers % 2) memset(converted, 0, sizeof converted);
        convert_rows(
            kind, source, rows + k * size, stride, count, numbers, converted, rounded_at_once * in_word);
        level->transpose(
            converted, rounded_at_once, count, (numbers + in_word - 1) / in_word, out + k / in_word * lanes);
      }
    }
    const size_t filled = (inner + in_word - 1) / in_word;
    memset(out + filled * lanes, 0, (words - filled) * lanes * sizeof(uint32_t));
  }
}

void cvector_pack(
    cvector_kind kind, cvector_kind source, const void *matrix, size_t stride, size_t inner, size_t columns,
    void *packed) {
  const cvector_level *level = cvector_level_used();
  const size_t lanes = level->lanes, size = source == cvector_f32 ? sizeof(float) : sizeof(uint16_t);
  if (source == cvector_f32 && kind == cvector_f32) {
    level->pack_rows(matrix, stride, inner, columns, packed);
  } else if (source == cvector_bf16 && is_paired(kind)) {
    level->pack_row_pairs(matrix, stride, inner, up_to(inner, 32), columns, packed);
  } else if (source == cvector_f32) {
    level->pack_rounded_rows(matrix, stride, inner, up_to(inner, 32), columns, packed);
  } else {
    // bfloat16 to Float32, a panel of few rows at a time.
    const size_t at_once = 32;
    for (size_t first = 0; first < columns; first += lanes) {
      const size_t count = columns - first < lanes ? columns - first : lanes;
      for (size_t k = 0; k < inner; k += at_once) {
        const size_t rows = inner - k < at_once ? inner - k : at_once;
        float converted[32 * 16];
        convert_rows(
            kind, source, (const char *)matrix + (k * stride + first) * size, stride, rows, count, converted, lanes);
        level->pack_rows(converted, lanes, rows, count, (float *)packed + first * inner + k * lanes);
      }
    }
  }
}

void cvector_multiply_tile(cvector_kind kind, const cvector_product *product) {
  const cvector_level *level = cvector_level_used();
  if (kind == cvector_bf16) {
    level->multiply_bf16(product);
  } else {
    level->multiply_f32(product);
  }
}

void cvector_normalise_tile(
    cvector_kind kind, const float *x, size_t x_stride, const float *weight, const float *bias, float epsilon, void *out,
    size_t out_stride, size_t rows, size_t columns, size_t padded) {
  cvector_level_used()->normalise(
      kind, x, x_stride, weight, bias, epsilon, out, out_stride, rows, columns, padded);
}

void cvector_convert_tile(
    cvector_kind kind, const float *x, size_t x_stride, const float *added, size_t added_stride, void *out,
    size_t out_stride, size_t rows, size_t columns, size_t padded) {
  cvector_level_used()->convert(kind, x, x_stride, added, added_stride, out, out_stride, rows, columns, padded);
}

void cvector_activate_tile(
    cvector_kind kind, cvector_activation activation, const float *x, size_t x_stride, void *out, size_t out_stride,
    size_t rows, size_t columns, size_t padded) {
  cvector_level_used()->activate(kind, activation, x, x_stride, out, out_stride, rows, columns, padded);
}

void cvector_pool_tile(
    cvector_kind kind, const void *x, size_t x_stride, size_t width, size_t height, size_t side, void *out,
    size_t out_stride, size_t columns) {
  cvector_level_used()->pool(kind, x, x_stride, width, height, side, out, out_stride, columns);
}

void cvector_depthwise_tile(
    const float *x, size_t line, size_t channels, const float *weights, const float *bias, size_t height, size_t width,
    float *out, size_t out_stride, size_t count) {
  cvector_level_used()->depthwise(x, line, channels, weights, bias, height, width, out, out_stride, count);
}

void cvector_normalise_planes_tile(
    cvector_activation activation, const float *x, size_t x_stride, const float *weight, const float *bias,
    float epsilon, float *out, size_t out_stride, size_t channels, size_t count) {
  cvector_level_used()->normalise_planes(
      activation, x, x_stride, weight, bias, epsilon, out, out_stride, channels, count);
}

void cvector_copy_past_caches(
    const float *x, size_t x_stride, float *out, size_t out_stride, size_t rows, size_t columns) {
  cvector_level_used()->copy_past_caches(x, x_stride, out, out_stride, rows, columns);
#if defined(__x86_64__)
  // Such stores wait for no others, unless told to.
  __builtin_ia32_sfence();
#endif
}

void cvector_join_tile(const cvector_joining *joining) { cvector_level_used()->join(joining); }

void cvector_weigh_heads_tile(
    cvector_kind kind, float *scores, size_t stride, float scale, size_t rows, size_t heads, size_t keys, void *weights,
    size_t weights_stride) {
  const size_t columns = heads * keys;
  cvector_level_used()->weigh_heads(
      kind, scores, stride, scale * 1.44269504f, rows, heads, columns, weights, weights_stride,
      cvector_inner_read(kind, columns));
}
