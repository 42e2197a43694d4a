// OpenBLAS loaded when a model is first run, on Linux, and without threads of its own: loaded at the start of a program it
// begins some, which turn round and round for a while even where nothing is multiplied. Elsewhere, where this file is not compiled, the linker finds it.
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

#define CORE_TYPE "OPENBLAS_CORETYPE"
#define THREADS "OPENBLAS_NUM_THREADS"

int copenblas_is_core_type_set(void) { return getenv(CORE_TYPE) != NULL; }

// OpenBLAS reads variables while it is loaded, and never again. Ours stand in a copy of the environment for so long: setenv
// may free what another thread is reading, and children would inherit them. The copy is never freed for the same reason.
// No threads: we never use them, each takes 128 MB of addresses, and where one can't be made OpenBLAS raises SIGINT.
static const char *load_with(const char *core_type) {
  char **own = environ;
  size_t count = 0;
  while (own && own[count]) count++;
  size_t bytes = (count + 3) * sizeof *own, length = sizeof CORE_TYPE + 1 + (core_type ? strlen(core_type) : 0);
  char **copy = malloc(bytes + length);
  if (!copy) return copenblas_load();
  static char threads[] = THREADS "=1";
  char **entry = copy;
  *entry++ = threads;
  if (core_type) {
    char *text = (char *)copy + bytes;
    snprintf(text, length, CORE_TYPE "=%s", core_type);
    *entry++ = text;
  }
  if (count) memcpy(entry, own, count * sizeof *own);
  entry[count] = NULL;

  environ = copy;
  const char *problem = copenblas_load();
  // Another thread that set a variable meanwhile made an environment of its own out of the copy.
  if (environ == copy) {
    environ = own;
  } else {
    unsetenv(THREADS);
    if (core_type) unsetenv(CORE_TYPE);
  }
  return problem;
}

const char *copenblas_load_alone(void) { return load_with(NULL); }

const char *copenblas_reload(const char *core_type) {
  if (copenblas_is_core_type_set()) return copenblas_load();
  cloader_unload(&copenblas_loading);
  return load_with(core_type);
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
