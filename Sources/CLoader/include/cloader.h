// Functions of a shared library that is loaded when it is first needed, on Linux and macOS.
//
// Each function stands under a prefix, as a jump to where it was loaded, so that it is called like any other. Under its own
// name it would take the place of the library's in a program that links the library itself, and jump to nowhere there.
#pragma once
#include <stddef.h>

typedef struct {
  const char *name;
  void **at;
  // Whether only some versions of the library have it. Where it is missing, `*at` stays NULL.
  int is_optional;
} cloader_function;

#define CLOADER_MOST_LIBRARIES 8

// Libraries, the functions that are looked for in them, and what came of loading.
typedef struct {
  const char *const *libraries;
  size_t library_count;
  const cloader_function *functions;
  size_t function_count;
  void *handles[CLOADER_MOST_LIBRARIES];
  int is_done;
  char problem[512];
} cloader_loading;

// Loads libraries and finds functions in them, unless that was done. What is wrong, or NULL.
// A library may be several names with a bar between them: the first that is there is taken.
const char *cloader_load(cloader_loading *loading);

// Lets go of the libraries, so that they are loaded anew; nobody may be in their functions. One that the program holds
// otherwise stays.
void cloader_unload(cloader_loading *loading);

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
#elif defined(__aarch64__) && defined(__APPLE__)
#define CLOADER_JUMP(place) "  adrp x16, " place "@PAGE\n  ldr x16, [x16, " place "@PAGEOFF]\n  br x16\n"
#elif defined(__aarch64__)
#define CLOADER_JUMP(place)                                                                                            \
  "  adrp x16, " place "\n  ldr x16, [x16, :lo12:" place "]\n  br x16\n"
#else
#error "expected an x86-64 or a 64-bit Arm processor"
#endif

// How the linker of a system calls a symbol, and what keeps it inside of the program.
#if defined(__APPLE__)
#define CLOADER_SYMBOL(symbol) "_" symbol
#define CLOADER_SCOPE(symbol) ".globl " symbol "\n.private_extern " symbol "\n.p2align 2\n"
#else
#define CLOADER_SYMBOL(symbol) symbol
#define CLOADER_SCOPE(symbol) ".globl " symbol "\n.hidden " symbol "\n.type " symbol ", @function\n"
#endif

// Defines a function, and the place of its address.
#define CLOADER_FUNCTION(name) CLOADER_DEFINITION(CLOADER_OWN(at_##name), CLOADER_QUOTE(CLOADER_OWN(name)))
#define CLOADER_DEFINITION(place, symbol)                                                                              \
  __attribute__((visibility("hidden"), used)) void *place;                                                             \
  __asm__(".text\n" CLOADER_SCOPE(CLOADER_SYMBOL(symbol)) CLOADER_SYMBOL(symbol) ":\n"                                  \
              CLOADER_JUMP(CLOADER_SYMBOL(CLOADER_QUOTE(place))));

#define CLOADER_ENTRY(name) {#name, &CLOADER_OWN(at_##name), 0},
#define CLOADER_OPTIONAL_ENTRY(name) {#name, &CLOADER_OWN(at_##name), 1},
#define CLOADER_NO_FUNCTIONS(X)

// Whether an optional function was found.
#define CLOADER_IS_FOUND(name) (CLOADER_OWN(at_##name) != NULL)

// Defines the functions that FUNCTIONS(X) lists as X(name), and a function `load`, all with the prefix before their names.
// `load` loads the libraries that follow at its first call: what is wrong, or NULL. `loading` is what cloader_unload takes.
#define CLOADER_LIBRARY(FUNCTIONS, ...) CLOADER_VERSIONS(FUNCTIONS, CLOADER_NO_FUNCTIONS, __VA_ARGS__)

// The same where versions of a library differ: what OPTIONAL(X) lists may be missing.
#define CLOADER_VERSIONS(FUNCTIONS, OPTIONAL, ...)                                                                     \
  FUNCTIONS(CLOADER_FUNCTION)                                                                                          \
  OPTIONAL(CLOADER_FUNCTION)                                                                                           \
  static const char *const CLOADER_OWN(libraries)[] = {__VA_ARGS__};                                                   \
  _Static_assert(sizeof CLOADER_OWN(libraries) / sizeof(char *) <= CLOADER_MOST_LIBRARIES, "too many libraries");      \
  static const cloader_function CLOADER_OWN(functions)[] = {                                                           \
      FUNCTIONS(CLOADER_ENTRY) OPTIONAL(CLOADER_OPTIONAL_ENTRY)};                                                      \
  static cloader_loading CLOADER_OWN(loading) = {                                                                      \
      .libraries = CLOADER_OWN(libraries),                                                                             \
      .library_count = sizeof CLOADER_OWN(libraries) / sizeof *CLOADER_OWN(libraries),                                 \
      .functions = CLOADER_OWN(functions),                                                                             \
      .function_count = sizeof CLOADER_OWN(functions) / sizeof *CLOADER_OWN(functions),                                \
  };                                                                                                                   \
  const char *CLOADER_OWN(load)(void) { return cloader_load(&CLOADER_OWN(loading)); }
