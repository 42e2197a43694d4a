// Scores of queries and keys in bytes with VNNI: keys are bytes from 1 to 255, 128 more than they are, so that they are what
// the instruction takes without a sign; what that adds to a query's sums is known before. The including file has LANES 16.
#pragma once
#include "int8.h"

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
