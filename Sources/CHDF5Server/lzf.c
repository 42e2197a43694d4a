// LZF, a fast compression that h5py has built in: runs of bytes as they are, and copies of what was written before.
// Source: liblzf's format description, in the comments of lzf_d.c.
#include "parts.h"

// What one instruction says: `count` bytes that follow at `start`, or that were written `distance` before.
typedef struct {
  size_t start, distance, count;
} instruction;

// The next instruction; 0 where it is cut short.
static int next_instruction(const uint8_t *bytes, size_t count, size_t *offset, instruction *next) {
  unsigned control = bytes[*offset];
  if (control < 32) {
    *next = (instruction){.start = *offset + 1, .count = control + 1};
    if (next->count >= count - *offset) return 0;
    *offset += 1 + next->count;
    return 1;
  }
  *next = (instruction){.count = (control >> 5) + 2};
  size_t last = *offset + 1;
  if (control >> 5 == 7) {
    if (last >= count) return 0;
    next->count += bytes[last++];
  }
  if (last >= count) return 0;
  next->distance = ((control & 31) << 8) + bytes[last] + 1;
  *offset = last + 1;
  return 1;
}

int64_t chdf5server_lzf_count(const uint8_t *bytes, size_t count) {
  size_t offset = 0, written = 0;
  instruction next;
  while (offset < count) {
    if (!next_instruction(bytes, count, &offset, &next) || next.distance > written) return -1;
    written += next.count;
  }
  return (int64_t)written;
}

void chdf5server_lzf_decompress(const uint8_t *bytes, size_t count, uint8_t *target) {
  size_t offset = 0, written = 0;
  instruction next;
  while (offset < count && next_instruction(bytes, count, &offset, &next)) {
    if (next.distance) {
      // One at a time: a copy may reach into what it writes.
      for (size_t index = written; index < written + next.count; index++) target[index] = target[index - next.distance];
    } else {
      memcpy(target + written, bytes + next.start, next.count);
    }
    written += next.count;
  }
}

// ---- The filter, known to the library as if it were built in, for reading only. Source: h5py/lzf/lzf_filter.c, H5Zpublic.h.

// Where among its parameters the bytes of a chunk stand.
enum { chunk_parameter = 2 };

// Checksums that other filters may have put behind a chunk before.
enum { most_behind = 64 };

static size_t filter(
    unsigned flags, size_t parameter_count, const unsigned *parameters, size_t count, size_t *capacity, void **buffer) {
  if (!(flags & H5Z_FLAG_REVERSE) || parameter_count <= chunk_parameter) return 0;
  int64_t length = chdf5server_lzf_count(*buffer, count);
  // The library would read the rest of a chunk from what lies behind it.
  int64_t expected = parameters[chunk_parameter];
  if (length <= 0 || length < expected || length > expected + most_behind) return 0;
  uint8_t *target = H5allocate_memory((size_t)length, 0);
  if (!target) return 0;
  chdf5server_lzf_decompress(*buffer, count, target);
  H5free_memory(*buffer);
  *buffer = target;
  *capacity = (size_t)length;
  return (size_t)length;
}

void chdf5server_register_lzf(void) {
  const H5Z_class2_t class = {
      .version = H5Z_CLASS_T_VERS, .id = lzf_filter, .encoder_present = 0, .decoder_present = 1, .name = "lzf", .filter = filter};
  H5Zregister(&class);
}
