// Attention in bytes with AMX, in units of 32 queries and a piece of the keys. A unit goes through three stages while its
// neighbours go through theirs: scores, as they are computed, become logarithms of weights in 16 bits; when the largest are
// known these become weights, bytes that are looked up; and values, bytes too, are summed by them. Products and the rest need
// different parts of the processor, and are mixed so finely that both have work.
#pragma once
#include "int8.h"

enum {
  unit_keys = cvector_keys_at_once,
  // Keys that are scored before their logarithms are taken; how many such groups a unit has, and how many there is room for.
  group_keys = cvector_int8_keys_of_scale,
  unit_groups = unit_keys / group_keys,
  waiting_groups = 3,
  // Rows of weights lie some more bytes apart than they need: see `apart` in attention.c.
  weights_apart = unit_keys + 64,
  // Logarithms count parts of an octave; a weight of so many less than the largest is 0.
  octave_parts = 21,
  lost_parts = 255,
  // How far logarithms go that are made by shifting, less what is lost: beyond, they could be the last that there are.
  most_logarithm = 4096 - lost_parts - 1,
};

// A unit, and what its stages leave for the next.
typedef struct {
  // Of each group and query: how far scores are shifted to the right, and what they are times then, in 15 bits, twice; and what
  // they are times without a shift.
  int32_t shifts[unit_groups][unit_rows], multipliers[unit_groups][unit_rows];
  float scales[unit_groups][unit_rows];
  // The largest logarithms of each query, then the largest.
  __m512i most[unit_rows];
  int16_t largest[unit_rows];
  // What a query's sums so far are times, and the unit's own.
  float before[unit_rows], now[unit_rows];
  int16_t (*logarithms)[unit_keys];
  uint8_t (*weights)[weights_apart];
  size_t number, rows, keys;
} byte_unit;

// What a block of queries takes.
typedef struct {
  int32_t scores[waiting_groups][unit_rows][group_keys];
  int16_t logarithms[2][unit_rows][unit_keys];
  uint8_t weights[2][unit_rows][weights_apart];
  // Sums of 32 values, of one pair of panels while those of the last are added.
  int32_t sums[2][unit_rows][32];
  float totals[cvector_queries_at_once][16];
  // A query's largest logarithm so far; and its largest score, where that was found before.
  int32_t reached[cvector_queries_at_once];
  float tops[cvector_queries_at_once];
  // 255 · 2^(-i / octave_parts): the first of these, which are large, to the nearest; the others for even and odd keys.
  uint8_t large[128], small[cvector_int8_turns][2][128];
  // The three that are on their way, and one without rows.
  byte_unit units[3], none;
} byte_memory;

// A block of queries on its way past the keys.
typedef struct {
  const cvector_attention *attention;
  const cvector_attention_block *block;
  byte_memory *memory;
  // Steps of 64 bytes of a query; units beside each other, and all; panels of 16 values.
  size_t steps, across, units, panels;
  byte_unit *scoring, *weighing, *summing;
  // Groups of the unit that are scored, and whose logarithms are taken; rows of the next group.
  size_t scored, taken, row;
  // Halves of rows of weights that are made.
  size_t halves;
  // Sums that are to be added, from which row on, and their panel.
  const int32_t (*pending)[32];
  size_t pending_row, pending_panel;
  // How much of it is done with each step of products.
  size_t due_rows, due_halves;
  amx_ahead ahead;
  // Whether all largest logarithms were within what shifting reaches.
  bool is_within;
} byte_passage;

// 16 scores in parts of an octave.
INLINE __m512 scaled_scores(const byte_unit *u, size_t row, size_t group, __m512i scores) {
  return _mm512_cvtepi32_ps(scores) * u->scales[group][row];
}

