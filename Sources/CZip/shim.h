// libzip: validates zip directories and inflates entries.
#pragma once
#include <zip.h>
