// AMX: what the processor is told of its tile registers, and whether they may be used.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// Intel's layout, Software Developer's Manual, volume 1, 18.3.3 (palette 1).
typedef struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} cvector_tile_shapes;

// For a product of 32 by 32: registers 0 to 3 are sums, the upper 16 rows then the lower; 4 and 5 rows on the left; 6 and 7 what
// they are multiplied with.
static inline cvector_tile_shapes cvector_product_shapes(int upper, int lower) {
  const uint8_t rows[8] = {upper, upper, lower, lower, upper, lower, 16, 16};
  cvector_tile_shapes shapes = {.palette = 1};
  for (int tile = 0; tile < 8; tile++) {
    shapes.row_bytes[tile] = 64;
    shapes.rows[tile] = rows[tile];
  }
  return shapes;
}

// What there may be products of: bits of CPUID's leaf 7, register EDX.
enum { cvector_amx_bf16 = 1 << 22, cvector_amx_int8 = 1 << 25 };

// Whether the processor has tiles and these products, and the system lets this process use them, which is asked for.
bool cvector_may_use_tiles(unsigned products);
