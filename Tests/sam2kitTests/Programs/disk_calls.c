// Loaded before the C library: notes what a program asks of the disk, one call a line, in the file that DISK_CALLS names,
// and with it, where DISK_BYTES names a file, which bytes were written where; ends the program before call KILL_AT, counted
// from 1 within the folder KILL_IN; and holds it once a file has got the name HOLD_AT, until there is a file HOLD_UNTIL.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void note(const char *name, const char *file, const char *other) {
  const char *log = getenv("DISK_CALLS");
  char line[9000];
  int count = snprintf(line, sizeof line, other ? "%s\t%s\t%s\n" : "%s\t%s\n", name, file, other);
  int descriptor = log ? open(log, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
  if (descriptor < 0 || count < 0) return;
  syscall(SYS_write, descriptor, line, (size_t)count);
  close(descriptor);
}

static void kill_at(const char *path) {
  static atomic_long calls;
  const char *at = getenv("KILL_AT"), *in = getenv("KILL_IN");
  if (!at || !in || strncmp(path, in, strlen(in)) != 0) return;
  if (atomic_fetch_add(&calls, 1) + 1 == atol(at)) raise(SIGKILL);
}

static int path_of(int descriptor, char *path, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t count = readlink(link, path, size - 1);
  if (count <= 0 || path[0] != '/') return 0;
  path[count] = 0;
  return 1;
}

static void note_bytes(const char *path, const void *bytes, size_t count, off_t offset) {
  const char *log = getenv("DISK_BYTES");
  char place[64];
  snprintf(place, sizeof place, "%lld\t%zu", (long long)offset, count);
  int descriptor = open(log, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor < 0) return;
  syscall(SYS_write, descriptor, bytes, count);
  close(descriptor);
  note("write", path, place);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int descriptor, const void *bytes, size_t count) {
  char path[4096];
  if (!path_of(descriptor, path, sizeof path)) return syscall(SYS_write, descriptor, bytes, count);
  kill_at(path);
  if (!getenv("DISK_BYTES")) {
    note("write", path, NULL);
    return syscall(SYS_write, descriptor, bytes, count);
  }
  off_t offset = lseek(descriptor, 0, SEEK_CUR);
  ssize_t written = syscall(SYS_write, descriptor, bytes, count);
  if (written > 0 && offset >= 0) note_bytes(path, bytes, (size_t)written, offset);
  return written;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
  char path[4096];
  int isKnown = path_of(descriptor, path, sizeof path);
  if (isKnown) kill_at(path);
  ssize_t written = syscall(SYS_pwrite64, descriptor, bytes, count, offset);
  if (!isKnown || written <= 0) return written;
  if (getenv("DISK_BYTES")) {
    note_bytes(path, bytes, (size_t)written, offset);
  } else {
    note("write", path, NULL);
  }
  return written;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
  return pwrite(descriptor, bytes, count, offset);
}

int fsync(int descriptor) {
  char path[4096];
  int isKnown = path_of(descriptor, path, sizeof path);
  if (isKnown) kill_at(path);
  int result = REAL(fsync)(descriptor);
  if (isKnown) note("sync", path, NULL);
  return result;
}

static void hold(const char *path) {
  const char *at = getenv("HOLD_AT"), *until = getenv("HOLD_UNTIL");
  if (!at || !until || strcmp(path, at) != 0) return;
  while (access(until, F_OK) != 0) usleep(1000);
}

int rename(const char *from, const char *to) {
  kill_at(to);
  note("rename", from, to);
  int result = REAL(rename)(from, to);
  hold(to);
  return result;
}

int unlink(const char *path) {
  kill_at(path);
  int result = REAL(unlink)(path);
  if (result == 0) note("unlink", path, NULL);
  return result;
}

int remove(const char *path) {
  kill_at(path);
  int result = REAL(remove)(path);
  if (result == 0) note("unlink", path, NULL);
  return result;
}
