// The child's work, in C and with nothing but the C library, HDF5 and zlib: of a program with threads, a child has only
// the one that made it, so that it must not need what another thread may have held.
// Source: HDF5's reference manual, 1.10 and 1.12; fork(2).
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "chdf5server.h"
#include "lzf.h"
// What HDF5's versions differ in, as the program sees it.
#include "../CHDF5/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

// How a child ends; below are its exit codes, above those of signals.
enum { ended_well = 0, ended_slow = 1, ended_large = 2, ended_by_signal = 64 };

// What a child looks at, which the program reads where it doesn't come back.
enum { most_place = 512 };

// ---- Messages

typedef struct {
  unsigned char *bytes;
  size_t count, room;
} message;

static void *required(void *memory) {
  if (!memory) _exit(ended_large);
  return memory;
}

// Room for so many more bytes.
static unsigned char *add(message *out, size_t count) {
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

static void put_bytes(message *out, const void *bytes, size_t count) {
  if (count) memcpy(add(out, count), bytes, count);
}

static void put_number(message *out, uint64_t number) { put_bytes(out, &number, sizeof number); }

static void put_text(message *out, const char *text) {
  put_number(out, strlen(text));
  put_bytes(out, text, strlen(text));
}

int chdf5_server_send(chdf5_server server, const void *bytes, size_t count) {
  const char *rest = bytes;
  while (count) {
#ifdef MSG_NOSIGNAL
    ssize_t sent = send(server.end, rest, count, MSG_NOSIGNAL);
#else
    ssize_t sent = send(server.end, rest, count, 0);
#endif
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return 0;
    rest += sent;
    count -= (size_t)sent;
  }
  return 1;
}

int chdf5_server_receive(chdf5_server server, void *bytes, size_t count) {
  char *rest = bytes;
  while (count) {
    ssize_t received = recv(server.end, rest, count, 0);
    if (received < 0 && errno == EINTR) continue;
    if (received <= 0) return 0;
    rest += received;
    count -= (size_t)received;
  }
  return 1;
}

// ---- What the library says

// The last failure: what couldn't be done, and the library's account of it in general and of its cause.
static struct {
  const char *action;
  char general[512], cause[1024];
  int is_short_of_memory;
} failure;

static herr_t note_error(unsigned number, const H5E_error2_t *error, void *context) {
  (void)context;
  const char *text = error->desc ? error->desc : "";
  if (number == 0) snprintf(failure.general, sizeof failure.general, "%s", text);
  snprintf(failure.cause, sizeof failure.cause, "%s", text);
  if (error->maj_num == H5E_RESOURCE && (error->min_num == H5E_NOSPACE || error->min_num == H5E_CANTALLOC)) {
    failure.is_short_of_memory = 1;
  }
  return 0;
}

static void fail(const char *action, const char *cause) {
  failure.action = action;
  failure.general[0] = 0;
  snprintf(failure.cause, sizeof failure.cause, "%s", cause);
}

// Takes down why a call failed; a lack of memory is no matter of the file.
static int64_t tried(const char *action, int64_t status) {
  if (status >= 0) return status;
  fail(action, "no reason given");
  failure.is_short_of_memory = 0;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, note_error, NULL);
  if (failure.is_short_of_memory) _exit(ended_large);
  return status;
}

static void put_failure(message *out) {
  put_text(out, failure.action);
  put_text(out, failure.general);
  put_text(out, failure.cause);
}

// ---- The file

static struct {
  hid_t file, access;
  // The dataset read last: ranges of one follow each other.
  hid_t dataset;
  haddr_t dataset_address;
  // Seconds of the processor that are left, and that each reading has.
  double left, seconds;
  const int64_t *types;
  size_t type_count;
  char *place;
} child = {.file = H5I_INVALID_HID, .access = H5I_INVALID_HID, .dataset = H5I_INVALID_HID};

