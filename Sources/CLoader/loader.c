#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "cloader.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

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

static void load(cloader_loading *loading) {
  for (size_t i = 0; i < loading->library_count; i++) {
    char problem[sizeof loading->problem] = "";
    loading->handles[i] = open_first(loading->libraries[i], problem, sizeof problem);
    if (!loading->handles[i]) {
      memcpy(loading->problem, problem, sizeof problem);
      return;
    }
  }
  for (size_t i = 0; i < loading->function_count; i++) {
    const cloader_function *function = &loading->functions[i];
    for (size_t j = 0; j < loading->library_count && !*function->at; j++) {
      *function->at = dlsym(loading->handles[j], function->name);
    }
    if (!*function->at && !function->is_optional) {
      snprintf(loading->problem, sizeof loading->problem, "expected %s in %s and what goes with it, found none",
               function->name, loading->libraries[0]);
      return;
    }
  }
}

const char *cloader_load(cloader_loading *loading) {
  pthread_mutex_lock(&mutex);
  if (!loading->is_done) load(loading);
  loading->is_done = 1;
  pthread_mutex_unlock(&mutex);
  return loading->problem[0] ? loading->problem : NULL;
}

void cloader_unload(cloader_loading *loading) {
  pthread_mutex_lock(&mutex);
  for (size_t i = 0; i < loading->function_count; i++) *loading->functions[i].at = NULL;
  for (size_t i = loading->library_count; i-- > 0;) {
    if (loading->handles[i]) dlclose(loading->handles[i]);
  }
  memset(loading->handles, 0, sizeof loading->handles);
  loading->is_done = 0;
  loading->problem[0] = 0;
  pthread_mutex_unlock(&mutex);
}