// Rows of scores to logarithms, in the order in which packing leaves them. Where they are wide they begin at the largest.
INLINE void take_logarithms(byte_passage *p, size_t count, const bool is_wide) {
  byte_unit *u = p->scoring;
  for (; count && p->taken < p->scored; count--) {
    const size_t row = p->row, group = p->taken, left = u->keys - group * group_keys;
    const int32_t *scores = p->memory->scores[group % waiting_groups][row];
    __m512i parts[4], logarithms[2];
    UNROLLED for (int i = 0; i < 4; i++) parts[i] = _mm512_load_si512(scores + 16 * i);
    if (left < group_keys) {
      UNROLLED for (int i = 0; i < 4; i++) {
        const __mmask16 there = (__mmask16)(((1ull << left) - 1) >> 16 * i);
        parts[i] = _mm512_mask_mov_epi32(_mm512_set1_epi32(INT32_MIN), there, parts[i]);
      }
    }
    if (is_wide) {
      const float top = p->memory->tops[u->number % p->across * unit_rows + row];
      UNROLLED for (int i = 0; i < 4; i++) {
        const __m512 below = scaled_scores(u, row, group, parts[i]) - top;
        parts[i] = _mm512_cvtps_epi32(_mm512_max_ps(below, _mm512_set1_ps(INT16_MIN)));
      }
      UNROLLED for (int i = 0; i < 2; i++) logarithms[i] = _mm512_packs_epi32(parts[2 * i], parts[2 * i + 1]);
    } else {
      const __m512i shift = _mm512_set1_epi32(u->shifts[group][row]);
      const __m512i multiplier = _mm512_set1_epi32(u->multipliers[group][row]);
      UNROLLED for (int i = 0; i < 4; i++) parts[i] = _mm512_srav_epi32(parts[i], shift);
      UNROLLED for (int i = 0; i < 2; i++) {
        logarithms[i] = _mm512_mulhrs_epi16(_mm512_packs_epi32(parts[2 * i], parts[2 * i + 1]), multiplier);
      }
    }
    int16_t *to = u->logarithms[row] + group * group_keys;
    _mm512_store_si512(to, logarithms[0]);
    _mm512_store_si512(to + 32, logarithms[1]);
    const __m512i larger = _mm512_max_epi16(logarithms[0], logarithms[1]);
    u->most[row] = group ? _mm512_max_epi16(u->most[row], larger) : larger;
    if (++p->row == u->rows) p->row = 0, p->taken++;
  }
}

// What a table of 128 has for each of 64 bytes, by their lower 7 bits.
INLINE __m512i looked_up(const uint8_t *table, __m512i i) {
  return _mm512_permutex2var_epi8(_mm512_load_si512(table), i, _mm512_load_si512(table + 64));
}

// Halves of rows of logarithms to weights.
INLINE void make_weights(byte_passage *p, size_t count) {
  byte_unit *u = p->weighing;
  // Every 128 bits hold 4 keys of each 16.
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  for (; count && p->halves < 2 * u->rows; count--, p->halves++) {
    const size_t row = p->halves / 2, from = p->halves % 2 * (unit_keys / 2);
    const __m512i largest = _mm512_set1_epi16(u->largest[row]);
    __m512i total = _mm512_setzero_si512();
    UNROLLED for (int group = 0; group < unit_groups / 2; group++) {
      const size_t at = from + (size_t)group * group_keys;
      if (at >= u->keys) break;
      const int16_t *logarithms = u->logarithms[row] + at;
      const __m512i first = _mm512_subs_epi16(largest, _mm512_load_si512(logarithms));
      const __m512i second = _mm512_subs_epi16(largest, _mm512_load_si512(logarithms + 32));
      const __m512i parts = _mm512_packus_epi16(first, second);
      const uint8_t (*tables)[128] = p->memory->small[(at / group_keys + row) % cvector_int8_turns];
      const __mmask64 is_small = _mm512_movepi8_mask(parts), even_keys = 0x5555555555555555;
      __m512i weights = looked_up(p->memory->large, parts);
      weights = _mm512_mask_mov_epi8(weights, is_small & even_keys, looked_up(tables[0], parts));
      weights = _mm512_mask_mov_epi8(weights, is_small & ~even_keys, looked_up(tables[1], parts));
      weights = _mm512_permutexvar_epi32(order, weights);
      if (u->keys - at < group_keys) weights = _mm512_maskz_mov_epi8((1ull << (u->keys - at)) - 1, weights);
      _mm512_store_si512(u->weights[row] + at, weights);
      total = _mm512_dpbusd_epi32(total, weights, _mm512_set1_epi8(1));
    }
    float *totals = p->memory->totals[u->number % p->across * unit_rows + row];
    __m512 sum = _mm512_cvtepi32_ps(total) * u->now[row];
    if (from) {
      sum += _mm512_load_ps(totals);
    } else if (u->number >= p->across) {
      sum += _mm512_load_ps(totals) * u->before[row];
    }
    _mm512_store_ps(totals, sum);
  }
}

