// The filter under whose number h5py writes LZF.
#pragma once
#include <hdf5.h>

enum { lzf_filter = 32000 };

// Makes it known to the library.
void register_lzf(void);
