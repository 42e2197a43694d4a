// oneDNN loaded when it is first asked for. It may be missing, and Debian's brings OpenCL and OpenMP.
#define CLOADER_PREFIX conednn_library_
#include "cloader.h"
#include "library.h"

// Homebrew's folder on Arm isn't among those that macOS looks into.
#if defined(__APPLE__)
#define NAMES "libdnnl.3.dylib|/opt/homebrew/lib/libdnnl.3.dylib"
#else
#define NAMES "libdnnl.so.3|libdnnl.so.2"
#endif

CONEDNN_FUNCTION(int, omp_get_max_threads, void);
CONEDNN_FUNCTION(void, omp_set_num_threads, int count);

CLOADER_VERSIONS(CONEDNN_FUNCTIONS, CONEDNN_OPTIONAL_FUNCTIONS, NAMES)

// What a library brings is found through the library, so these are the functions of its own OpenMP, whichever that is.
int conednn_library_set_threads(int count) {
  if (!CLOADER_IS_FOUND(omp_get_max_threads) || !CLOADER_IS_FOUND(omp_set_num_threads)) return 0;
  int before = conednn_library_omp_get_max_threads();
  if (before != count) conednn_library_omp_set_num_threads(count);
  return before;
}

void conednn_library_keep_to(int instructions) {
  if (instructions && CLOADER_IS_FOUND(dnnl_set_max_cpu_isa)) conednn_library_dnnl_set_max_cpu_isa(instructions);
}
