// A program that links OpenBLAS itself, beside the one that we load: it calls its own before and after.
#include "shim.h"
#include <stdio.h>

void cblas_sgemm(int order, int a_order, int b_order, int rows, int columns, int inner, float scale, const float *a,
                 int a_stride, const float *b, int b_stride, float out_scale, float *out, int out_stride);
char *openblas_get_config(void);

// [1 2; 3 4] times [5 6; 7 8]: 0 where it is [19 22; 43 50].
typedef void (*product)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
static int use(product multiply) {
  const float a[] = {1, 2, 3, 4}, b[] = {5, 6, 7, 8};
  float out[4];
  multiply(101, 111, 111, 2, 2, 2, 1, a, 2, b, 2, 0, out, 2);
  return !(out[0] == 19 && out[1] == 22 && out[2] == 43 && out[3] == 50);
}

int main(void) {
  int before = use(cblas_sgemm) || openblas_get_config()[0] != 'O';
  const char *problem = copenblas_load_alone();
  if (problem) {
    puts(problem);
    return 10;
  }
  int ours = use(copenblas_cblas_sgemm) || copenblas_openblas_get_config()[0] != 'O';
  int after = use(cblas_sgemm) || openblas_get_config()[0] != 'O';
  printf("before %d, ours %d, after %d\n", before, ours, after);
  return before || ours || after;
}
