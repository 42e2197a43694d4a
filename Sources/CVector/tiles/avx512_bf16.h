// What the tiles are compiled with for AVX-512 that rounds to bfloat16 in one instruction.
#include <immintrin.h>
#include <stdint.h>

#define WITH_BF16 "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma,avx2"
#define LANES 16
#define TILE_ROWS 8
#define TILE_VECTORS 3
#define NARROW(v) (half_vector)_mm512_cvtneps_pbh(v)
