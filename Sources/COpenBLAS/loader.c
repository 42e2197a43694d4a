// OpenBLAS loaded when a model is first run, on Linux. Loaded at the start of a program it begins threads, which turn
// round and round for a while even where nothing is multiplied. Elsewhere, where this file is not compiled, the linker finds it.
#define CLOADER_PREFIX copenblas_
#include "cloader.h"
#include "shim.h"

#define FUNCTIONS(X) X(cblas_sgemm) X(openblas_set_num_threads) X(openblas_get_config)

CLOADER_LIBRARY(FUNCTIONS, "libopenblas.so.0")
