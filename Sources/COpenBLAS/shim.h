// OpenBLAS: single-precision matrix products.
//
// What is used of its header, which systems keep in different folders, under our own prefix: on Linux functions of our own
// that jump to OpenBLAS once it is loaded, elsewhere other names for the linker's.
#pragma once

#if defined(__linux__)
#define COPENBLAS_FUNCTION(type, name, ...) type copenblas_##name(__VA_ARGS__)
#else
#define COPENBLAS_FUNCTION(type, name, ...) type copenblas_##name(__VA_ARGS__) __asm__("_" #name)
#endif

#define COPENBLAS_ROW_MAJOR 101
#define COPENBLAS_AS_STORED 111
#define COPENBLAS_TRANSPOSED 112

COPENBLAS_FUNCTION(void, cblas_sgemm, int order, int a_order, int b_order, int rows, int columns, int inner,
                   float scale, const float *a, int a_stride, const float *b, int b_stride, float out_scale,
                   float *out, int out_stride);
COPENBLAS_FUNCTION(void, openblas_set_num_threads, int count);
COPENBLAS_FUNCTION(char *, openblas_get_config, void);

// Loads the library, before any other function is called. What is wrong, or NULL.
#if defined(__linux__)
const char *copenblas_load(void);
#else
static inline const char *copenblas_load(void) { return 0; }
#endif
