// Products of bytes in what every processor has.
#include <stdint.h>
#include <string.h>

#define LANES 4
#define TILE_ROWS 4
#define TILE_VECTORS 2
#define IN_WORD 2
#define TERM(sum, word, b) pairs_added(sum, word, b)

typedef int32_t portable_words __attribute__((ext_vector_type(4)));

// Two products of 16 bits for each column, added up.
static inline __attribute__((always_inline)) portable_words pairs_added(
    portable_words sum, int32_t word, portable_words b) {
#if defined(__SSE2__)
  typedef short eight_shorts __attribute__((vector_size(16)));
  const portable_words both = word;
  return sum + (portable_words)__builtin_ia32_pmaddwd128((eight_shorts)both, (eight_shorts)b);
#else
  return sum + (word & 0xffff) * (b << 16 >> 16) + (word >> 16) * (b >> 16);
#endif
}

#include "int8_template.h"

const cvector_int8_level cvector_int8_level_portable = {.multiply = multiply, .step = 2, SHARED_INT8_FUNCTIONS};
