// Loaded before the C library: notes what a program asks of the disk, one call a line, in the file that DISK_CALLS names;
// and holds the program once a file has got the name HOLD_AT, until there is a file HOLD_UNTIL.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
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

static void note_open(const char *name, int descriptor) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t count = readlink(link, path, sizeof path - 1);
  if (count <= 0 || path[0] != '/') return;
  path[count] = 0;
  note(name, path, NULL);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int descriptor, const void *bytes, size_t count) {
  note_open("write", descriptor);
  return syscall(SYS_write, descriptor, bytes, count);
}

int fsync(int descriptor) {
  int result = REAL(fsync)(descriptor);
  note_open("sync", descriptor);
  return result;
}

static void hold(const char *path) {
  const char *at = getenv("HOLD_AT"), *until = getenv("HOLD_UNTIL");
  if (!at || !until || strcmp(path, at) != 0) return;
  while (access(until, F_OK) != 0) usleep(1000);
}

int rename(const char *from, const char *to) {
  note("rename", from, to);
  int result = REAL(rename)(from, to);
  hold(to);
  return result;
}

int unlink(const char *path) {
  int result = REAL(unlink)(path);
  if (result == 0) note("unlink", path, NULL);
  return result;
}

int remove(const char *path) {
  int result = REAL(remove)(path);
  if (result == 0) note("unlink", path, NULL);
  return result;
}
