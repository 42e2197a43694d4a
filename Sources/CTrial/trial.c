// The child's work, in C and with nothing but the C library, HDF5 and zlib: of a program with threads, a child has only
// the one that made it, so that it must not need what another thread may have held.
// Source: HDF5's reference manual, 1.10 and 1.12; fork(2).
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "ctrial.h"
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
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#ifdef __linux__
#include <sys/prctl.h>
#endif

// How a child ends; below are its exit codes, above those of signals.
enum { ended_well = 0, ended_slow = 1, ended_large = 2, ended_by_signal = 64 };

// A child that is done says so by this byte: one that is killed can't.
static const char done = 'd';

// ---- What was seen

typedef struct {
  haddr_t address;
  char *path;
} found_object;

// Addresses seen, and objects still to be looked at.
typedef struct {
  haddr_t *seen;
  size_t seen_count, seen_room;
  found_object *waiting;
  size_t waiting_count, waiting_room;
  hid_t file, access;
  ctrial_report *report;
} walk;

static void *required(void *memory) {
  if (!memory) _exit(ended_large);
  return memory;
}

// Whether an address is new; it is not the next time. Open addressing, at most half full.
static int is_new(walk *walk, haddr_t address) {
  if (2 * walk->seen_count >= walk->seen_room) {
    size_t room = walk->seen_room ? 2 * walk->seen_room : 1024;
    haddr_t *seen = required(malloc(room * sizeof *seen));
    for (size_t place = 0; place < room; place++) seen[place] = HADDR_UNDEF;
    for (size_t old = 0; old < walk->seen_room; old++) {
      if (walk->seen[old] == HADDR_UNDEF) continue;
      size_t place = walk->seen[old] * 0x9E3779B97F4A7C15u >> 20 & (room - 1);
      while (seen[place] != HADDR_UNDEF) place = (place + 1) & (room - 1);
      seen[place] = walk->seen[old];
    }
    free(walk->seen);
    walk->seen = seen;
    walk->seen_room = room;
  }
  size_t place = address * 0x9E3779B97F4A7C15u >> 20 & (walk->seen_room - 1);
  for (; walk->seen[place] != HADDR_UNDEF; place = (place + 1) & (walk->seen_room - 1)) {
    if (walk->seen[place] == address) return 0;
  }
  walk->seen[place] = address;
  walk->seen_count++;
  return 1;
}

static void wait_for(walk *walk, haddr_t address, const char *parent, const char *name) {
  if (address == HADDR_UNDEF || !is_new(walk, address)) return;
  if (walk->waiting_count == walk->waiting_room) {
    walk->waiting_room = walk->waiting_room ? 2 * walk->waiting_room : 256;
    walk->waiting = required(realloc(walk->waiting, walk->waiting_room * sizeof *walk->waiting));
  }
  char path[256];
  snprintf(path, sizeof path, "%s%s%s", parent, strcmp(parent, "/") && *name ? "/" : "", name);
  walk->waiting[walk->waiting_count++] = (found_object){address, required(strdup(path))};
}

// Says what is looked at, for who reads the report of a child that didn't come back.
static void look_at(walk *walk, const char *path, const char *attribute) {
  if (attribute) {
    snprintf(walk->report->place, sizeof walk->report->place, "%s, attribute %.200s", path, attribute);
  } else {
    snprintf(walk->report->place, sizeof walk->report->place, "%s", path);
  }
}

// ---- What the library says

static herr_t find_shortage(unsigned number, const H5E_error2_t *error, void *found) {
  (void)number;
  if (error->maj_num == H5E_RESOURCE && (error->min_num == H5E_NOSPACE || error->min_num == H5E_CANTALLOC)) {
    *(int *)found = 1;
  }
  return 0;
}

// A failure is the library's to tell again, but for a lack of memory, which the program would not notice.
static int64_t checked(int64_t status) {
  if (status < 0) {
    int shortage = 0;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, find_shortage, &shortage);
    if (shortage) _exit(ended_large);
  }
  return status;
}

// ---- Attributes

// Reads a value as the program does: numbers widened, anything else as it is stored.
static void read_attribute(hid_t attribute) {
  hid_t type = checked(H5Aget_type(attribute)), space = checked(H5Aget_space(attribute));
  if (type >= 0 && space >= 0) {
    H5T_class_t class = checked(H5Tget_class(type));
    size_t size = H5Tget_size(type);
    hssize_t count = checked(H5Sget_simple_extent_npoints(space));
    hid_t memory = class == H5T_INTEGER || class == H5T_ENUM ? H5T_STD_I64LE : class == H5T_FLOAT ? H5T_IEEE_F64LE : type;
    if (size < 8) size = 8;
    if (count > 0 && size > 0 && (size_t)count <= ((size_t)1 << 28) / size) {
      void *bytes = required(calloc(count, size));
      // What is of another class can't be widened.
      checked(H5Aread(attribute, memory, bytes) < 0 ? H5Aread(attribute, type, bytes) : 0);
      if (memory == type && (H5Tdetect_class(type, H5T_VLEN) > 0 || H5Tis_variable_str(type) > 0)) {
        checked(H5Dvlen_reclaim(type, space, H5P_DEFAULT, bytes));
      }
      free(bytes);
    }
    H5Tdetect_class(type, H5T_REFERENCE);
  }
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
}

