// OpenBLAS loaded anew with the kernels that are asked for: which ones it names, and whether the environment is what it was.
#include "shim.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void) {
  char **before = environ;
  const char *problem = copenblas_load_alone();
  // Both run on every 64-bit processor; nothing is multiplied.
  const char *const core_types[] = {"Core2", "Prescott"};
  for (int i = 0; i < 2 && !problem; i++) {
    problem = copenblas_reload(core_types[i]);
    if (!problem) printf("%s ", copenblas_openblas_get_corename());
  }
  if (problem) {
    puts(problem);
    return 10;
  }
  const char *variable = getenv("OPENBLAS_CORETYPE");
  printf("%s %s\n", variable ? variable : "unset", environ == before ? "same" : "other");
  return 0;
}
