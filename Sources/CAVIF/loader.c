// libavif loaded when an AVIF is first read, on Linux. Elsewhere, where this file is not compiled, the linker finds it.
#define CLOADER_PREFIX cavif_
#include "cloader.h"
#include "shim.h"

// Structures differ between versions, so the library is the one whose header was compiled against.
#if AVIF_VERSION >= 1000000
#define LIBRARY "libavif.so.16"
#elif AVIF_VERSION >= 110000
#define LIBRARY "libavif.so.15"
#elif AVIF_VERSION >= 100000
#define LIBRARY "libavif.so.14"
#else
#define LIBRARY "libavif.so.13"
#endif

CLOADER_LIBRARY(CAVIF_FUNCTIONS, LIBRARY)
