// libjpeg-turbo through its TurboJPEG interface, which reports errors without setjmp.
#pragma once
#include <turbojpeg.h>
