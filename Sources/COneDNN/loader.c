// oneDNN loaded when it is first asked for, on Linux; elsewhere the linker finds it. Debian's brings OpenCL and OpenMP.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "library.h"

#if defined(__linux__)
#define CLOADER_PREFIX conednn_library_
#include "cloader.h"

CONEDNN_FUNCTION(int, omp_get_max_threads, void);
CONEDNN_FUNCTION(void, omp_set_num_threads, int count);

CLOADER_VERSIONS(CONEDNN_FUNCTIONS, CONEDNN_OPTIONAL_FUNCTIONS, "libdnnl.so.3|libdnnl.so.2")

// What a library brings is found through the library, so these are the functions of its own OpenMP, whichever that is.
int conednn_library_set_threads(int count) {
  if (!CLOADER_IS_FOUND(omp_get_max_threads) || !CLOADER_IS_FOUND(omp_set_num_threads)) return 0;
  int before = conednn_library_omp_get_max_threads();
  if (before != count) conednn_library_omp_set_num_threads(count);
  return before;
}
#else
#include <dlfcn.h>
#include <pthread.h>

static int (*omp_get_max_threads)(void);
static void (*omp_set_num_threads)(int);

static void find_openmp(void) {
  omp_get_max_threads = (int (*)(void))dlsym(RTLD_DEFAULT, "omp_get_max_threads");
  omp_set_num_threads = (void (*)(int))dlsym(RTLD_DEFAULT, "omp_set_num_threads");
}

const char *conednn_library_load(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, find_openmp);
  return NULL;
}

int conednn_library_set_threads(int count) {
  if (!omp_get_max_threads || !omp_set_num_threads) return 0;
  int before = omp_get_max_threads();
  if (before != count) omp_set_num_threads(count);
  return before;
}
#endif