// Unpacked chunks that a dataset keeps, so that ranges may begin in the middle of one.
enum { cache_bytes = 16 << 20 };

static void look_at(const char *kind, const char *name) { snprintf(child.place, most_place, "%s%.400s", kind, name); }

static herr_t refuse_link(
    const char *file, const char *group, const char *target, const char *object, unsigned *flags, hid_t access,
    void *context) {
  (void)file, (void)group, (void)target, (void)object, (void)flags, (void)access, (void)context;
  return -1;
}

static hid_t open_object(haddr_t address) {
#if H5_VERSION_GE(1, 12, 0)
  // The native format keeps an address in the first eight bytes of a token.
  H5O_token_t token;
  memset(&token, 0, sizeof token);
  memcpy(&token, &address, sizeof address);
  return tried("open it", H5Oopen_by_token(child.file, token));
#else
  return tried("open it", H5Oopen_by_addr(child.file, address));
#endif
}

static int open_file(const char *path, message *out) {
  static const char action[] = "open it as an HDF5 file";
  hid_t opening = tried(action, H5Pcreate(H5P_FILE_ACCESS));
  child.access = tried(action, H5Pcreate(H5P_LINK_ACCESS));
  if (opening < 0 || child.access < 0 || tried(action, chdf5_set_no_locks(opening)) < 0 ||
      tried(action, H5Pset_cache(opening, 0, 521, cache_bytes, 0.75)) < 0 ||
      tried(action, H5Pset_elink_cb(child.access, refuse_link, NULL)) < 0) {
    return 0;
  }
  child.file = tried(action, H5Fopen(path, H5F_ACC_RDONLY, opening));
  H5Pclose(opening);
  if (child.file < 0) return 0;
  hid_t root = tried(action, H5Gopen2(child.file, "/", H5P_DEFAULT));
  hid_t creation = tried(action, H5Fget_create_plist(child.file));
  unsigned long long address = HADDR_UNDEF;
  size_t address_size, length_size;
  hsize_t base;
  if (root < 0 || creation < 0 || tried(action, chdf5_address(root, &address)) < 0 ||
      tried(action, H5Pget_sizes(creation, &address_size, &length_size)) < 0 ||
      tried(action, H5Pget_userblock(creation, &base)) < 0) {
    return 0;
  }
  put_number(out, address);
  put_number(out, base);
  put_number(out, address_size);
  put_number(out, length_size);
  H5Pclose(creation);
  H5Gclose(root);
  return 1;
}

// ---- Datasets

