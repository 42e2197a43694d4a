// Attention in bytes with VNNI: scores, weights, and sums of pieces. Keys are bytes from 1 to 255, 128 more than they are, so that
// they are what the instruction takes without a sign; what that adds to a query's sums is known before. The including file
// has LANES 16.
#pragma once
#include <math.h>

#include "int8.h"
#include "powers.h"

// How many queries and panels of keys are summed in registers at a time; the scale of a group of keys is that of its panels.
enum { score_rows = 6, score_panels = cvector_int8_keys_of_scale / LANES };

// `rows` queries times `panels` panels, both constant where this is inlined.
INLINE void score_block(const cvector_int8_scores *s, const int rows, const int panels, size_t row, size_t panel) {
  const char *queries = (const char *)s->queries + row * s->query_bytes;
  const char *keys = (const char *)s->keys + panel * s->query_bytes * LANES;
  const size_t panel_bytes = s->query_bytes * LANES;
  whole_vector sums[score_rows][score_panels];
  UNROLLED for (int r = 0; r < rows; r++) {
    UNROLLED for (int p = 0; p < panels; p++) sums[r][p] = s->starts[row + r];
  }
  for (size_t k = 0; k < s->dim; k += 4, keys += sizeof(whole_vector)) {
    UNROLLED for (int r = 0; r < rows; r++) {
      int32_t word;
      memcpy(&word, queries + r * s->query_bytes + k, sizeof word);
      UNROLLED for (int p = 0; p < panels; p++) {
        sums[r][p] = (whole_vector)_mm512_dpbusd_epi32(
            (__m512i)sums[r][p], (__m512i)load_words(keys + p * panel_bytes), _mm512_set1_epi32(word));
      }
    }
  }
  const float key_scale = s->key_scales[panel / score_panels];
  UNROLLED for (int r = 0; r < rows; r++) {
    const vector factor = s->query_scales[row + r] * key_scale;
    UNROLLED for (int p = 0; p < panels; p++) {
      store(
          s->scores + (row + r) * s->scores_stride + (panel + p) * LANES,
          __builtin_convertvector(sums[r][p], vector) * factor);
    }
  }
}

INLINE void score_rows_of(const cvector_int8_scores *s, const int panels, size_t panel) {
  size_t row = 0;
  for (; row + score_rows <= s->rows; row += score_rows) score_block(s, score_rows, panels, row, panel);
  for (; row + 2 <= s->rows; row += 2) score_block(s, 2, panels, row, panel);
  if (row < s->rows) score_block(s, 1, panels, row, panel);
}

static void score(const cvector_int8_scores *s) {
  const size_t panels = (s->keys_count + LANES - 1) / LANES;
  size_t panel = 0;
  for (; panel + score_panels <= panels; panel += score_panels) score_rows_of(s, score_panels, panel);
  for (; panel < panels; panel++) score_rows_of(s, 1, panel);
}

INLINE __mmask16 some(size_t count) { return count < LANES ? (__mmask16)((1u << count) - 1) : 0xffff; }

// As int8.h has them.
static void weigh(const cvector_int8_weights *w) {
  for (size_t r = 0; r < w->rows; r++) {
    const float *scores = w->scores + r * w->scores_stride;
    uint8_t *weights = w->weights + r * w->weights_stride;
    vector most = -INFINITY;
    for (size_t k = 0; k < w->keys_count; k += LANES) {
      const __mmask16 there = some(w->keys_count - k);
      most = (vector)_mm512_mask_max_ps((__m512)most, there, (__m512)most, _mm512_loadu_ps(scores + k));
    }
    const float largest = _mm512_reduce_max_ps((__m512)most);
    __m512i total = _mm512_setzero_si512();
    for (size_t k = 0; k < w->keys_count; k += LANES) {
      const vector power = power_of_two(load(scores + k) - largest, false) * 255.0f;
      const float even = cvector_int8_added(k / cvector_int8_keys_of_scale + r), odd = 1 - even;
      const vector added = {even, odd, even, odd, even, odd, even, odd, even, odd, even, odd, even, odd, even, odd};
      const __m512i weight = _mm512_maskz_cvttps_epi32(some(w->keys_count - k), (__m512)(power + added));
      total = _mm512_add_epi32(total, weight);
      _mm_storeu_si128((__m128i *)(weights + k), _mm512_cvtusepi32_epi8(weight));
    }
    const float reached = w->is_first || largest > w->largest[r] ? largest : w->largest[r];
    w->before[r] = w->is_first ? 0 : power_of_two((vector)(w->largest[r] - reached), true)[0];
    w->now[r] = power_of_two((vector)(largest - reached), true)[0];
    const float sum = (float)_mm512_reduce_add_epi32(total) * w->now[r];
    w->totals[r] = w->is_first ? sum : w->totals[r] * w->before[r] + sum;
    w->largest[r] = reached;
  }
}

static void join(const cvector_int8_weights *w, const float *products, float *sums, size_t stride, size_t columns) {
  if (w->is_first) return;
  for (size_t r = 0; r < w->rows; r++, products += stride, sums += stride) {
    for (size_t c = 0; c < columns; c += LANES) {
      store(sums + c, load(sums + c) * w->before[r] + load(products + c) * w->now[r]);
    }
  }
}
