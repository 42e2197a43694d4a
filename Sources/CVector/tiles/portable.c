// The tiles' functions in what every processor has.
#define LANES 4
#define TILE_ROWS 4
#define TILE_VECTORS 3
#include "template.h"

const cvector_level cvector_level_portable = {
    LANES, multiply_f32, multiply_bf16, false, normalise, convert, weigh, scale_rows, activate,
    transpose, pack_rows, pack_row_pairs, pool, weigh_heads, join,
};
