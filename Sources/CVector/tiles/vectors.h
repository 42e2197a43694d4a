// Vectors of LANES numbers, which the file that includes this defines, with NARROW where the processor makes bfloat16 of one in one
// instruction: how they are read, rounded and written, whole or the first few of one.
#pragma once
#include <stdint.h>
#include <string.h>

#include "../include/cvector_tiles.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")

typedef float vector __attribute__((ext_vector_type(LANES)));
typedef int32_t whole_vector __attribute__((ext_vector_type(LANES)));
typedef uint32_t bits_vector __attribute__((ext_vector_type(LANES)));
typedef uint16_t half_vector __attribute__((ext_vector_type(LANES)));

INLINE vector load(const float *x) {
  vector v;
  memcpy(&v, x, sizeof v);
  return v;
}

INLINE void store(float *x, vector v) { memcpy(x, &v, sizeof v); }

// `count` numbers from the first; zeros after them.
INLINE vector load_some(const float *x, size_t count) {
  if (count >= LANES) return load(x);
  vector v = 0;
  memcpy(&v, x, count * sizeof(float));
  return v;
}

INLINE void store_some(float *x, vector v, size_t count) {
  if (count >= LANES) {
    store(x, v);
  } else {
    memcpy(x, &v, count * sizeof(float));
  }
}

// To the nearest bfloat16, of two equally near ones the even one; NaN stays NaN.
INLINE half_vector narrowed(vector v) {
#ifdef NARROW
  return NARROW(v);
#else
  bits_vector bits = (bits_vector)v;
  bits_vector rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  whole_vector is_nan = v != v;
  rounded = ((bits_vector)is_nan & (bits >> 16 | 0x40)) | (~(bits_vector)is_nan & rounded);
  return __builtin_convertvector(rounded, half_vector);
#endif
}

INLINE vector widened(half_vector v) { return (vector)(__builtin_convertvector(v, bits_vector) << 16); }

INLINE void store_as(cvector_kind kind, void *out, vector v, size_t count) {
  if (kind == cvector_f32) {
    store_some(out, v, count);
  } else {
    half_vector narrow = narrowed(v);
    memcpy(out, &narrow, (count >= LANES ? LANES : count) * sizeof(uint16_t));
  }
}

INLINE void *place(cvector_kind kind, void *start, size_t index) {
  return (char *)start + index * (kind == cvector_f32 ? sizeof(float) : sizeof(uint16_t));
}

INLINE vector load_as(cvector_kind kind, const void *x, size_t count) {
  if (kind == cvector_f32) return load_some(x, count);
  half_vector narrow = 0;
  memcpy(&narrow, x, (count >= LANES ? LANES : count) * sizeof(uint16_t));
  return widened(narrow);
}