// Rows of a unit's sums on top of those so far.
INLINE void add_sums(byte_passage *p, size_t count) {
  if (!p->pending) return;
  const byte_unit *u = p->summing;
  const float *scales = p->attention->value_scales + (u->number / p->across * p->panels + p->pending_panel) * 16;
  const bool is_pair = p->pending_panel + 1 < p->panels;
  const __m512 left_scale = _mm512_loadu_ps(scales), right_scale = _mm512_loadu_ps(scales + (is_pair ? 16 : 0));
  for (; count && p->pending; count--) {
    const size_t row = p->pending_row;
    float *to = p->block->sums + (u->number % p->across * unit_rows + row) * p->block->sums_stride + p->pending_panel * 16;
    const __m512 before = _mm512_set1_ps(u->before[row]), now = _mm512_set1_ps(u->now[row]);
    __m512 left = _mm512_cvtepi32_ps(_mm512_load_si512(p->pending[row])) * (left_scale * now);
    __m512 right = _mm512_cvtepi32_ps(_mm512_load_si512(p->pending[row] + 16)) * (right_scale * now);
    const bool is_first = u->number < p->across;
    _mm512_store_ps(to, is_first ? left : _mm512_load_ps(to) * before + left);
    if (is_pair) _mm512_store_ps(to + 16, is_first ? right : _mm512_load_ps(to + 16) * before + right);
    if (++p->pending_row == u->rows) p->pending = NULL;
  }
}

// Sums of 32 rows times two panels, in the registers from 0. What the next step takes is loaded as soon as there is a register
// for it, and after each product the processor's other units have something to do. `right` may be `left`.
INLINE void byte_products(
    byte_passage *p, const char *above, size_t row_bytes, const char *left, const char *right, size_t steps,
    const bool is_signed, const bool is_wide) {
#define BYTE_PRODUCT(sum, row, panel)                                                                                  \
  (is_signed ? _tile_dpbssd(sum, row, panel) : _tile_dpbusd(sum, row, panel))
  const char *below = above + 16 * row_bytes;
  zero_sums();
  _tile_loadd(4, above, row_bytes);
  _tile_loadd(6, left, 64);
  _tile_loadd(7, right, 64);
  _tile_loadd(5, below, row_bytes);
  for (size_t k = 1; k <= steps; k++) {
    // After the last step what was first is loaded again, and not used.
    const size_t next = k < steps ? k : 0;
    BYTE_PRODUCT(0, 4, 6);
    take_logarithms(p, p->due_rows, is_wide);
    BYTE_PRODUCT(1, 4, 7);
    _tile_loadd(4, above + next * 64, row_bytes);
    make_weights(p, p->due_halves);
    cvector_fetch_lines(&p->ahead.keys, p->ahead.key_lines);
    BYTE_PRODUCT(2, 5, 6);
    _tile_loadd(6, left + next * 1024, 64);
    take_logarithms(p, p->due_rows, is_wide);
    BYTE_PRODUCT(3, 5, 7);
    _tile_loadd(7, right + next * 1024, 64);
    _tile_loadd(5, below + next * 64, row_bytes);
    cvector_fetch_lines(&p->ahead.values, p->ahead.value_lines);
    add_sums(p, 2);
  }
#undef BYTE_PRODUCT
}

// Scores of 32 queries and up to 32 keys: half a group.
INLINE void score_keys(byte_passage *p, size_t half, const bool is_wide) {
  const byte_unit *u = p->scoring;
  const size_t group = half / 2, panel_bytes = p->steps * 1024;
  while (group - p->taken == waiting_groups) take_logarithms(p, u->rows, is_wide);
  const char *left = (const char *)p->attention->k + u->number / p->across * p->block->key_bytes + half * 2 * panel_bytes;
  const char *queries = (const char *)p->block->queries + u->number % p->across * unit_rows * p->steps * 64;
  const bool has_right = u->keys - half * 32 > 16;
  byte_products(p, queries, p->steps * 64, left, has_right ? left + panel_bytes : left, p->steps, true, is_wide);
  store_sums(p->memory->scores[group % waiting_groups][0] + half % 2 * 32, group_keys * sizeof(int32_t));
  if (half % 2 || half * 32 + 32 >= u->keys) p->scored = group + 1;
}

// Sums of up to 32 values by the weights of 32 queries.
INLINE void sum_values(byte_passage *p, size_t pair, const bool is_wide) {
  const byte_unit *u = p->summing;
  const size_t steps = (u->keys + 63) / 64, panel_bytes = cvector_value_panel_bytes(u->keys);
  const char *left = (const char *)p->attention->v + u->number / p->across * p->block->value_bytes +
                     pair * 2 * panel_bytes + cvector_value_panel_head;
  const char *right = pair * 2 + 1 < p->panels ? left + panel_bytes : left;
  byte_products(p, (const char *)u->weights, weights_apart, left, right, steps, false, is_wide);
  add_sums(p, unit_rows);
  int32_t (*sums)[32] = p->memory->sums[pair % 2];
  store_sums(sums, sizeof *sums);
  (p->pending = (const int32_t (*)[32])sums, p->pending_row = 0, p->pending_panel = pair * 2);
}

