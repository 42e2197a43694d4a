// Attention with AMX, in units of 32 queries and a piece of the keys: scores are never stored but for a few blocks that wait to
// become weights, which is done while the next scores are computed and the values of the unit before are summed: products
// and powers need different parts of the processor. All is bfloat16. The including file defines `amx_step` and
// `shape_tiles`.
#pragma once
#include <math.h>

// How many blocks of scores wait at most, and the queries and the keys of a block and a unit.
enum { most_waiting = 8, unit_rows = 32, block_columns = 32 };
// A weight is 2^(score - shift), and the shift is the largest score of a query's first keys. Sums of weights keep their precision
// as long as they stay below this.
#define MOST_WEIGHTS 0x1p80f

// The keys and values of the piece that comes next, and how many lines of them are fetched ahead with each step of products.
typedef struct {
  const char *keys, *values;
  size_t key_lines, value_lines;
} amx_ahead;

// Every unit of a piece, `across` of which stand beside each other, fetches its part of the next piece.
INLINE amx_ahead ahead_of(
    const cvector_attention *a, const cvector_attention_block *b, size_t across, size_t unit, size_t steps) {
  const size_t next = unit / across + 1, part = unit % across;
  if (next * cvector_keys_at_once >= a->keys) return (amx_ahead){.key_lines = 0};
  const size_t keys = b->key_bytes / across, values = b->value_bytes / across;
  return (amx_ahead){
      .keys = (const char *)a->k + next * b->key_bytes + part * keys,
      .values = (const char *)a->v + next * b->value_bytes + part * values,
      .key_lines = (keys / 64 + steps - 1) / steps, .value_lines = (values / 64 + steps - 1) / steps,
  };
}

INLINE void zero_sums(void) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}

// Sums of 32 rows and columns, of numbers of 32 bits, to rows so many bytes apart.
INLINE void store_sums(void *sums, size_t row_bytes) {
  char *below = (char *)sums + 16 * row_bytes;
  _tile_stored(0, sums, row_bytes);
  _tile_stored(1, (char *)sums + 64, row_bytes);
  _tile_stored(2, below, row_bytes);
  _tile_stored(3, below + 64, row_bytes);
}

// Blocks of scores that become weights while products are computed: those of one unit of queries and a piece of the keys.
typedef struct {
  // [most_waiting, unit_rows, block_columns]
  float *waiting;
  // [columns] of bfloat16, in rows `weights_stride` apart.
  uint16_t *weights;
  size_t weights_stride;
  // A vector of sums and a shift for each row.
  float (*totals)[16];
  float *shifts;
  // What scores are times.
  float scale;
  size_t rows, columns;
  // How many blocks there are, how many are done, and how many rows of the next one.
  size_t made, done, row;
  // How many rows are due with each step of products.
  size_t due;
  amx_ahead ahead;
} amx_weighing;

INLINE float *waiting_block(const amx_weighing *w, size_t block) {
  return w->waiting + block % most_waiting * (unit_rows * block_columns);
}

INLINE void weigh_rows(amx_weighing *w, size_t count) {
  const __m512 factor = _mm512_set1_ps(w->scale);
  for (; count && w->done < w->made; count--) {
    const float *scores = waiting_block(w, w->done) + w->row * block_columns;
    const size_t column = w->done * block_columns;
    const __m512 shift = _mm512_set1_ps(-w->shifts[w->row]);
    __m512 first = power_of_two(_mm512_fmadd_ps(_mm512_load_ps(scores), factor, shift), false);
    __m512 second = power_of_two(_mm512_fmadd_ps(_mm512_load_ps(scores + 16), factor, shift), false);
    if (column + block_columns > w->columns) {
      const uint32_t there = (1u << (w->columns - column)) - 1;
      first = _mm512_maskz_mov_ps((__mmask16)there, first);
      second = _mm512_maskz_mov_ps((__mmask16)(there >> 16), second);
    }
    float *total = w->totals[w->row];
    _mm512_store_ps(total, _mm512_load_ps(total) + (first + second));
    _mm512_storeu_si512(
        w->weights + w->row * w->weights_stride + column, (__m512i)_mm512_cvtne2ps_pbh(second, first));
    if (++w->row == w->rows) w->row = 0, w->done++;
  }
}