// What a dataset says of itself, in the order of HDF5Description; 0 where the library fails.
static int put_dataset(hid_t dataset, message *out) {
  static const char action[] = "read its description";
  hid_t creation = tried(action, H5Dget_create_plist(dataset));
  if (creation < 0) return 0;
  int64_t layout = tried(action, H5Pget_layout(creation)), externals = tried(action, H5Pget_external_count(creation));
  if (layout < 0 || externals < 0) return 0;
  // What lies in other files is not asked for more: to tell its extents the library would open them.
  int elsewhere = layout == H5D_VIRTUAL || externals > 0;
  put_number(out, elsewhere);
  if (elsewhere) {
    H5Pclose(creation);
    return 1;
  }
  put_number(out, layout == H5D_CHUNKED ? 1 : layout == H5D_COMPACT ? 2 : 0);

  hid_t space = tried(action, H5Dget_space(dataset));
  if (space < 0) return 0;
  int64_t kind = tried(action, H5Sget_simple_extent_type(space));
  hsize_t extents[H5S_MAX_RANK];
  int64_t rank = kind < 0 ? -1 : kind == H5S_NULL ? 0 : tried(action, H5Sget_simple_extent_dims(space, extents, NULL));
  if (rank < 0) return 0;
  put_number(out, kind == H5S_NULL);
  put_number(out, (uint64_t)rank);
  for (int64_t axis = 0; axis < rank; axis++) put_number(out, extents[axis]);
  H5Sclose(space);

  hid_t type = tried(action, H5Dget_type(dataset));
  hid_t copy = type < 0 ? -1 : tried(action, H5Tcopy(type));
  if (copy < 0) return 0;
  int64_t class = tried(action, H5Tget_class(copy));
  if (class < 0) return 0;
  put_number(out, (uint64_t)class);
  put_number(out, H5Tget_size(copy));
  if ((class == H5T_INTEGER || class == H5T_FLOAT) && tried(action, H5Tset_order(copy, H5T_ORDER_LE)) < 0) return 0;
  size_t found = 0;
  while (found < child.type_count && H5Tequal(copy, child.types[found]) <= 0) found++;
  put_number(out, found);
  put_number(out, found < child.type_count && H5Tequal(type, child.types[found]) > 0);
  H5Tclose(copy);
  H5Tclose(type);

  hsize_t chunk[H5S_MAX_RANK];
  int64_t chunk_rank = layout == H5D_CHUNKED ? tried(action, H5Pget_chunk(creation, H5S_MAX_RANK, chunk)) : 0;
  if (chunk_rank < 0) return 0;
  put_number(out, (uint64_t)chunk_rank);
  for (int64_t axis = 0; axis < chunk_rank; axis++) put_number(out, chunk[axis]);
  int64_t filters = tried(action, H5Pget_nfilters(creation));
  if (filters < 0) return 0;
  put_number(out, (uint64_t)filters);
  for (unsigned index = 0; index < filters; index++) {
    enum { most_parameters = 8 };
    unsigned flags, configuration, parameters[most_parameters] = {0};
    size_t count = most_parameters;
    int64_t number = tried(action, H5Pget_filter2(creation, index, &flags, &count, parameters, 0, NULL, &configuration));
    if (number < 0) return 0;
    put_number(out, (uint64_t)number);
    if (count > most_parameters) count = most_parameters;
    put_number(out, count);
    for (size_t parameter = 0; parameter < count; parameter++) put_number(out, parameters[parameter]);
  }
  put_number(out, H5Dget_offset(dataset));
  put_number(out, H5Dget_storage_size(dataset));
  H5Pclose(creation);
  return 1;
}

// Elements of a rectangle, as many as its extents say.
static int read_elements(const chdf5_request *asked, const uint64_t *corners, message *out) {
  static const char action[] = "read elements";
  size_t rank = asked->count / 2 / sizeof *corners;
  const hsize_t *start = (const hsize_t *)corners, *extent = start + rank;
  if (asked->element_type >= child.type_count || rank > H5S_MAX_RANK) {
    fail(action, "no such elements");
    return 0;
  }
  if (child.dataset < 0 || child.dataset_address != asked->address) {
    if (child.dataset >= 0) H5Oclose(child.dataset);
    child.dataset = open_object(asked->address);
    child.dataset_address = asked->address;
    if (child.dataset < 0) return 0;
  }
  hid_t type = child.types[asked->element_type], space = tried(action, H5Dget_space(child.dataset));
  if (space < 0) return 0;
  hsize_t count = 1;
  for (size_t axis = 0; axis < rank; axis++) {
    if (extent[axis] > SIZE_MAX / 32 / count) _exit(ended_large);
    count *= extent[axis];
  }
  if (tried(action, H5Sget_simple_extent_ndims(space)) != (int64_t)rank) {
    fail(action, "it has other axes");
    return 0;
  }
  hid_t memory = tried(action, H5Screate_simple(1, &count, NULL));
  if (memory < 0 || (rank && tried(action, H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, extent, NULL)) < 0)) {
    return 0;
  }
  void *elements = add(out, count * H5Tget_size(type));
  int64_t status = tried(action, H5Dread(child.dataset, type, memory, space, H5P_DEFAULT, elements));
  H5Sclose(memory);
  H5Sclose(space);
  return status >= 0;
}

// ---- Groups

