// Loops that show what a processor gives at most. Each multiplies ones and adds them up in a dozen chains that don't wait
// for each other, so that the result says whether all of them were multiplied.
#include "cvector_peaks.h"

#include "amx.h"
#include "variants.h"

enum { CHAINS = 12 };

// What the compiler can't know: so it neither adds ones up in advance nor takes chains for the same.
static volatile const float float_one = 1;
static volatile const float float_zero = 0;

// `rounds` times one step of every chain.
#define CVECTOR_PEAKS_ROUND_BY_ROUND(chain, step)                            \
  for (size_t round = 0; round < rounds; round++) {                          \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < CHAINS; i++) {    \
      chain[i] = step;                                                       \
    }                                                                        \
  }

static double total_floats(const void *vectors, size_t bytes) {
  const float *numbers = vectors;
  double sum = 0;
  for (size_t i = 0; i < bytes / sizeof *numbers; i++) sum += (double)numbers[i];
  return sum;
}

// The loop of a rank among those of a processor, fastest first.
static cvector_peaks_loop ranked(const cvector_peaks_loop *loops, size_t count, size_t rank) {
  return rank < count ? loops[rank] : (cvector_peaks_loop){0};
}

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx512f")))
#define AVX512_BF16 __attribute__((target("avx512f,avx512bf16")))
#define AVX512_VNNI __attribute__((target("avx512f,avx512vnni")))
#define AMX __attribute__((target("amx-tile,amx-bf16,amx-int8")))

static volatile const int byte_ones = 0x01010101;
static volatile const int bfloat16_ones = 0x3f803f80;
static volatile const int integer_zero = 0;

static double total_integers(const void *vectors, size_t bytes) {
  const int32_t *numbers = vectors;
  double sum = 0;
  for (size_t i = 0; i < bytes / sizeof *numbers; i++) sum += (double)numbers[i];
  return sum;
}

static double f32_sse(size_t rounds) {
  __m128 one = _mm_set1_ps(float_one), chain[CHAINS];
  for (int i = 0; i < CHAINS; i++) chain[i] = _mm_set1_ps(float_zero);
  CVECTOR_PEAKS_ROUND_BY_ROUND(chain, _mm_add_ps(_mm_mul_ps(one, chain[i]), one))
  return total_floats(chain, sizeof chain);
}

AVX2 static double f32_avx2(size_t rounds) {
  __m256 one = _mm256_set1_ps(float_one), chain[CHAINS];
  for (int i = 0; i < CHAINS; i++) chain[i] = _mm256_set1_ps(float_zero);
  CVECTOR_PEAKS_ROUND_BY_ROUND(chain, _mm256_fmadd_ps(one, one, chain[i]))
  return total_floats(chain, sizeof chain);
}

AVX512 static double f32_avx512(size_t rounds) {
  __m512 one = _mm512_set1_ps(float_one), chain[CHAINS];
  for (int i = 0; i < CHAINS; i++) chain[i] = _mm512_set1_ps(float_zero);
  CVECTOR_PEAKS_ROUND_BY_ROUND(chain, _mm512_fmadd_ps(one, one, chain[i]))
  return total_floats(chain, sizeof chain);
}

AVX512_BF16 static double bf16_avx512(size_t rounds) {
  __m512bh one = (__m512bh)_mm512_set1_epi32(bfloat16_ones);
  __m512 chain[CHAINS];
  for (int i = 0; i < CHAINS; i++) chain[i] = _mm512_set1_ps(float_zero);
  CVECTOR_PEAKS_ROUND_BY_ROUND(chain, _mm512_dpbf16_ps(chain[i], one, one))
  return total_floats(chain, sizeof chain);
}

AVX512_VNNI static double int8_avx512(size_t rounds) {
  __m512i one = _mm512_set1_epi32(byte_ones), chain[CHAINS];
  for (int i = 0; i < CHAINS; i++) chain[i] = _mm512_set1_epi32(integer_zero);
  CVECTOR_PEAKS_ROUND_BY_ROUND(chain, _mm512_dpbusd_epi32(chain[i], one, one))
  return total_integers(chain, sizeof chain);
}

// AMX's eight tiles of 16 rows of 64 bytes, as a product of 32 × 32 uses them: four sums of two tiles on the left and two
// on the right.
enum { TILE_ROWS = 16, TILE_BYTES = 64, TILE_SUMS = 4, TILE_NUMBERS = TILE_ROWS * TILE_BYTES / 4 };

AMX static void begin_tiles(int ones) {
  const cvector_tile_shapes configuration = cvector_product_shapes(TILE_ROWS, TILE_ROWS);
  int32_t numbers[TILE_NUMBERS];
  for (int i = 0; i < TILE_NUMBERS; i++) numbers[i] = ones;
  _tile_loadconfig(&configuration);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_loadd(4, numbers, TILE_BYTES);
  _tile_loadd(5, numbers, TILE_BYTES);
  _tile_loadd(6, numbers, TILE_BYTES);
  _tile_loadd(7, numbers, TILE_BYTES);
}

// Without tiles in use a thread costs the system less to switch to.
AMX static void end_tiles(void *sums) {
  int32_t(*tiles)[TILE_NUMBERS] = sums;
  _tile_stored(0, tiles[0], TILE_BYTES);
  _tile_stored(1, tiles[1], TILE_BYTES);
  _tile_stored(2, tiles[2], TILE_BYTES);
  _tile_stored(3, tiles[3], TILE_BYTES);
  _tile_release();
}

