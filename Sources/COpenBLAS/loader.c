// OpenBLAS loaded when a model is first run, on Linux. Loaded at the start of a program it begins threads, which turn
// round and round for a while even where nothing is multiplied. Elsewhere, where this file is not compiled, the linker finds it.
#include "cloader.h"
#include "shim.h"
#include <pthread.h>

#define FUNCTIONS(X) X(cblas_sgemm) X(openblas_set_num_threads) X(openblas_get_config)

FUNCTIONS(CLOADER_FUNCTION)

static const char *const libraries[] = {"libopenblas.so.0"};
static const cloader_function functions[] = {FUNCTIONS(CLOADER_ENTRY)};
static char problem[512];

static void load(void) {
  cloader_load(libraries, sizeof libraries / sizeof *libraries, functions, sizeof functions / sizeof *functions, problem,
               sizeof problem);
}

const char *copenblas_load(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load);
  return problem[0] ? problem : NULL;
}