static int put_object(hid_t group, const char *name, message *out) {
  hid_t object = tried("open it", H5Oopen(group, name, child.access));
  if (object < 0) return 0;
  unsigned long long address = HADDR_UNDEF;
  if (tried("find its place", chdf5_address(object, &address)) < 0) return 0;
  H5I_type_t kind = H5Iget_type(object);
  put_number(out, kind == H5I_GROUP ? 0 : kind == H5I_DATASET ? 1 : 2);
  put_number(out, address);
  size_t start = out->count;
  if (kind == H5I_DATASET) {
    put_number(out, chdf5_done);
    // That it is there, and where, is known even so.
    if (!put_dataset(object, out)) {
      out->count = start;
      put_number(out, chdf5_refused);
      put_failure(out);
    }
  }
  H5Oclose(object);
  return 1;
}

static void put_link(hid_t group, const char *name, message *out) {
  look_at("/", name);
  put_text(out, name);
  size_t start = out->count;
  put_number(out, chdf5_done);
  if (!put_object(group, name, out)) {
    out->count = start;
    put_number(out, chdf5_refused);
    put_failure(out);
  }
}

#if H5_VERSION_GE(1, 12, 0)
static herr_t visit_link(hid_t group, const char *name, const H5L_info2_t *info, void *out) {
#else
static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *info, void *out) {
#endif
  (void)info;
  put_link(group, name, out);
  return 0;
}

static int list_group(haddr_t address, message *out) {
  static const char action[] = "list the group";
  hid_t group = open_object(address);
  if (group < 0) return 0;
  if (H5Iget_type(group) != H5I_GROUP) {
    fail(action, "it is none");
    return 0;
  }
  hsize_t position = 0;
#if H5_VERSION_GE(1, 12, 0)
  int64_t status = tried(action, H5Literate2(group, H5_INDEX_NAME, H5_ITER_INC, &position, visit_link, out));
#else
  int64_t status = tried(action, H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &position, visit_link, out));
#endif
  H5Oclose(group);
  return status >= 0;
}

// ---- Attributes

// How an attribute's value is told.
enum { untold, as_bytes, as_references };

// The library hands out what a file has in the place of a text of any length: references, which it would follow without
// holding their numbers against anything.
static herr_t keep_references(
    hid_t source, hid_t target, H5T_cdata_t *state, size_t count, size_t stride, size_t other_stride, void *bytes, void *other,
    hid_t properties) {
  (void)source, (void)target, (void)count, (void)stride, (void)other_stride, (void)bytes, (void)other, (void)properties;
  if (state->command == H5T_CONV_INIT) state->need_bkg = H5T_BKG_NO;
  return 0;
}

static void register_references(void) {
  hid_t text = H5Tcopy(H5T_C_S1), bytes = H5Tcreate(H5T_OPAQUE, 1);
  H5Tset_size(text, H5T_VARIABLE);
  H5Tregister(H5T_PERS_SOFT, "references", text, bytes, keep_references);
  H5Tclose(text);
  H5Tclose(bytes);
}

// Whether elements of a type have texts of any length within, which the library counts among texts, not lists.
static int holds_text(hid_t type) {
  int found = 0;
  switch (H5Tget_class(type)) {
    case H5T_STRING: return H5Tis_variable_str(type) > 0;
    case H5T_ARRAY: {
      hid_t element = H5Tget_super(type);
      found = element < 0 || holds_text(element);
      if (element >= 0) H5Tclose(element);
      return found;
    }
    case H5T_COMPOUND: {
      int count = H5Tget_nmembers(type);
      for (int index = 0; index < count && !found; index++) {
        hid_t member = H5Tget_member_type(type, (unsigned)index);
        found = member < 0 || holds_text(member);
        if (member >= 0) H5Tclose(member);
      }
      return found;
    }
    default: return 0;
  }
}

