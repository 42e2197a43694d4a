// Functions of a shared library that is loaded when it is first needed, on Linux.
//
// Each function stands under a prefix, as a jump to where it was loaded, so that it is called like any other. Under its own
// name it would take the place of the library's in a program that links the library itself, and jump to nowhere there.
#pragma once
#include <stddef.h>

typedef struct {
  const char *name;
  void **at;
} cloader_function;

// What came of loading once.
typedef struct {
  int is_done;
  char problem[512];
} cloader_state;

// Loads libraries and finds functions in them, unless `state` says that it was done. What is wrong, or NULL.
const char *cloader_load(cloader_state *state, const char *const *libraries, size_t library_count,
                         const cloader_function *functions, size_t function_count);

// What stands before the names of the functions of the file that includes this header, such as cffmpeg_.
#ifndef CLOADER_PREFIX
#define CLOADER_PREFIX cloader_
#endif
#define CLOADER_JOINED(prefix, name) prefix##name
#define CLOADER_JOIN(prefix, name) CLOADER_JOINED(prefix, name)
#define CLOADER_QUOTED(name) #name
#define CLOADER_QUOTE(name) CLOADER_QUOTED(name)
#define CLOADER_OWN(name) CLOADER_JOIN(CLOADER_PREFIX, name)

// A jump changes no register that holds an argument, so it serves whatever the function takes.
#if defined(__x86_64__)
#define CLOADER_JUMP(place) "  jmp *" place "(%rip)\n"
#elif defined(__aarch64__)
#define CLOADER_JUMP(place)                                                                                            \
  "  adrp x16, " place "\n  ldr x16, [x16, :lo12:" place "]\n  br x16\n"
#else
#error "expected an x86-64 or a 64-bit Arm processor"
#endif

// Defines a function, and the place of its address.
#define CLOADER_FUNCTION(name) CLOADER_DEFINITION(CLOADER_OWN(at_##name), CLOADER_QUOTE(CLOADER_OWN(name)))
#define CLOADER_DEFINITION(place, symbol)                                                                              \
  __attribute__((visibility("hidden"), used)) void *place;                                                             \
  __asm__(".text\n.globl " symbol "\n.hidden " symbol "\n.type " symbol ", @function\n" symbol ":\n"                   \
              CLOADER_JUMP(CLOADER_QUOTE(place)));

#define CLOADER_ENTRY(name) {#name, &CLOADER_OWN(at_##name)},

// Defines the functions that FUNCTIONS(X) lists as X(name), and a function `load`, all with the prefix before their names.
// `load` loads the libraries that follow at its first call: what is wrong, or NULL.
#define CLOADER_LIBRARY(FUNCTIONS, ...)                                                                                \
  FUNCTIONS(CLOADER_FUNCTION)                                                                                          \
  const char *CLOADER_OWN(load)(void) {                                                                                \
    static const char *const libraries[] = {__VA_ARGS__};                                                              \
    static const cloader_function functions[] = {FUNCTIONS(CLOADER_ENTRY)};                                            \
    static cloader_state state;                                                                                        \
    return cloader_load(&state, libraries, sizeof libraries / sizeof *libraries, functions,                            \
                        sizeof functions / sizeof *functions);                                                         \
  }
