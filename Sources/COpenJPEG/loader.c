// OpenJPEG loaded when a JPEG 2000 picture is first read, on Linux. Elsewhere, where this file is not compiled, the linker
// finds it.
#define CLOADER_PREFIX copenjpeg_
#include "cloader.h"
#include "shim.h"

CLOADER_LIBRARY(COPENJPEG_FUNCTIONS, "libopenjp2.so.7")
