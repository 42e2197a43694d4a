// AMX: what the processor is told of its tile registers, and whether they may be used.
#pragma once
#include <stdbool.h>
#include <stddef.h>
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

// Fetches so many lines of 64 bytes to the second-level cache, and goes on to the next ones. The processor does not guess what
// tiles will be loaded from, and waits for the third-level cache as long as half of all products take.
static inline __attribute__((always_inline)) void cvector_fetch_lines(const char **ahead, size_t lines) {
  for (size_t n = 0; n < lines; n++, *ahead += 64) __builtin_prefetch(*ahead, 0, 2);
}

// Packed weights that don't stay in the second-level cache beside what is multiplied by them are fetched there ahead of time: while
// some blocks of rows meet two panels, the next two, so many lines with each step of 64 bytes. 0 where all of them stay.
static inline size_t cvector_lines_ahead(size_t panel_bytes, size_t panels, size_t blocks) {
  return panel_bytes * panels < 512 << 10 ? 0 : (32 + blocks - 1) / blocks;
}
