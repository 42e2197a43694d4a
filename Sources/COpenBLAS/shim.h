// OpenBLAS: single-precision matrix products.
#pragma once

#if defined(__linux__)
// What is used of its header, which systems keep in different folders.
typedef int blasint;
enum CBLAS_ORDER { CblasRowMajor = 101 };
enum CBLAS_TRANSPOSE { CblasNoTrans = 111, CblasTrans = 112 };
void cblas_sgemm(enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE a_order, enum CBLAS_TRANSPOSE b_order,
                 blasint rows, blasint columns, blasint inner, float scale, const float *a, blasint a_stride,
                 const float *b, blasint b_stride, float out_scale, float *out, blasint out_stride);
void openblas_set_num_threads(int count);
char *openblas_get_config(void);

// Loads the library, before any other function of it is called. What is wrong, or NULL.
const char *copenblas_load(void);
#else
#include <cblas.h>
static inline const char *copenblas_load(void) { return 0; }
#endif
