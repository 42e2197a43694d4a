// libspng: PNG without setjmp.
#pragma once
#include <spng.h>