typedef struct {
  walk *walk;
  const char *path;
} attribute_visit;

static herr_t visit_attribute(hid_t object, const char *name, const H5A_info_t *info, void *context) {
  (void)info;
  attribute_visit *visit = context;
  look_at(visit->walk, visit->path, name);
  hid_t attribute = checked(H5Aopen(object, name, H5P_DEFAULT));
  if (attribute >= 0) {
    read_attribute(attribute);
    H5Aclose(attribute);
  }
  return 0;
}

// ---- Datasets

// A chunk at a time, so that no more is in memory; whatever is stored for it, it must come out as large as it says.
typedef struct {
  hid_t dataset, type, space;
  hsize_t extents[H5S_MAX_RANK], chunk[H5S_MAX_RANK];
  int rank;
  void *bytes;
} chunked;

static void read_chunk(chunked *all, const hsize_t *start) {
  hsize_t extent[H5S_MAX_RANK];
  for (int axis = 0; axis < all->rank; axis++) {
    hsize_t rest = all->extents[axis] - start[axis];
    extent[axis] = rest < all->chunk[axis] ? rest : all->chunk[axis];
  }
  hid_t memory = checked(H5Screate_simple(all->rank, extent, NULL));
  if (memory < 0) return;
  if (checked(H5Sselect_hyperslab(all->space, H5S_SELECT_SET, start, NULL, extent, NULL)) >= 0) {
    checked(H5Dread(all->dataset, all->type, memory, all->space, H5P_DEFAULT, all->bytes));
  }
  H5Sclose(memory);
}

static const hsize_t unbounded = ~(hsize_t)0;

// Every chunk that is stored. Those of the grid in turn, where most are; else by their numbers, which the library counts
// through each time.
static void read_chunks(chunked *all) {
#if H5_VERSION_GE(1, 10, 5)
  hsize_t stored = 0, grid = 1;
  if (checked(H5Dget_num_chunks(all->dataset, all->space, &stored)) < 0 || !stored) return;
  for (int axis = 0; axis < all->rank; axis++) {
    hsize_t count = (all->extents[axis] + all->chunk[axis] - 1) / all->chunk[axis];
    grid = count && grid > 4 * stored / count + 1 ? unbounded : grid * count;
    if (grid == unbounded) break;
  }
  hsize_t start[H5S_MAX_RANK] = {0};
  if (grid == unbounded) {
    for (hsize_t number = 0; number < stored; number++) {
      haddr_t address;
      hsize_t size;
      unsigned mask;
      if (checked(H5Dget_chunk_info(all->dataset, all->space, number, start, &mask, &address, &size)) < 0) return;
      int is_within = 1;
      for (int axis = 0; axis < all->rank; axis++) is_within &= start[axis] < all->extents[axis];
      if (is_within) read_chunk(all, start);
    }
    return;
  }
  for (hsize_t number = 0; number < grid; number++) {
    read_chunk(all, start);
    for (int axis = all->rank - 1; axis >= 0 && (start[axis] += all->chunk[axis]) >= all->extents[axis]; axis--) {
      start[axis] = 0;
    }
  }
#else
  (void)all;
#endif
}

// Reads the elements of a dataset in chunks: what unpacks them trusts what is stored. A filter of the program's own is not C,
// and sees to its own bounds.
static void read_elements(hid_t dataset, hid_t creation) {
  if (H5Pget_layout(creation) != H5D_CHUNKED) return;
  int filters = H5Pget_nfilters(creation);
  for (int index = 0; index < filters; index++) {
    unsigned flags, configuration;
    size_t count = 0;
    if (H5Pget_filter2(creation, index, &flags, &count, NULL, 0, NULL, &configuration) >= H5Z_FILTER_RESERVED) return;
  }
  chunked all = {.dataset = dataset, .type = checked(H5Dget_type(dataset)), .space = checked(H5Dget_space(dataset))};
  if (all.type >= 0 && all.space >= 0 && H5Tdetect_class(all.type, H5T_VLEN) == 0 &&
      H5Tdetect_class(all.type, H5T_REFERENCE) == 0 && H5Tis_variable_str(all.type) <= 0) {
    all.rank = checked(H5Sget_simple_extent_dims(all.space, all.extents, NULL));
    size_t size = H5Tget_size(all.type);
    int is_sound = all.rank > 0 && size > 0 && checked(H5Pget_chunk(creation, H5S_MAX_RANK, all.chunk)) == all.rank;
    for (int axis = 0; is_sound && axis < all.rank; axis++) {
      hsize_t extent = all.chunk[axis] < all.extents[axis] ? all.chunk[axis] : all.extents[axis];
      is_sound = all.chunk[axis] > 0 && extent > 0 && size <= SIZE_MAX / 2 / extent;
      if (is_sound) size *= extent;
    }
    if (is_sound) {
      all.bytes = required(malloc(size));
      read_chunks(&all);
      free(all.bytes);
    }
  }
  if (all.type >= 0) H5Tclose(all.type);
  if (all.space >= 0) H5Sclose(all.space);
}

