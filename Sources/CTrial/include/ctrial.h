// A child process reads an HDF5 file first, so that one on which the C library crashes costs a child and not the program.
#pragma once
#include <stddef.h>
#include <stdint.h>

// What became of a child.
enum {
  ctrial_fine,        // it went through the file to its end; whatever the library refused it will refuse again
  ctrial_crashed,     // a signal, `code`, ended it
  ctrial_slow,        // it took longer than it was given
  ctrial_large,       // it needed more memory than it was given
  ctrial_impossible,  // there is no child; `code` is the system's error
};

typedef struct {
  int outcome;
  int code;
  char place[512];  // what the child looked at last: an object's path, and an attribute of it
} ctrial_report;

// A child at work.
typedef struct {
  int process;
  int pipe;
  uintptr_t shared;
  int error;
} ctrial_child;

// Starts a child that reads the structure of the file at `path`: every object once by its address, all attributes, types,
// shapes, and chunks that the library unpacks itself. No other thread may be within the HDF5 library meanwhile.
//
// seconds: of the processor, after which it ends
// bytes: of memory, beyond what the program has
ctrial_child ctrial_start(const char *path, double seconds, size_t bytes);

// Waits for a child, and says what became of it.
void ctrial_finish(ctrial_child child, ctrial_report *report);
