// What the parts of the child share. Nothing here is the program's.
#pragma once
#include "chdf5server.h"
// What HDF5's versions differ in, as the program sees it.
#include "../CHDF5/shim.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// How a child ends; below are its exit codes, above those of signals.
enum { ended_well = 0, ended_slow = 1, ended_large = 2, ended_by_signal = 64 };

// What a child looks at, which the program reads where it doesn't come back.
enum { most_place = 512 };

// The filter under whose number h5py writes LZF.
enum { lzf_filter = 32000 };

// ---- Messages

typedef struct {
  unsigned char *bytes;
  size_t count, room;
} message;

static inline void *required(void *memory) {
  if (!memory) _exit(ended_large);
  return memory;
}

// Room for so many more bytes.
static inline unsigned char *add(message *out, size_t count) {
  if (count > out->room - out->count) {
    if (count > SIZE_MAX / 4 || out->count > SIZE_MAX / 4) _exit(ended_large);
    // What is large comes alone.
    out->room = count < 1 << 20 ? 2 * (out->count + count) : out->count + count;
    out->bytes = required(realloc(out->bytes, out->room));
  }
  unsigned char *start = out->bytes + out->count;
  out->count += count;
  return start;
}

static inline void put_bytes(message *out, const void *bytes, size_t count) {
  if (count) memcpy(add(out, count), bytes, count);
}

static inline void put_number(message *out, uint64_t number) { put_bytes(out, &number, sizeof number); }

static inline void put_text(message *out, const char *text) {
  put_number(out, strlen(text));
  put_bytes(out, text, strlen(text));
}

// ---- What the library says

// Takes down why a call failed; a lack of memory is no matter of the file.
int64_t chdf5server_tried(const char *action, int64_t status);

// Takes down a failure of our own.
void chdf5server_fail(const char *action, const char *cause);

// The last failure: what couldn't be done, and the library's account of it in general and of its cause.
void chdf5server_put_failure(message *out);

// Puts it in the place of what a message has from `start` on, as a refusal of that part.
void chdf5server_refuse(message *out, size_t start);

// ---- The file

typedef struct {
  hid_t file, access;
  size_t address_size;
  // The dataset read last: ranges of one follow each other.
  hid_t dataset;
  haddr_t dataset_address;
  // Seconds of the processor that all but reading may take, and each reading; when the file was opened; what reading took.
  double seconds, begun, reading;
  const int64_t *types;
  size_t type_count;
  char *place;
} chdf5server_child_state;

extern chdf5server_child_state chdf5server_state;

// Each does what is asked for, or takes down why it can't and is 0.
int chdf5server_open_file(const char *path, message *out);
int chdf5server_list_group(haddr_t address, message *out);
int chdf5server_list_attributes(haddr_t address, uint64_t most, message *out);
int chdf5server_read_elements(const chdf5server_request *asked, const uint64_t *corners, message *out);

hid_t chdf5server_open_object(haddr_t address);

// Says what is looked at, within the object that was asked for.
void chdf5server_look_at(const char *kind, const char *name);

// Makes LZF known to the library.
void chdf5server_register_lzf(void);

// Has the library hand out what a file has in the place of texts of any length.
void chdf5server_register_references(void);
