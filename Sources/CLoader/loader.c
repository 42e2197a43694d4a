#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "cloader.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

// The first library of several names that is there. NULL where none is, and the dynamic linker's words about each.
static void *open_first(const char *names, char *problem, size_t capacity) {
  size_t written = 0;
  while (*names) {
    size_t length = strcspn(names, "|");
    char name[256];
    snprintf(name, sizeof name, "%.*s", (int)length, names);
    void *handle = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    if (handle) return handle;
    if (written < capacity) {
      written += (size_t)snprintf(problem + written, capacity - written, "%s%s", written ? "; " : "", dlerror());
    }
    names += length + (names[length] == '|');
  }
  return NULL;
}

static void load(cloader_state *state, const char *const *libraries, size_t library_count,
                 const cloader_function *functions, size_t function_count) {
  void *handles[library_count];
  for (size_t i = 0; i < library_count; i++) {
    char problem[sizeof state->problem] = "";
    handles[i] = open_first(libraries[i], problem, sizeof problem);
    if (!handles[i]) {
      memcpy(state->problem, problem, sizeof problem);
      return;
    }
  }
  for (size_t i = 0; i < function_count; i++) {
    for (size_t j = 0; j < library_count && !*functions[i].at; j++) {
      *functions[i].at = dlsym(handles[j], functions[i].name);
    }
    if (!*functions[i].at && !functions[i].is_optional) {
      snprintf(state->problem, sizeof state->problem, "expected %s in %s and what goes with it, found none",
               functions[i].name, libraries[0]);
      return;
    }
  }
}

const char *cloader_load(cloader_state *state, const char *const *libraries, size_t library_count,
                         const cloader_function *functions, size_t function_count) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  if (!state->is_done) load(state, libraries, library_count, functions, function_count);
  state->is_done = 1;
  pthread_mutex_unlock(&mutex);
  return state->problem[0] ? state->problem : NULL;
}
