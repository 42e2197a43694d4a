// OpenBLAS: single-precision matrix products.
#pragma once
#include <cblas.h>