// What the program asks of a dataset before it reads elements.
static void read_dataset(hid_t dataset) {
  hid_t creation = checked(H5Dget_create_plist(dataset));
  if (creation >= 0) {
    // What lies in other files is refused unseen: to tell its extents the library would open them.
    int elsewhere = checked(H5Pget_layout(creation)) == H5D_VIRTUAL || checked(H5Pget_external_count(creation)) > 0;
    if (elsewhere) {
      H5Pclose(creation);
      return;
    }
    int filters = checked(H5Pget_nfilters(creation));
    for (int index = 0; index < filters; index++) {
      unsigned flags, configuration, parameters[8];
      size_t count = 8;
      checked(H5Pget_filter2(creation, index, &flags, &count, parameters, 0, NULL, &configuration));
    }
  }
  hid_t space = checked(H5Dget_space(dataset));
  if (space >= 0) {
    hsize_t extents[H5S_MAX_RANK];
    checked(H5Sget_simple_extent_dims(space, extents, NULL));
    H5Sclose(space);
  }
  hid_t type = checked(H5Dget_type(dataset));
  if (type >= 0) {
    hid_t copy = checked(H5Tcopy(type));
    if (copy >= 0) {
      H5T_class_t class = H5Tget_class(copy);
      if (class == H5T_INTEGER || class == H5T_FLOAT) H5Tset_order(copy, H5T_ORDER_LE);
      H5Tequal(copy, H5T_IEEE_F32LE);
      H5Tclose(copy);
    }
    H5Tclose(type);
  }
  H5Dget_offset(dataset);
  // Goes through the whole index of chunks.
  H5Dget_storage_size(dataset);
  if (creation >= 0) {
    read_elements(dataset, creation);
    H5Pclose(creation);
  }
}

// ---- Groups

typedef struct {
  walk *walk;
  const char *path;
} link_visit;

#if H5_VERSION_GE(1, 12, 0)
static herr_t visit_link(hid_t group, const char *name, const H5L_info2_t *info, void *context) {
#else
static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *info, void *context) {
#endif
  link_visit *visit = context;
  haddr_t address = HADDR_UNDEF;
  if (info->type == H5L_TYPE_HARD) {
#if H5_VERSION_GE(1, 12, 0)
    // The native format keeps an address in the first eight bytes of a token.
    memcpy(&address, &info->u.token, sizeof address);
#else
    address = info->u.address;
#endif
  } else {
    look_at(visit->walk, visit->path, name);
    hid_t object = checked(H5Oopen(group, name, visit->walk->access));
    if (object >= 0) H5Oclose(object);
  }
  wait_for(visit->walk, address, visit->path, name);
  return 0;
}

static herr_t refuse_link(
    const char *file, const char *group, const char *target, const char *object, unsigned *flags, hid_t access,
    void *context) {
  (void)file, (void)group, (void)target, (void)object, (void)flags, (void)access, (void)context;
  return -1;
}

static void read_object(walk *walk, found_object found) {
  look_at(walk, found.path, NULL);
#if H5_VERSION_GE(1, 12, 0)
  H5O_token_t token;
  memset(&token, 0, sizeof token);
  memcpy(&token, &found.address, sizeof found.address);
  hid_t object = checked(H5Oopen_by_token(walk->file, token));
#else
  hid_t object = checked(H5Oopen_by_addr(walk->file, found.address));
#endif
  if (object < 0) return;
  attribute_visit attributes = {walk, found.path};
  checked(H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_attribute, &attributes));
  look_at(walk, found.path, NULL);
  switch (H5Iget_type(object)) {
    case H5I_GROUP: {
      link_visit links = {walk, found.path};
      hsize_t position = 0;
#if H5_VERSION_GE(1, 12, 0)
      checked(H5Literate2(object, H5_INDEX_NAME, H5_ITER_INC, &position, visit_link, &links));
#else
      checked(H5Literate(object, H5_INDEX_NAME, H5_ITER_INC, &position, visit_link, &links));
#endif
      break;
    }
    case H5I_DATASET: read_dataset(object); break;
    default: break;
  }
  H5Oclose(object);
}

