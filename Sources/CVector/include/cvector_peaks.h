// What a processor multiplies and reads at most: loops to be timed on every core at once.
#pragma once
#include <stddef.h>
#include <stdint.h>

// A loop that multiplies and adds out of registers, as fast as the processor can.
typedef struct {
  // What multiplies, such as "AVX-512"; NULL where there is no such loop.
  const char *instructions;
  // Multiplications, each with its addition, in a round.
  size_t products;
  // The sum of `products` times `rounds` ones, multiplied and added one by one. Exact, and the same as that product, for
  // up to CVECTOR_PEAKS_ROUNDS.
  double (*sum)(size_t rounds);
} cvector_peaks_loop;

#define CVECTOR_PEAKS_ROUNDS ((size_t)1 << 18)

// The loops that this processor has, the fastest at rank 0; past the last one no instructions.
//
// Of Float32; every processor has one.
cvector_peaks_loop cvector_peaks_f32(size_t rank);
// Of bfloat16 into Float32: AMX, AVX512_BF16. AMX needs the system's permission, which is asked for here, for the process.
cvector_peaks_loop cvector_peaks_bf16(size_t rank);
// Of 8-bit integers into 32 bits: AMX, AVX512_VNNI; NEON's dot products.
cvector_peaks_loop cvector_peaks_int8(size_t rank);

// The sum of all elements, modulo 2^64, read once each in order.
uint64_t cvector_peaks_read(const uint64_t *memory, size_t count);
