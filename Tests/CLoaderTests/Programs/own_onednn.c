// A program that links oneDNN itself, beside the one that we load, and that has four OpenMP threads: ours takes one, and leaves
// the program's number as it was.
#include "conednn.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
  int major, minor, patch;
} number;
const number *dnnl_version(void);
void omp_set_num_threads(int count);
int omp_get_max_threads(void);

static int threads(void) {
  DIR *tasks = opendir("/proc/self/task");
  int count = 0;
  for (struct dirent *entry; (entry = readdir(tasks));) count += entry->d_name[0] != '.';
  closedir(tasks);
  return count;
}

int main(void) {
  int before = dnnl_version()->major < 2;
  omp_set_num_threads(4);
  const char *problem = conednn_load();
  if (problem) {
    puts(problem);
    return 10;
  }
  enum { ROWS = 512, EXTENT = 512 };
  char error[256] = "";
  conednn_form form = {ROWS, EXTENT, EXTENT, EXTENT, EXTENT, CONEDNN_F32, CONEDNN_F32, CONEDNN_F32, 0, 0, 0};
  float *x = calloc(ROWS * EXTENT, sizeof *x), *y = calloc(ROWS * EXTENT, sizeof *y);
  for (long i = 0; i < ROWS * EXTENT; i++) x[i] = 1;
  conednn_product *product = conednn_product_make(&form, error, sizeof error);
  conednn_weights *weights = product ? conednn_weights_make(product, x, error, sizeof error) : NULL;
  if (!weights) {
    puts(error);
    return 11;
  }
  void *scratch = aligned_alloc(64, conednn_product_scratch_bytes(product) / 64 * 64 + 64);
  int status = conednn_product_run(product, x, weights, NULL, y, scratch);
  int ours = status || y[0] != EXTENT || y[ROWS * EXTENT - 1] != EXTENT;
  int after = dnnl_version()->major < 2;
  printf("before %d, ours %d, after %d, threads %d of %d\n", before, ours, after, threads(), omp_get_max_threads());
  conednn_weights_free(weights);
  conednn_product_free(product);
  return 0;
}
