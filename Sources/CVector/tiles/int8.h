// What every instruction set has of its own for bytes.
#pragma once
#include "../include/cvector_int8.h"

// Functions compiled for one instruction set.
typedef struct {
  // Columns of a panel. A panel is the sums of its columns, a word for each, then words that hold `in_word` neighbours of a
  // column each, for one column after another: bytes, or 16 bits. Numbers of a column are filled up with zeros so that
  // `step` divides them.
  size_t lanes, in_word, step;
  // Any activation but a GELU, unless it has one for this product.
  void (*multiply)(const cvector_int8_product *);
  // NULL where it has none.
  bool (*has_gelu)(const cvector_int8_product *);
  void (*quantize)(
      cvector_kind, const void *, size_t, const float *, size_t, cvector_range, uint8_t *, size_t, size_t, size_t);
  void (*extremes)(const float *, size_t, size_t, size_t, float *, float *);
} cvector_int8_level;

extern const cvector_int8_level cvector_int8_level_portable;
#if defined(__x86_64__)
extern const cvector_int8_level cvector_int8_level_avx2, cvector_int8_level_avx_vnni, cvector_int8_level_avx512,
    cvector_int8_level_avx512_vnni, cvector_int8_level_amx;
#endif
