#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "cloader.h"
#include <dlfcn.h>
#include <stdio.h>

void cloader_load(const char *const *libraries, size_t library_count, const cloader_function *functions,
                  size_t function_count, char *problem, size_t problem_size) {
  void *handles[library_count];
  for (size_t i = 0; i < library_count; i++) {
    handles[i] = dlopen(libraries[i], RTLD_LAZY | RTLD_LOCAL);
    if (!handles[i]) {
      snprintf(problem, problem_size, "%s", dlerror());
      return;
    }
  }
  for (size_t i = 0; i < function_count; i++) {
    for (size_t j = 0; j < library_count && !*functions[i].at; j++) {
      *functions[i].at = dlsym(handles[j], functions[i].name);
    }
    if (!*functions[i].at) {
      snprintf(problem, problem_size, "expected %s in %s and what goes with it, found none", functions[i].name,
               libraries[0]);
      return;
    }
  }
}