// What scores of a unit are times, as m / 8 · 2^(-shift), where m is from 1 to 2.
INLINE void begin_scoring(byte_passage *p, size_t number) {
  byte_unit *u = p->scoring = p->memory->units + number % 3;
  const size_t first = number % p->across * unit_rows, rows = p->block->count - first;
  const size_t piece = number / p->across, keys = p->attention->keys - piece * unit_keys;
  u->number = number;
  u->rows = rows < unit_rows ? rows : unit_rows;
  u->keys = keys < unit_keys ? keys : unit_keys;
  u->logarithms = p->memory->logarithms[number % 2];
  u->weights = p->memory->weights[number % 2];
  for (size_t group = 0; group * group_keys < u->keys; group++) {
    const float key_scale = p->attention->key_scales[piece * unit_groups + group];
    UNROLLED for (size_t half = 0; half < unit_rows; half += 16) {
      const __m512 scale = _mm512_load_ps(p->block->query_scales + first + half) * (key_scale * octave_parts);
      const bits_vector bits = (bits_vector)scale, m = ((bits & ((1 << 23) - 1)) | 1 << 23) >> 11;
      const whole_vector shift = 127 - 3 - (whole_vector)(bits >> 23);
      _mm512_store_si512(u->shifts[group] + half, (__m512i)shift);
      _mm512_store_si512(u->multipliers[group] + half, (__m512i)(m | m << 16));
      _mm512_store_ps(u->scales[group] + half, scale);
      const size_t there = u->rows > half ? u->rows - half : 0;
      const __mmask16 mask = there < 16 ? (__mmask16)((1u << there) - 1) : 0xffff;
      if (_mm512_mask_cmplt_epi32_mask(mask, (__m512i)shift, _mm512_setzero_si512())) p->is_within = false;
    }
  }
  p->scored = p->taken = p->row = 0;
}

// The larger of two neighbours each: those of `a` and `b` in turn.
INLINE __m512i larger_in_turn(__m512i a, __m512i b) {
  return _mm512_max_epi16(_mm512_unpacklo_epi16(a, b), _mm512_unpackhi_epi16(a, b));
}