static void read_file(const char *path, ctrial_report *report) {
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  // Memory that it lets go of is not kept for the next one who asks, so that all comes from the C library.
  H5set_free_list_limits(0, 0, 0, 0, 0, 0);
  H5garbage_collect();
  walk walk = {.report = report};
  look_at(&walk, "/", NULL);
  hid_t opening = H5Pcreate(H5P_FILE_ACCESS);
  chdf5_set_no_locks(opening);
  walk.access = H5Pcreate(H5P_LINK_ACCESS);
  H5Pset_elink_cb(walk.access, refuse_link, NULL);
  walk.file = checked(H5Fopen(path, H5F_ACC_RDONLY, opening));
  if (walk.file < 0) return;
  hid_t root = checked(H5Gopen2(walk.file, "/", H5P_DEFAULT));
  if (root < 0) return;
  unsigned long long address = HADDR_UNDEF;
  checked(chdf5_address(root, &address));
  wait_for(&walk, address, "/", "");
  while (walk.waiting_count) {
    found_object next = walk.waiting[--walk.waiting_count];
    read_object(&walk, next);
    free(next.path);
  }
  // The file is left as it is: closing it is no part of what the program will ask.
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
  return 0;
#endif
}

// Nothing of a crash is seen or kept: no core, no words on the terminal, no handler of the program's.
static void prepare(double seconds, size_t bytes) {
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
  size_t space = address_space();
  struct rlimit memory;
  if (space && !getrlimit(RLIMIT_AS, &memory) && (memory.rlim_cur == RLIM_INFINITY || memory.rlim_cur > space + bytes)) {
    memory.rlim_cur = space + bytes;
    setrlimit(RLIMIT_AS, &memory);
  }
#endif
  int nothing = open("/dev/null", O_RDWR);
  for (int number = 0; nothing >= 0 && number <= 2; number++) dup2(nothing, number);
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
  struct itimerval timer = {.it_value = {(time_t)seconds, (suseconds_t)((seconds - (time_t)seconds) * 1e6)}};
  setitimer(ITIMER_PROF, &timer, NULL);
  // Who waits for what a thread that isn't here held, or for a file that doesn't come, takes no time of the processor.
  alarm(20 + (unsigned)(20 * seconds));
}

// What a child's exit code, or the signal that ended it, says became of it.
static int exit_code(int status) { return WIFSIGNALED(status) ? ended_by_signal + WTERMSIG(status) : WEXITSTATUS(status); }

static void conclude(ctrial_report *report, int code) {
  report->outcome = code == ended_slow ? ctrial_slow : code == ended_large ? ctrial_large : ctrial_crashed;
  report->code = code > ended_by_signal ? code - ended_by_signal : 0;
}

ctrial_child ctrial_start(const char *path, double seconds, size_t bytes) {
  ctrial_child child = {.process = -1, .pipe = -1, .shared = 0, .error = 0};
  int ends[2];
#ifdef __linux__
  if (pipe2(ends, O_CLOEXEC)) return child.error = errno, child;
#else
  if (pipe(ends)) return child.error = errno, child;
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
#endif
  void *shared =
      mmap(NULL, sizeof(ctrial_report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t process = shared == MAP_FAILED ? -1 : fork();
  if (process == 0) {
    close(ends[0]);
    prepare(seconds, bytes);
    read_file(path, shared);
    _exit(write(ends[1], &done, 1) == 1 ? ended_well : ended_slow);
  }
  child.error = process < 0 ? errno : 0;
  close(ends[1]);
  if (process < 0) {
    close(ends[0]);
    if (shared != MAP_FAILED) munmap(shared, sizeof(ctrial_report));
    return child;
  }
  child.process = process;
  child.pipe = ends[0];
  child.shared = (uintptr_t)shared;
  return child;
}

void ctrial_finish(ctrial_child child, ctrial_report *report) {
  memset(report, 0, sizeof *report);
  if (child.process < 0) {
    report->outcome = ctrial_impossible;
    report->code = child.error;
    return;
  }
  char byte = 0;
  ssize_t count;
  while ((count = read(child.pipe, &byte, 1)) < 0 && errno == EINTR) {}
  close(child.pipe);
  int status = 0;
  pid_t ended;
  while ((ended = waitpid(child.process, &status, 0)) < 0 && errno == EINTR) {}
  memcpy(report->place, ((ctrial_report *)child.shared)->place, sizeof report->place);
  report->place[sizeof report->place - 1] = 0;
  munmap((void *)child.shared, sizeof(ctrial_report));
  if (count == 1 && byte == done) return;
  // Where somebody else has waited for the child, what it didn't say is all there is to know.
  conclude(report, ended < 0 ? 0 : exit_code(status));
}
