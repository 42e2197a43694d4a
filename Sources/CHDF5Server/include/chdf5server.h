// A child process that reads an HDF5 file for the program, so that a file on which the C library crashes costs a child and
// not the program. It is asked by messages over a socket; see README for what they hold.
#pragma once
#include <stddef.h>
#include <stdint.h>

// What a child is asked for.
enum {
  chdf5server_open,        // a file
  chdf5server_list,        // a group's links, and what they lead to
  chdf5server_attributes,  // what is attached to a group or dataset
  chdf5server_read,        // a rectangle of a dataset's elements
};

// How a child replies.
enum {
  chdf5server_done,     // with what was asked for
  chdf5server_refused,  // with the library's words: what couldn't be done, in general, and why
};

typedef struct {
  uint32_t kind;
  uint32_t element_type;  // read: which of the types that the child was started with
  uint64_t address;       // list, attributes, read: of the object
  uint64_t bytes;         // open: of memory that the child may take beyond what it has; attributes: of one that are told at most
  double seconds;         // open: of the processor that all but reading may take, and each reading
  uint64_t count;         // bytes that follow. open: the path; read: starts and extents along every axis, each of 8 bytes
} chdf5server_request;

typedef struct {
  uint64_t status;
  uint64_t count;  // bytes that follow
} chdf5server_reply;

// What became of a child.
enum {
  chdf5server_crashed,     // a signal, `code`, ended it
  chdf5server_slow,        // it took longer than it was given
  chdf5server_large,       // it needed more memory than it was given
};

typedef struct {
  int outcome;
  int code;
} chdf5server_ending;

// A child at work, or the system's error where there is none.
typedef struct {
  int process;
  int end;
  int error;
  uintptr_t place;  // of its words for what it looks at within the object that it was asked for
} chdf5server_child;

// Starts a child. No other thread may be within the HDF5 library meanwhile.
//
// types: the library's identifiers of the element types that are told apart and read, in memory's byte order
chdf5server_child chdf5server_start(const int64_t *types, size_t count);

// Asks a child; 0 where it doesn't listen.
int chdf5server_send(chdf5server_child server, const void *bytes, size_t count);

// Receives as many bytes; 0 where the child ended before.
int chdf5server_receive(chdf5server_child server, void *bytes, size_t count);

// Ends a child.
void chdf5server_stop(chdf5server_child server);

// Says how a child ended that doesn't reply, and lets go of it.
chdf5server_ending chdf5server_end(chdf5server_child server);

// How many bytes LZF's compressed ones stand for, or -1 where they are broken: at most 88 for each of these.
int64_t chdf5server_lzf_count(const uint8_t *bytes, size_t count);

// Fills `target`, which has as many bytes as were counted.
void chdf5server_lzf_decompress(const uint8_t *bytes, size_t count, uint8_t *target);