static size_t reference_size(void) {
  hid_t creation = H5Fget_create_plist(child.file);
  size_t address_size = 8, length_size;
  H5Pget_sizes(creation, &address_size, &length_size);
  H5Pclose(creation);
  // A length in 32 bits, an address, and a number in 32 bits.
  return 8 + address_size;
}

// The bytes of an attribute's elements, as they are stored or converted.
static int put_elements(hid_t attribute, hid_t type, size_t bytes, message *out, const char *action) {
  put_number(out, bytes);
  return tried(action, H5Aread(attribute, type, add(out, bytes))) >= 0;
}

static int put_value(hid_t attribute, uint64_t most, message *out) {
  static const char action[] = "read the attribute";
  hid_t type = tried(action, H5Aget_type(attribute)), space = tried(action, H5Aget_space(attribute));
  if (type < 0 || space < 0) return 0;
  int64_t class = tried(action, H5Tget_class(type)), kind = tried(action, H5Sget_simple_extent_type(space));
  int64_t count = class < 0 || kind < 0 ? -1 : kind == H5S_NULL ? 0 : tried(action, H5Sget_simple_extent_npoints(space));
  size_t size = H5Tget_size(type);
  if (count < 0) return 0;
  int is_text = class == H5T_STRING && H5Tis_variable_str(type) > 0;
  put_number(out, (uint64_t)class);
  put_number(out, kind == H5S_NULL);
  put_number(out, (uint64_t)count);

  // One number comes widened, too.
  hid_t wide = class == H5T_INTEGER || class == H5T_ENUM ? H5T_STD_I64LE : class == H5T_FLOAT ? H5T_IEEE_F64LE : -1;
  put_number(out, wide >= 0 && count == 1);
  if (wide >= 0 && count == 1 && tried(action, H5Aread(attribute, wide, add(out, 8))) < 0) return 0;

  int status = 1;
  if (is_text) size = reference_size();
  if (!count || H5Tdetect_class(type, H5T_REFERENCE) > 0) {
    // References to other objects are no content.
    put_number(out, as_bytes);
    put_number(out, 0);
  } else if (!size || (uint64_t)count > most / size || (!is_text && (H5Tdetect_class(type, H5T_VLEN) > 0 || holds_text(type)))) {
    put_number(out, untold);
  } else if (is_text) {
    put_number(out, as_references);
    hid_t references = tried(action, H5Tcreate(H5T_OPAQUE, size));
    status = references >= 0 && put_elements(attribute, references, (size_t)count * size, out, action);
    if (references >= 0) H5Tclose(references);
  } else {
    put_number(out, as_bytes);
    status = put_elements(attribute, type, (size_t)count * size, out, action);
  }
  H5Tclose(type);
  H5Sclose(space);
  return status;
}

typedef struct {
  message *out;
  uint64_t most;
} attribute_visit;

static herr_t visit_attribute(hid_t object, const char *name, const H5A_info_t *info, void *context) {
  (void)info;
  attribute_visit *visit = context;
  look_at(", attribute ", name);
  put_text(visit->out, name);
  size_t start = visit->out->count;
  put_number(visit->out, chdf5_done);
  hid_t attribute = tried("open the attribute", H5Aopen(object, name, H5P_DEFAULT));
  if (attribute < 0 || !put_value(attribute, visit->most, visit->out)) {
    visit->out->count = start;
    put_number(visit->out, chdf5_refused);
    put_failure(visit->out);
  }
  if (attribute >= 0) H5Aclose(attribute);
  return 0;
}

static int list_attributes(haddr_t address, uint64_t most, message *out) {
  hid_t object = open_object(address);
  if (object < 0) return 0;
  attribute_visit visit = {out, most};
  int64_t status = tried("list the attributes", H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_attribute, &visit));
  H5Oclose(object);
  return status >= 0;
}

// ---- The process

static void end_by_signal(int number) {
  _exit(number == SIGPROF || number == SIGALRM ? ended_slow : ended_by_signal + number);
}

