// Functions of a shared library that is loaded when it is first needed, on Linux.
//
// Each function stands under its own name as a jump to where it was loaded, so that it is called like any other.
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

// A jump changes no register that holds an argument, so it serves whatever the function takes.
#if defined(__x86_64__)
#define CLOADER_JUMP(name) "  jmp *cloader_at_" #name "(%rip)\n"
#elif defined(__aarch64__)
#define CLOADER_JUMP(name)                                                                                             \
  "  adrp x16, cloader_at_" #name "\n  ldr x16, [x16, :lo12:cloader_at_" #name "]\n  br x16\n"
#else
#error "expected an x86-64 or a 64-bit Arm processor"
#endif

// Defines a function.
#define CLOADER_FUNCTION(name)                                                                                         \
  __attribute__((visibility("hidden"), used)) void *cloader_at_##name;                                                 \
  __asm__(".text\n.globl " #name "\n.hidden " #name "\n.type " #name ", @function\n" #name ":\n" CLOADER_JUMP(name));

#define CLOADER_ENTRY(name) {#name, &cloader_at_##name},

// Defines the functions that FUNCTIONS(X) lists as X(name), and `load`, which loads the libraries that follow at its first
// call: what is wrong, or NULL.
#define CLOADER_LIBRARY(load, FUNCTIONS, ...)                                                                          \
  FUNCTIONS(CLOADER_FUNCTION)                                                                                          \
  const char *load(void) {                                                                                             \
    static const char *const libraries[] = {__VA_ARGS__};                                                              \
    static const cloader_function functions[] = {FUNCTIONS(CLOADER_ENTRY)};                                            \
    static cloader_state state;                                                                                        \
    return cloader_load(&state, libraries, sizeof libraries / sizeof *libraries, functions,                            \
                        sizeof functions / sizeof *functions);                                                         \
  }