AMX static double bf16_amx(size_t rounds) {
  float sums[TILE_SUMS * TILE_NUMBERS];
  begin_tiles(bfloat16_ones);
  for (size_t round = 0; round < rounds; round++) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  end_tiles(sums);
  return total_floats(sums, sizeof sums);
}

AMX static double int8_amx(size_t rounds) {
  int32_t sums[TILE_SUMS * TILE_NUMBERS];
  begin_tiles(byte_ones);
  for (size_t round = 0; round < rounds; round++) {
    _tile_dpbssd(0, 4, 6);
    _tile_dpbssd(1, 4, 7);
    _tile_dpbssd(2, 5, 6);
    _tile_dpbssd(3, 5, 7);
  }
  end_tiles(sums);
  return total_integers(sums, sizeof sums);
}

cvector_peaks_loop cvector_peaks_f32(size_t rank) {
  cvector_peaks_loop loops[3];
  size_t count = 0;
  if (__builtin_cpu_supports("avx512f")) {
    loops[count++] = (cvector_peaks_loop){"AVX-512", CHAINS * 16, f32_avx512};
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    loops[count++] = (cvector_peaks_loop){"AVX2", CHAINS * 8, f32_avx2};
  }
  loops[count++] = (cvector_peaks_loop){"SSE2", CHAINS * 4, f32_sse};
  return ranked(loops, count, rank);
}

cvector_peaks_loop cvector_peaks_bf16(size_t rank) {
  cvector_peaks_loop loops[2];
  size_t count = 0;
  if (cvector_may_use_tiles(cvector_amx_bf16)) {
    loops[count++] = (cvector_peaks_loop){"AMX", TILE_SUMS * TILE_NUMBERS * TILE_BYTES / 2, bf16_amx};
  }
  if (__builtin_cpu_supports("avx512bf16")) {
    loops[count++] = (cvector_peaks_loop){"AVX512_BF16", CHAINS * 32, bf16_avx512};
  }
  return ranked(loops, count, rank);
}

cvector_peaks_loop cvector_peaks_int8(size_t rank) {
  cvector_peaks_loop loops[2];
  size_t count = 0;
  if (cvector_may_use_tiles(cvector_amx_int8)) {
    loops[count++] = (cvector_peaks_loop){"AMX", TILE_SUMS * TILE_NUMBERS * TILE_BYTES, int8_amx};
  }
  if (__builtin_cpu_supports("avx512vnni")) {
    loops[count++] = (cvector_peaks_loop){"AVX512_VNNI", CHAINS * 64, int8_avx512};
  }
  return ranked(loops, count, rank);
}

#else

#if defined(__aarch64__)
#include <arm_neon.h>

static double f32_neon(size_t rounds) {
  float32x4_t one = vdupq_n_f32(float_one), chain[CHAINS];
  for (int i = 0; i < CHAINS; i++) chain[i] = vdupq_n_f32(float_zero);
  CVECTOR_PEAKS_ROUND_BY_ROUND(chain, vfmaq_f32(chain[i], one, one))
  return total_floats(chain, sizeof chain);
}
#endif

static double f32_scalar(size_t rounds) {
  float one = float_one, chain[CHAINS];
  for (int i = 0; i < CHAINS; i++) chain[i] = float_zero;
  CVECTOR_PEAKS_ROUND_BY_ROUND(chain, one * chain[i] + one)
  return total_floats(chain, sizeof chain);
}

cvector_peaks_loop cvector_peaks_f32(size_t rank) {
  static const cvector_peaks_loop loops[] = {
#if defined(__aarch64__)
    {"NEON", CHAINS * 4, f32_neon},
#endif
    {"scalar", CHAINS, f32_scalar},
  };
  return ranked(loops, sizeof loops / sizeof *loops, rank);
}

cvector_peaks_loop cvector_peaks_bf16(size_t rank) { return ranked(0, 0, rank); }

// Only where all processors that the compiler compiles for have it, as Apple's do.
#if defined(__ARM_FEATURE_DOTPROD)
static double int8_neon(size_t rounds) {
  int8x16_t one = vdupq_n_s8((int8_t)float_one);
  int32x4_t chain[CHAINS];
  for (int i = 0; i < CHAINS; i++) chain[i] = vdupq_n_s32((int32_t)float_zero);
  CVECTOR_PEAKS_ROUND_BY_ROUND(chain, vdotq_s32(chain[i], one, one))
  double sum = 0;
  for (int i = 0; i < CHAINS; i++) sum += (double)vaddvq_s32(chain[i]);
  return sum;
}

cvector_peaks_loop cvector_peaks_int8(size_t rank) {
  static const cvector_peaks_loop loop = {"NEON dot products", CHAINS * 16, int8_neon};
  return ranked(&loop, 1, rank);
}
#else
cvector_peaks_loop cvector_peaks_int8(size_t rank) { return ranked(0, 0, rank); }
#endif

#endif

CVECTOR_VARIANTS
uint64_t cvector_peaks_read(const uint64_t *memory, size_t count) {
  uint64_t sum = 0;
#pragma clang loop vectorize_width(8) interleave_count(4)
  for (size_t i = 0; i < count; i++) sum += memory[i];
  return sum;
}