// Bytes of addresses that the process has.
static size_t address_space(void) {
#ifdef __linux__
  char text[64] = "";
  int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  ssize_t count = file < 0 ? 0 : read(file, text, sizeof text - 1);
  if (file >= 0) close(file);
  return count > 0 ? strtoull(text, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE) : 0;
#else
  // The system doesn't hold a process to it.
  return 0;
#endif
}

static void bound_memory(size_t bytes) {
#ifdef __linux__
  size_t space = address_space();
  struct rlimit memory;
  if (space && !getrlimit(RLIMIT_AS, &memory) && (memory.rlim_cur == RLIM_INFINITY || memory.rlim_cur > space + bytes)) {
    memory.rlim_cur = space + bytes;
    setrlimit(RLIMIT_AS, &memory);
  }
#else
  (void)bytes;
#endif
}

// Lets the child have so many seconds of the processor, and says how many it had left.
static double give_time(double seconds) {
  struct itimerval timer = {.it_value = {(time_t)seconds, (suseconds_t)((seconds - (time_t)seconds) * 1e6)}}, rest;
  setitimer(ITIMER_PROF, &timer, &rest);
  // Who waits for what a thread that isn't here held, or for a file that doesn't come, takes no time of the processor.
  alarm(seconds > 0 ? 20 + (unsigned)(20 * seconds) : 0);
  return (double)rest.it_value.tv_sec + 1e-6 * (double)rest.it_value.tv_usec;
}

// Nothing of the program is the child's but its memory: no file, no word, no handler.
static void leave_program(int end) {
  static char stack[1 << 16];
#ifdef __GLIBC__
  // Memory comes filled with what no pointer is and no count: the library reads some that it didn't write, which does no
  // harm or much by what was there before.
  mallopt(M_PERTURB, 0x5A);
#endif
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
#ifdef __linux__
  prctl(PR_SET_DUMPABLE, 0);
#endif
  int nothing = open("/dev/null", O_RDWR);
  for (int number = 0; nothing >= 0 && number <= 2; number++) dup2(nothing, number);
#if defined(__linux__) && defined(SYS_close_range)
  int is_closed = (end <= 3 || !syscall(SYS_close_range, 3u, (unsigned)end - 1, 0u)) &&
                  !syscall(SYS_close_range, (unsigned)end + 1, ~0u, 0u);
#else
  int is_closed = 0;
#endif
  long most = is_closed ? 0 : sysconf(_SC_OPEN_MAX);
  for (int number = 3; number < most && number < 1 << 16; number++) {
    if (number != end) close(number);
  }
  stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&other, NULL);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = end_by_signal;
  action.sa_flags = SA_ONSTACK;
  static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS, SIGPROF, SIGALRM};
  for (size_t index = 0; index < sizeof signals / sizeof *signals; index++) sigaction(signals[index], &action, NULL);
  action.sa_handler = SIG_DFL;
  static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
  for (size_t index = 0; index < sizeof ends / sizeof *ends; index++) sigaction(ends[index], &action, NULL);
  sigset_t all;
  sigemptyset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
}

static void prepare_library(void) {
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  // Memory that it lets go of is not kept for the next one who asks, so that all comes from the C library.
  H5set_free_list_limits(0, 0, 0, 0, 0, 0);
  H5garbage_collect();
  register_lzf();
  register_references();
}

// Does what is asked for; 0 where it can't be done.
static int serve(const chdf5_request *asked, const void *bytes, message *out) {
  switch (asked->kind) {
    case chdf5_open: {
      bound_memory(asked->bytes);
      child.left = child.seconds = asked->seconds;
      give_time(child.left);
      message path = {0};
      put_bytes(&path, bytes, asked->count);
      put_bytes(&path, "", 1);
      int status = open_file((const char *)path.bytes, out);
      free(path.bytes);
      return status;
    }
    case chdf5_list: give_time(child.left); return list_group(asked->address, out);
    case chdf5_attributes: give_time(child.left); return list_attributes(asked->address, asked->bytes, out);
    case chdf5_read: give_time(child.seconds); return read_elements(asked, bytes, out);
    default: fail("do it", "not understood"); return 0;
  }
}

