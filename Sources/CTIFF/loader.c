// libtiff loaded when a TIFF is first read, on Linux. Elsewhere, where this file is not compiled, the linker finds it.
#define CLOADER_PREFIX ctiff_
#include "cloader.h"
#include "shim.h"

CLOADER_LIBRARY(CTIFF_FUNCTIONS, "libtiff.so.6|libtiff.so.5")
