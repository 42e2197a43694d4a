// The inner loops that need the machine's vectors, chosen at run time. See README.md.
#pragma once
#include <stddef.h>
