// x * Phi(x) in steps of a byte's range, with AVX-512: a parabola on each of 32 pieces, 0 below them and x above. Largest error
// 1e-4 before it is divided by a step. The coefficients come from tools/fixtures/fit_cvector.py.
#pragma once
#include <immintrin.h>
#include <stdbool.h>

#include "int8.h"

static const float int8_gelu[3][32] __attribute__((aligned(64))) = {
  {
    0, -0.00707589602f, -0.0174666382f, -0.0389408469f, -0.0781523734f, -0.140610561f, -0.225586697f, -0.32045871f,
    -0.399254233f, -0.430454165f, -0.393789023f, -0.296466142f, -0.174455345f, -0.0727798194f, -0.0172007829f,
    -0.00105298241f, 3.448386e-06f, -0.00105298241f, -0.0172007829f, -0.0727798194f, -0.174455345f, -0.296466142f,
    -0.393789023f, -0.430454165f, -0.399254233f, -0.32045871f, -0.225586697f, -0.140610561f, -0.0781523734f,
    -0.0389408469f, -0.0174666382f, 0,
  },
  {
    0, -0.00311089563f, -0.00814984739f, -0.0193323549f, -0.0413774624f, -0.0795266852f, -0.13632904f, -0.206326291f,
    -0.271100998f, -0.299723506f, -0.25926584f, -0.134087533f, 0.0569177605f, 0.260721326f, 0.41546613f, 0.488492727f,
    0.5f, 0.511507273f, 0.58453387f, 0.739278674f, 0.943082213f, 1.13408756f, 1.2592659f, 1.29972351f, 1.271101f,
    1.20632625f, 1.13632905f, 1.07952666f, 1.04137743f, 1.01933241f, 1.00814986f, 1,
  },
  {
    0, -0.00034275651f, -0.000953711977f, -0.0024096549f, -0.0055085225f, -0.0113347275f, -0.0208288506f,
    -0.0337428935f, -0.047058776f, -0.0536235087f, -0.0424635448f, -0.00218839454f, 0.0726389065f, 0.174939007f,
    0.283001721f, 0.366238773f, 0.397589207f, 0.366238773f, 0.283001721f, 0.174939007f, 0.0726389065f,
    -0.00218839454f, -0.0424635448f, -0.0536235087f, -0.047058776f, -0.0337428935f, -0.0208288506f, -0.0113347275f,
    -0.0055085225f, -0.0024096549f, -0.000953711977f, 0,
  },
};

// The pieces with a step of the result for 1: two halves of each coefficient.
typedef struct {
  __m512 halves[3][2];
} gelu_pieces;

static inline __attribute__((always_inline)) gelu_pieces pieces_in_steps(float inverse) {
  gelu_pieces pieces;
  for (int power = 0; power < 3; power++) {
    for (int half = 0; half < 2; half++) {
      pieces.halves[power][half] =
          _mm512_mul_ps(_mm512_load_ps(int8_gelu[power] + 16 * half), _mm512_set1_ps(inverse));
    }
  }
  return pieces;
}

// Steps from the zero point, to the nearest, of two equally near ones the even one.
static inline __attribute__((always_inline)) __m512i gelu_in_steps(const gelu_pieces *pieces, __m512 x) {
  // Adding 1.5 * 2^23 rounds to a piece's number, which then sits in the low bits: permutations look at no others.
  const __m512 first = _mm512_set1_ps(12582912.0f), last = _mm512_set1_ps(12582912.0f + 31);
  const __m512 near = _mm512_fmadd_ps(x, _mm512_set1_ps(3.5f), _mm512_set1_ps(12582912.0f + 16));
  const __m512i piece = _mm512_castps_si512(_mm512_min_ps(_mm512_max_ps(near, first), last));
  const __m512 c0 = _mm512_permutex2var_ps(pieces->halves[0][0], piece, pieces->halves[0][1]);
  const __m512 c1 = _mm512_permutex2var_ps(pieces->halves[1][0], piece, pieces->halves[1][1]);
  const __m512 c2 = _mm512_permutex2var_ps(pieces->halves[2][0], piece, pieces->halves[2][1]);
  return _mm512_cvtps_epi32(_mm512_fmadd_ps(_mm512_fmadd_ps(c2, x, c1), x, c0));
}
#define GELU_STEPS(pieces, v) ((whole_vector)gelu_in_steps(pieces, (__m512)(v)))

// Whether results are bytes and none lies so many steps from zero that 32 bits can't count them.
static bool has_gelu_in_steps(const cvector_int8_product *p) {
  if (p->out_kind != cvector_u8) return false;
  const __m512 most = _mm512_set1_ps(255.0f * 127.0f * (float)p->inner * p->a_range.scale);
  __m512 largest = _mm512_setzero_ps();
  for (size_t c = 0; c < p->columns; c += 16) {
    const __mmask16 mask = p->columns - c < 16 ? (__mmask16)((1u << (p->columns - c)) - 1) : 0xffff;
    const __m512 bias = p->bias ? _mm512_maskz_loadu_ps(mask, p->bias + c) : _mm512_setzero_ps();
    const __m512 value = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, p->scales + c), most, _mm512_abs_ps(bias));
    largest = _mm512_max_ps(largest, value);
  }
  return _mm512_reduce_max_ps(largest) < 1e9f * p->out_range.scale;
}
