// libdeflate's CRC-32, which runs at memory speed.
#pragma once
#include <libdeflate.h>
