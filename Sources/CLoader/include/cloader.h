// Functions of a shared library that is loaded when it is first needed, on Linux.
//
// Each function stands under its own name as a jump to where it was loaded, so that it is called like any other.
#pragma once
#include <stddef.h>

typedef struct {
  const char *name;
  void **at;
} cloader_function;

// Loads libraries and finds functions in them. Writes what is wrong to `problem`, which it leaves alone otherwise.
void cloader_load(const char *const *libraries, size_t library_count, const cloader_function *functions,
                  size_t function_count, char *problem, size_t problem_size);

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

// A function defined so, in a list for `cloader_load`.
#define CLOADER_ENTRY(name) {#name, &cloader_at_##name},
