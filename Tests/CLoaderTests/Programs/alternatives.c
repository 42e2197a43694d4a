// Libraries of several names, and functions that only some versions have.
#define CLOADER_PREFIX found_
#include "cloader.h"
#include <stdio.h>

double found_cos(double x);

#define FUNCTIONS(X) X(cos)
#define OPTIONAL(X) X(sin) X(not_in_any_version)
CLOADER_VERSIONS(FUNCTIONS, OPTIONAL, "libnothing.so.9|libm.so.6|libnothing.so.8")

#undef CLOADER_PREFIX
#define CLOADER_PREFIX missing_
#define NONE(X) X(nothing)
CLOADER_LIBRARY(NONE, "libnothing.so.9|libnothing.so.8")

#undef CLOADER_PREFIX
#define CLOADER_PREFIX lacking_
CLOADER_LIBRARY(NONE, "libnothing.so.9|libm.so.6")

#undef CLOADER_PREFIX
#define CLOADER_PREFIX found_

int main(void) {
  const char *problem = found_load();
  printf("%s, cos %g, sin %d, other %d\n", problem ? problem : "loaded", problem ? 0 : found_cos(0),
         CLOADER_IS_FOUND(sin), CLOADER_IS_FOUND(not_in_any_version));
  puts(missing_load());
  puts(lacking_load());
  return 0;
}