// The largest number of each of 8 vectors.
INLINE __m128i largest_of_each(const __m512i *v) {
  const __m512i even = larger_in_turn(larger_in_turn(v[0], v[4]), larger_in_turn(v[2], v[6]));
  const __m512i odd = larger_in_turn(larger_in_turn(v[1], v[5]), larger_in_turn(v[3], v[7]));
  const __m512i all = larger_in_turn(even, odd);
  const __m256i half = _mm256_max_epi16(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
  return _mm_max_epi16(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

INLINE void begin_weighing(byte_passage *p, size_t number) {
  byte_unit *u = p->weighing = p->memory->units + number % 3;
  for (int row = 0; row < unit_rows; row += 8) {
    _mm_store_si128((__m128i *)(u->largest + row), largest_of_each(u->most + row));
  }
  for (size_t row = 0; row < u->rows; row++) {
    if (u->largest[row] > most_logarithm || u->largest[row] < -most_logarithm) p->is_within = false;
  }
  for (int half = 0; half < unit_rows; half += 16) {
    int32_t *reached = p->memory->reached + number % p->across * unit_rows + half;
    const __m256i packed = _mm256_load_si256((const __m256i *)(u->largest + half));
    const whole_vector largest = (whole_vector)_mm512_cvtepi16_epi32(packed);
    const whole_vector before = number < p->across ? largest : (whole_vector)_mm512_load_si512(reached);
    const whole_vector most = (whole_vector)_mm512_max_epi32((__m512i)before, (__m512i)largest);
    _mm512_store_si512(reached, (__m512i)most);
    const vector part = 1.0f / octave_parts;
    store(u->before + half, power_of_two(__builtin_convertvector(before - most, vector) * part, true));
    store(u->now + half, power_of_two(__builtin_convertvector(largest - most, vector) * part, true));
  }
  p->halves = 0;
}

// Every query's largest score.
INLINE void find_tops(byte_passage *p) {
  p->weighing = p->summing = &p->memory->none;
  p->due_rows = p->due_halves = 0;
  p->ahead = (amx_ahead){.key_lines = 0};
  for (size_t number = 0; number < p->units; number++) {
    begin_scoring(p, number);
    const byte_unit *u = p->scoring;
    float *tops = p->memory->tops + number % p->across * unit_rows;
    for (size_t half = 0; half * 32 < u->keys; half++) {
      score_keys(p, half, true);
      const size_t left = u->keys - half * 32, group = half / 2;
      for (size_t row = 0; row < u->rows; row++) {
        const int32_t *scores = p->memory->scores[group % waiting_groups][row] + half % 2 * 32;
        for (size_t i = 0; i < 32 && i < left; i += 16) {
          const __mmask16 there = left - i < 16 ? (__mmask16)((1u << (left - i)) - 1) : 0xffff;
          const __m512 scaled = scaled_scores(u, row, group, _mm512_load_si512(scores + i));
          const float top = _mm512_mask_reduce_max_ps(there, scaled);
          tops[row] = (number < p->across && half == 0 && i == 0) || top > tops[row] ? top : tops[row];
        }
      }
      p->taken = p->scored;
    }
  }
}

// Sums of values by weights, and the weights' totals. Scores become logarithms by shifting, unless `is_wide`: false is returned
// where one is too large for that, and the sums are none.
INLINE bool byte_pass(byte_passage *p, const bool is_wide) {
  p->is_within = true;
  p->pending = NULL;
  p->memory->none.rows = 0;
  if (is_wide) find_tops(p);
  for (size_t time = 0; time < p->units + 2; time++) {
    p->scoring = p->weighing = p->summing = &p->memory->none;
    p->scored = p->taken = 0;
    size_t halves = 0, pairs = 0, steps = 0;
    if (time < p->units) {
      begin_scoring(p, time);
      halves = (p->scoring->keys + 31) / 32;
      steps = halves * p->steps;
    }
    if (time >= 1 && time < p->units + 1) begin_weighing(p, time - 1);
    if (!is_wide && !p->is_within) return false;
    if (time >= 2) {
      p->summing = p->memory->units + (time - 2) % 3;
      pairs = (p->panels + 1) / 2;
      steps += pairs * ((p->summing->keys + 63) / 64);
    }
    if (steps) {
      const size_t rows = (halves + 1) / 2 * p->scoring->rows;
      p->due_rows = (rows + 2 * steps - 1) / (2 * steps);
      p->due_halves = (2 * p->weighing->rows + steps - 1) / steps;
      if (time < p->units) p->ahead = ahead_of(p->attention, p->block, p->across, time, steps);
    }
    for (size_t half = 0, pair = 0; half < halves || pair < pairs;) {
      // Values as evenly between scores as they go.
      if (half < halves && (pair + 1) * halves >= half * pairs) {
        score_keys(p, half++, is_wide);
      } else {
        sum_values(p, pair++, is_wide);
      }
    }
    take_logarithms(p, SIZE_MAX, is_wide);
    make_weights(p, SIZE_MAX);
    add_sums(p, SIZE_MAX);
  }
  return true;
}

// 16 weights as bytes, from the one of that logarithm on.
INLINE void store_powers(uint8_t *to, int from, float added) {
  const vector first = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const vector power = power_of_two((first + (float)from) * (-1.0f / octave_parts), true) * 255.0f;
  _mm_store_si128((__m128i *)to, _mm512_cvtepi32_epi8(_mm512_cvttps_epi32((__m512)(power + added))));
}

INLINE void make_tables(byte_memory *memory) {
  for (int i = 0; i < 128; i += 16) {
    store_powers(memory->large + i, i, 0.5f);
    for (size_t turn = 0; turn < cvector_int8_turns; turn++) {
      store_powers(memory->small[turn][0] + i, 128 + i, cvector_int8_added(turn));
      store_powers(memory->small[turn][1] + i, 128 + i, 1 - cvector_int8_added(turn));
    }
  }
}

static bool byte_pass_by_shifts(byte_passage *p) { return byte_pass(p, false); }
static void byte_pass_by_scales(byte_passage *p) { byte_pass(p, true); }

// As attention.c has it.
static void amx_attend_block_of_bytes(const cvector_attention *a, const cvector_attention_block *b) {
  byte_memory *memory = (byte_memory *)b->scores;
  byte_passage p = {
      .attention = a, .block = b, .memory = memory, .steps = (a->dim + 63) / 64,
      .across = (b->count + unit_rows - 1) / unit_rows, .panels = (a->value_dim + 15) / 16,
  };
  p.units = p.across * ((a->keys + unit_keys - 1) / unit_keys);
  make_tables(memory);
  shape_tiles(16, 16);
  if (!byte_pass_by_shifts(&p)) byte_pass_by_scales(&p);
  _tile_release();
  for (size_t r = 0; r < b->count; r++) b->totals[r] = _mm512_reduce_add_ps(_mm512_load_ps(memory->totals[r]));
}