// Sums of 32 rows times one or two panels go on; meanwhile rows of scores become weights. What the next step takes is loaded as
// soon as there is a register for it, and what products leave idle has something to do after each pair of them.
INLINE void amx_steps(
    amx_weighing *w, const char *above, size_t row_bytes, const char *left, size_t steps, const bool is_wide) {
  const char *right = left + steps * 1024, *below = above + 16 * row_bytes;
  _tile_loadd(4, above, row_bytes);
  _tile_loadd(6, left, 64);
  if (is_wide) _tile_loadd(7, right, 64);
  _tile_loadd(5, below, row_bytes);
  for (size_t k = 1; k <= steps; k++) {
    // After the last step what was first is loaded again, and not used.
    const size_t next = k < steps ? k : 0;
    _tile_dpbf16ps(0, 4, 6);
    weigh_rows(w, w->due);
    if (is_wide) _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(4, above + next * 64, row_bytes);
    cvector_fetch_lines(&w->ahead.keys, w->ahead.key_lines);
    _tile_dpbf16ps(2, 5, 6);
    _tile_loadd(6, left + next * 1024, 64);
    weigh_rows(w, w->due);
    if (is_wide) {
      _tile_dpbf16ps(3, 5, 7);
      _tile_loadd(7, right + next * 1024, 64);
    }
    _tile_loadd(5, below + next * 64, row_bytes);
    cvector_fetch_lines(&w->ahead.values, w->ahead.value_lines);
  }
}

// Scores of 32 queries and up to 32 keys, a block that waits to be weighed.
INLINE void amx_scores(
    amx_weighing *w, const char *queries, size_t query_bytes, const char *keys, size_t steps, const bool is_wide) {
  // One that waits makes room.
  while (w->made - w->done == most_waiting) weigh_rows(w, w->rows);
  zero_sums();
  amx_steps(w, queries, query_bytes, keys, steps, is_wide);
  store_sums(waiting_block(w, w->made), block_columns * sizeof(float));
  w->made++;
}

// Sums of up to 32 numbers of values by the weights of 32 queries, on top of what is there where `adds`.
INLINE void amx_values(
    amx_weighing *w, const char *weights, size_t weight_bytes, const char *values, size_t steps, const bool is_wide,
    float *sums, size_t stride, const bool adds) {
  const size_t bytes = stride * sizeof *sums;
  float *below = sums + 16 * stride;
  if (adds) {
    _tile_loadd(0, sums, bytes);
    _tile_loadd(2, below, bytes);
    if (is_wide) {
      _tile_loadd(1, sums + 16, bytes);
      _tile_loadd(3, below + 16, bytes);
    }
  } else {
    zero_sums();
  }
  amx_steps(w, weights, weight_bytes, values, steps, is_wide);
  _tile_stored(0, sums, bytes);
  _tile_stored(2, below, bytes);
  if (is_wide) {
    _tile_stored(1, sums + 16, bytes);
    _tile_stored(3, below + 16, bytes);
  }
}

// Each row's shift becomes the largest of these scores, or stays where it is larger.
INLINE void raise_shifts(const amx_weighing *w, size_t block) {
  const size_t column = block * block_columns;
  const size_t columns = w->columns - column;
  const uint32_t there = columns < block_columns ? (1u << columns) - 1 : UINT32_MAX;
  const __m512 least = _mm512_set1_ps(-INFINITY);
  const float *scores = waiting_block(w, block);
  for (size_t r = 0; r < w->rows; r++, scores += block_columns) {
    const __m512 first = _mm512_mask_mov_ps(least, (__mmask16)there, _mm512_load_ps(scores));
    const __m512 second = _mm512_mask_mov_ps(least, (__mmask16)(there >> 16), _mm512_load_ps(scores + 16));
    const float largest = _mm512_reduce_max_ps(_mm512_max_ps(first, second)) * w->scale;
    w->shifts[r] = w->shifts[r] > largest ? w->shifts[r] : largest;
  }
}

// One block of queries on its way past the keys.
typedef struct {
  const cvector_attention *attention;
  const cvector_attention_block *block;
  // Of 32 numbers of a query.
  size_t steps;
  // Bytes of a query.
  size_t query_bytes;
  size_t across, pieces;
  float *waiting, *shifts;
} amx_passage;

// How many keys a unit has.
INLINE size_t keys_of(const amx_passage *p, size_t unit) {
  const size_t piece = unit / p->across;
  return piece + 1 < p->pieces ? (size_t)cvector_keys_at_once : p->attention->keys - piece * cvector_keys_at_once;
}

INLINE amx_weighing weighing_of(const amx_passage *p, size_t unit) {
  const size_t first = unit % p->across * unit_rows, rest = p->block->count - first;
  return (amx_weighing){
      .waiting = p->waiting, .weights_stride = p->block->weights_stride, .scale = p->block->scale,
      .weights = p->block->weights + unit % 2 * unit_rows * p->block->weights_stride, .shifts = p->shifts + first,
      .rows = rest < unit_rows ? rest : unit_rows, .columns = keys_of(p, unit),
  };
}

