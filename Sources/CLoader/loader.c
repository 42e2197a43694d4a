#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "cloader.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void load(cloader_loading *loading) {
  for (size_t i = 0; i < loading->library_count; i++) {
    loading->handles[i] = dlopen(loading->libraries[i], RTLD_LAZY | RTLD_LOCAL);
    if (!loading->handles[i]) {
      snprintf(loading->problem, sizeof loading->problem, "%s", dlerror());
      return;
    }
  }
  for (size_t i = 0; i < loading->function_count; i++) {
    const cloader_function *function = &loading->functions[i];
    for (size_t j = 0; j < loading->library_count && !*function->at; j++) {
      *function->at = dlsym(loading->handles[j], function->name);
    }
    if (!*function->at) {
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
