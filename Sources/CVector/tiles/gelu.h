// x * Phi(x) for results of 16 bits or fewer, which keep nothing of more: max(x, 0) - tail(|x|), whose tail is a parabola on
// each of 32 pieces. Largest absolute error 1.7e-5, of which bfloat16 keeps what is above 2^-9 of the result.
// The coefficients come from tools/fixtures/fit_cvector.py.
static const float gelu_tail[3][32] __attribute__((aligned(64))) = {
  {
    0, 0.000106987129f, 0.00190012704f, 0.00924290437f, 0.0269322395f, 0.0588275231f, 0.106197134f, 0.166819364f,
    0.235107288f, 0.303188324f, 0.362580806f, 0.405963957f, 0.428565711f, 0.428858668f, 0.408488452f, 0.371571153f,
    0.323632002f, 0.27048859f, 0.217327014f, 0.168111801f, 0.125358686f, 0.0902097374f, 0.062704742f, 0.0421353318f,
    0.027390359f, 0.0172354653f, 0.0105041126f, 0.00620321557f, 0.00355126266f, 0.00197162642f, 0.00106192252f, 0,
  },
  {
    0.499977678f, 0.49791798f, 0.48351872f, 0.447242349f, 0.384365678f, 0.295917451f, 0.188267827f, 0.0715790093f,
    -0.0424226895f, -0.142772555f, -0.221157745f, -0.273020148f, -0.297763616f, -0.298185527f, -0.279406309f,
    -0.247622669f, -0.208972603f, -0.168702111f, -0.130707413f, -0.0974271595f, -0.0699948743f, -0.0485392846f,
    -0.0325290896f, -0.0210872404f, -0.0132337902f, -0.00804559235f, -0.00474122213f, -0.00270953844f,
    -0.00150230783f, -0.000808432349f, -0.000422369456f, 0,
  },
  {
    -0.398272753f, -0.388425827f, -0.359291524f, -0.314343959f, -0.258376777f, -0.196995571f, -0.135793909f,
    -0.079614155f, -0.0320173167f, 0.00497147627f, 0.0308400877f, 0.0463424921f, 0.0531152636f, 0.0532530211f,
    0.0489245057f, 0.042082876f, 0.0342919789f, 0.0266624484f, 0.0198732708f, 0.014246746f, 0.00984606706f,
    0.00657168357f, 0.00424176501f, 0.00265055336f, 0.00160479161f, 0.000942099083f, 0.000536564155f,
    0.000296622689f, 0.000159229297f, 8.30290519e-05f, 4.20685101e-05f, 0,
  },
};

// NaN stays NaN; of minus infinity it is 0.
INLINE vector gelu_in_pieces(vector x) {
  const __m512 a = _mm512_min_ps(_mm512_abs_ps(x), _mm512_set1_ps(4.96f));
  // Adding 1.5 * 2^23 rounds to the number of a piece, which then sits in the low bits: permutations look at no others.
  const __m512i piece = _mm512_castps_si512(_mm512_fmadd_ps(a, _mm512_set1_ps(6.25f), _mm512_set1_ps(12582912.0f)));
  const __m512 c0 = _mm512_permutex2var_ps(_mm512_load_ps(gelu_tail[0]), piece, _mm512_load_ps(gelu_tail[0] + 16));
  const __m512 c1 = _mm512_permutex2var_ps(_mm512_load_ps(gelu_tail[1]), piece, _mm512_load_ps(gelu_tail[1] + 16));
  const __m512 c2 = _mm512_permutex2var_ps(_mm512_load_ps(gelu_tail[2]), piece, _mm512_load_ps(gelu_tail[2] + 16));
  const __m512 tail = _mm512_fmadd_ps(_mm512_fmadd_ps(c2, a, c1), a, c0);
  return _mm512_sub_ps(_mm512_max_ps(_mm512_setzero_ps(), x), tail);
}