INLINE void scores_of_block(const amx_passage *p, amx_weighing *w, size_t unit, size_t block) {
  const char *keys = (const char *)p->attention->k + unit / p->across * p->block->key_bytes + block * 2 * p->steps * 1024;
  const char *queries = (const char *)p->block->queries + unit % p->across * unit_rows * p->query_bytes;
  if (w->columns - block * block_columns > 16) {
    amx_scores(w, queries, p->query_bytes, keys, p->steps, true);
  } else {
    amx_scores(w, queries, p->query_bytes, keys, p->steps, false);
  }
}

// Sums of values by weights that are 2^(score - shift), and the weights' totals. Shifts are the largest score of each query's
// first keys: numbers of bfloat16 reach as far as those of Float32, so any of a query's scores does that isn't too far below the
// largest. Where it is, false is returned, and the sums are none.
INLINE bool amx_pass(const amx_passage *p) {
  const cvector_attention *a = p->attention;
  const cvector_attention_block *b = p->block;
  const size_t value_panels = (a->value_dim + 15) / 16, pairs = (value_panels + 1) / 2;
  const size_t across = p->across, units = across * p->pieces;
  float totals[cvector_queries_at_once][16] __attribute__((aligned(64))) = {{0}};
  for (size_t r = 0; r < b->count; r++) p->shifts[r] = -INFINITY;
  for (size_t time = 0; time <= units; time++) {
    size_t blocks = 0, sums = 0, key_steps = 0;
    amx_weighing w = {.rows = 0};
    if (time < units) {
      w = weighing_of(p, time);
      w.totals = totals + time % across * unit_rows;
      blocks = (w.columns + block_columns - 1) / block_columns;
    }
    if (time >= 1) {
      key_steps = (keys_of(p, time - 1) + 31) / 32;
      sums = pairs;
    }
    const size_t all_steps = blocks * p->steps + sums * key_steps;
    w.due = (blocks * w.rows + 2 * all_steps - 1) / (2 * all_steps);
    if (time < units) w.ahead = ahead_of(a, b, across, time, all_steps);
    for (size_t block = 0, sum = 0; block < blocks || sum < sums;) {
      // Values as evenly between scores as they go; the last scores are weighed beside the last values.
      if (block < blocks && (sum + 1) * blocks >= block * sums) {
        scores_of_block(p, &w, time, block);
        if (time < across && block == 0) raise_shifts(&w, block);
        block++;
      } else {
        const size_t unit = time - 1;
        const char *weights = (const char *)(b->weights + unit % 2 * unit_rows * b->weights_stride);
        const char *values = (const char *)a->v + unit / across * b->value_bytes + sum * 2 * key_steps * 1024;
        float *target = b->sums + unit % across * unit_rows * b->sums_stride + sum * 32;
        if (sum * 2 + 1 < value_panels) {
          amx_values(
              &w, weights, b->weights_stride * 2, values, key_steps, true, target, b->sums_stride, unit >= across);
        } else {
          amx_values(
              &w, weights, b->weights_stride * 2, values, key_steps, false, target, b->sums_stride, unit >= across);
        }
        sum++;
      }
    }
    while (w.done < w.made) weigh_rows(&w, w.rows);
  }
  bool is_whole = true;
  for (size_t r = 0; r < b->count; r++) {
    b->totals[r] = _mm512_reduce_add_ps(_mm512_load_ps(totals[r]));
    is_whole = is_whole && b->totals[r] < MOST_WEIGHTS;
  }
  return is_whole;
}

// As attention.c has it.
static bool amx_attend_block(const cvector_attention *a, const cvector_attention_block *b) {
  float waiting[most_waiting * unit_rows * block_columns] __attribute__((aligned(64)));
  float shifts[cvector_queries_at_once];
  const size_t steps = (a->dim + 31) / 32, bytes = a->dim * sizeof(uint16_t);
  const amx_passage passage = {
      .attention = a, .block = b, .steps = steps, .query_bytes = steps * 64,
      .across = (b->count + unit_rows - 1) / unit_rows,
      .pieces = (a->keys + cvector_keys_at_once - 1) / cvector_keys_at_once, .waiting = waiting, .shifts = shifts,
  };
  for (size_t r = 0; r < b->count; r++) {
    char *row = (char *)b->queries + r * passage.query_bytes;
    memcpy(row, (const uint16_t *)a->q + (b->first + r) * a->q_stride, bytes);
    memset(row + bytes, 0, passage.query_bytes - bytes);
  }
  shape_tiles(16, 16);
  const bool is_whole = amx_pass(&passage);
  _tile_release();
  return is_whole;
}
