// The tiles' functions in what every processor has.
#define LANES 4
#define TILE_ROWS 4
#define TILE_VECTORS 3
#include "template.h"

const cvector_level cvector_level_portable = {
    .multiply_bf16 = multiply_bf16, .multiplies_bf16 = false, SHARED_FUNCTIONS,
};
