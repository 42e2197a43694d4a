// OpenBLAS: single-precision matrix products.
//
// What is used of its header, which systems keep in different folders, under our own prefix: on Linux functions of our own
// that jump to OpenBLAS once it is loaded, elsewhere other names for the linker's.
#pragma once
#include "../CLoader/declarations.h"

#define COPENBLAS_FUNCTION(type, name, ...) type copenblas_##name(__VA_ARGS__) CLOADER_LINKED(name)

#define COPENBLAS_ROW_MAJOR 101
#define COPENBLAS_AS_STORED 111
#define COPENBLAS_TRANSPOSED 112

COPENBLAS_FUNCTION(void, cblas_sgemm, int order, int a_order, int b_order, int rows, int columns, int inner,
                   float scale, const float *a, int a_stride, const float *b, int b_stride, float out_scale,
                   float *out, int out_stride);
COPENBLAS_FUNCTION(void, openblas_set_num_threads, int count);
COPENBLAS_FUNCTION(char *, openblas_get_config, void);
COPENBLAS_FUNCTION(char *, openblas_get_corename, void);

// What the processor can do and the system lets it do, as far as OpenBLAS has kernels for it.
#define COPENBLAS_ANY_PROCESSOR 0
#define COPENBLAS_AVX2 1    // with FMA
#define COPENBLAS_AVX512 2  // F, CD, BW, DQ and VL

#if defined(__linux__)
// Loads the library, before any other function is called, without threads of its own. What is wrong, or NULL.
const char *copenblas_load_alone(void);

// Loads it anew with the kernels of a core type, such as Haswell, unless OPENBLAS_CORETYPE is set. Nobody may be in its
// functions. Where the program holds the library otherwise all stays as it is. What is wrong, or NULL.
const char *copenblas_reload(const char *core_type);

// Whether the environment says which kernels to use.
int copenblas_is_core_type_set(void);

// One of the above.
int copenblas_processor(void);
#else
static inline const char *copenblas_load_alone(void) { return 0; }
static inline const char *copenblas_reload(const char *core_type) { return 0; }
static inline int copenblas_is_core_type_set(void) { return 1; }
static inline int copenblas_processor(void) { return COPENBLAS_ANY_PROCESSOR; }
#endif
