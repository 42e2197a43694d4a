// What the headers of libraries that are loaded when they are first needed have in common: how they declare, under a prefix,
// what they use of a library. No header of the module, since without a loader, as on macOS, they need this one alone.
#pragma once
#include <stddef.h>

// Follows the declaration of a function under its prefix: on Linux it is one of our own that jumps to the library's once that
// is loaded, elsewhere another name for the linker's.
#if defined(__linux__)
#define CLOADER_LINKED(name)
#else
#define CLOADER_LINKED(name) __asm__("_" #name)
#endif

// Declares a function of a library's own header under another name.
#define CLOADER_DECLARATION(own, name) extern __typeof__(name) own CLOADER_LINKED(name);

// Declares what loads a library, before any other function of it is called: what is wrong, or NULL.
#if defined(__linux__)
#define CLOADER_LOADING(load) const char *load(void);
#else
#define CLOADER_LOADING(load) static inline const char *load(void) { return NULL; }
#endif
