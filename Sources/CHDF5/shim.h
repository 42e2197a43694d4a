// HDF5, the C library.
#pragma once
#include <hdf5.h>
