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

// What there may be products of: bits of CPUID's leaf 7, register EDX.
enum { cvector_amx_bf16 = 1 << 22, cvector_amx_int8 = 1 << 25 };

// Whether the processor has tiles and these products, and the system lets this process use them, which is asked for.
bool cvector_may_use_tiles(unsigned products);
