// OpenBLAS loaded when a model is first run, on Linux. Loaded at the start of a program it begins threads, which turn
// round and round for a while even where nothing is multiplied. Elsewhere, where this file is not compiled, the linker finds it.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define CLOADER_PREFIX copenblas_
#include "cloader.h"
#include "shim.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FUNCTIONS(X)                                                                                                   \
  X(cblas_sgemm) X(openblas_set_num_threads) X(openblas_get_config) X(openblas_get_corename)

CLOADER_LIBRARY(FUNCTIONS, "libopenblas.so.0")

#define VARIABLE "OPENBLAS_CORETYPE"

int copenblas_is_core_type_set(void) { return getenv(VARIABLE) != NULL; }

// OpenBLAS reads the variable while it is loaded, and never again. It stands in a copy of the environment for so long:
// setenv may free what another thread is reading, and children would inherit it. The copy is never freed for the same reason.
const char *copenblas_reload(const char *core_type) {
  if (copenblas_is_core_type_set()) return copenblas_load();
  char **own = environ;
  size_t count = 0;
  while (own && own[count]) count++;
  size_t bytes = (count + 2) * sizeof *own, length = sizeof VARIABLE + 1 + strlen(core_type);
  char **copy = malloc(bytes + length);
  if (!copy) return copenblas_load();
  char *entry = (char *)copy + bytes;
  snprintf(entry, length, VARIABLE "=%s", core_type);
  copy[0] = entry;
  if (count) memcpy(copy + 1, own, count * sizeof *own);
  copy[count + 1] = NULL;

  cloader_unload(&copenblas_loading);
  environ = copy;
  const char *problem = copenblas_load();
  // Another thread that set a variable meanwhile made an environment of its own out of the copy.
  if (environ == copy) environ = own;
  else unsetenv(VARIABLE);
  return problem;
}

int copenblas_processor(void) {
#if defined(__x86_64__)
  // These ask for the system's part as well: whether it saves the wide registers (XGETBV).
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return COPENBLAS_ANY_PROCESSOR;
  int is_wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
                __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512vl");
  return is_wide ? COPENBLAS_AVX512 : COPENBLAS_AVX2;
#else
  return COPENBLAS_ANY_PROCESSOR;
#endif
}