// A request and what comes with it; NULL where there is none any more.
static void *receive_request(chdf5_server program, chdf5_request *asked) {
  if (!chdf5_server_receive(program, asked, sizeof *asked)) return NULL;
  void *bytes = required(malloc(asked->count + 1));
  return chdf5_server_receive(program, bytes, asked->count) ? bytes : NULL;
}

// Does what is asked for, and says what to reply.
static chdf5_reply do_request(const chdf5_request *asked, const void *bytes, message *out) {
  int is_done = serve(asked, bytes, out);
  double left = give_time(0);
  look_at("", "");
  // What is over at this moment ends the next one.
  if (asked->kind != chdf5_read) child.left = left > 1e-6 ? left : 1e-6;
  if (!is_done) {
    out->count = 0;
    put_failure(out);
  }
  return (chdf5_reply){is_done ? chdf5_done : chdf5_refused, out->count};
}

static int send_reply(chdf5_server program, chdf5_reply reply, const message *out) {
  return chdf5_server_send(program, &reply, sizeof reply) && chdf5_server_send(program, out->bytes, out->count);
}

static void serve_requests(chdf5_server program) {
  chdf5_request asked;
  message out = {0};
  void *bytes;
  while ((bytes = receive_request(program, &asked))) {
    out.count = 0;
    if (!send_reply(program, do_request(&asked, bytes, &out), &out)) return;
    free(bytes);
  }
}

chdf5_server chdf5_server_start(const int64_t *types, size_t count) {
  chdf5_server server = {.process = -1, .end = -1};
  char *place = mmap(NULL, most_place, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int ends[2];
  if (place == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) {
    server.error = errno;
    if (place != MAP_FAILED) munmap(place, most_place);
    return server;
  }
#ifdef SO_NOSIGPIPE
  int yes = 1;
  for (int index = 0; index < 2; index++) setsockopt(ends[index], SOL_SOCKET, SO_NOSIGPIPE, &yes, sizeof yes);
#endif
  for (int index = 0; index < 2; index++) fcntl(ends[index], F_SETFD, FD_CLOEXEC);
  server.process = fork();
  if (server.process == 0) {
    leave_program(ends[1]);
    child.types = types;
    child.type_count = count;
    child.place = place;
    prepare_library();
    serve_requests((chdf5_server){.end = ends[1]});
    _exit(ended_well);
  }
  server.error = server.process < 0 ? errno : 0;
  close(ends[1]);
  if (server.process < 0) {
    close(ends[0]);
    munmap(place, most_place);
    return server;
  }
  server.end = ends[0];
  server.place = (uintptr_t)place;
  return server;
}

// Waits for a child and lets go of what it shared; its exit code, or 0 where somebody else has waited for it.
static int finish(chdf5_server server) {
  int status = 0;
  pid_t ended;
  close(server.end);
  while ((ended = waitpid(server.process, &status, 0)) < 0 && errno == EINTR) {}
  munmap((void *)server.place, most_place);
  return ended < 0 ? 0 : WIFSIGNALED(status) ? ended_by_signal + WTERMSIG(status) : WEXITSTATUS(status);
}

void chdf5_server_stop(chdf5_server server) {
  kill(server.process, SIGKILL);
  finish(server);
}

chdf5_ending chdf5_server_end(chdf5_server server) { return chdf5_ending_of(finish(server)); }

chdf5_ending chdf5_ending_of(int code) {
  return (chdf5_ending){
      .outcome = code == ended_slow ? chdf5_slow : code == ended_large ? chdf5_large : chdf5_crashed,
      .code = code > ended_by_signal ? code - ended_by_signal : 0,
  };
}
