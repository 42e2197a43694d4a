// FFmpeg loaded when a video is first opened, on Linux. Its 130 libraries would take the dynamic linker 40 ms of every
// start otherwise, also where no video is looked at. Elsewhere, where this file is not compiled, the linker finds them.
#define CLOADER_PREFIX cffmpeg_
#include "cloader.h"
#include "shim.h"

#define TEXT(x) #x
#define SONAME(name, version) "lib" #name ".so." TEXT(version)

CLOADER_LIBRARY(CFFMPEG_FUNCTIONS, SONAME(avutil, LIBAVUTIL_VERSION_MAJOR),
                SONAME(avcodec, LIBAVCODEC_VERSION_MAJOR), SONAME(avformat, LIBAVFORMAT_VERSION_MAJOR),
                SONAME(swscale, LIBSWSCALE_VERSION_MAJOR))
