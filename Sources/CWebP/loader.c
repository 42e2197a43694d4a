// libwebp loaded when a WebP is first read, on Linux. Elsewhere, where this file is not compiled, the linker finds it.
#define CLOADER_PREFIX cwebp_
#include "cloader.h"
#include "shim.h"

#define ALL(X) CWEBP_FUNCTIONS(X) CWEBP_FEATURE_FUNCTIONS(X)
CLOADER_LIBRARY(ALL, "libwebp.so.7|libwebp.so.6", "libwebpdemux.so.2")
