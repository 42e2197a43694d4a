// The child's work, in C and with nothing but the C library, HDF5 and zlib: of a program with threads, a child has only
// the one that made it, so that it must not need what another thread may have held.
// Source: HDF5's reference manual, 1.10 and 1.12; fork(2).
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

// ---- Messages

int chdf5server_send(chdf5server_child server, const void *bytes, size_t count) {
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

int chdf5server_receive(chdf5server_child server, void *bytes, size_t count) {
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

// Lets the child have so many seconds of the processor.
static void give_time(double seconds) {
  struct itimerval timer = {.it_value = {(time_t)seconds, (suseconds_t)((seconds - (time_t)seconds) * 1e6)}};
  setitimer(ITIMER_PROF, &timer, NULL);
  // Who waits for what a thread that isn't here held, or for a file that doesn't come, takes no time of the processor.
  alarm(seconds > 0 ? 20 + (unsigned)(20 * seconds) : 0);
}

// Seconds of the processor that the child has taken. Of a moment neither this nor a timer says truly how long it was.
static double time_taken(void) {
  struct timespec time = {0};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

// Lets it have what it was given with the file, less what it has taken since, but for reading.
static void give_rest(void) {
  double rest = chdf5server_state.seconds - (time_taken() - chdf5server_state.begun - chdf5server_state.reading);
  if (rest <= 0) _exit(ended_slow);
  give_time(rest);
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
  chdf5server_register_lzf();
  chdf5server_register_references();
}

// Does what is asked for; 0 where it can't be done.
static int serve(const chdf5server_request *asked, const void *bytes, message *out) {
  switch (asked->kind) {
    case chdf5server_open:
      bound_memory(asked->bytes);
      chdf5server_state.seconds = asked->seconds;
      chdf5server_state.begun = time_taken();
      chdf5server_state.reading = 0;
      give_time(asked->seconds);
      return chdf5server_open_file(bytes, out);
    case chdf5server_list: give_rest(); return chdf5server_list_group(asked->address, out);
    case chdf5server_attributes: give_rest(); return chdf5server_list_attributes(asked->address, asked->bytes, out);
    case chdf5server_read: give_time(chdf5server_state.seconds); return chdf5server_read_elements(asked, bytes, out);
    default: chdf5server_fail("do it", "not understood"); return 0;
  }
}

// A request and what comes with it, a zero behind; NULL where there is none any more.
static void *receive_request(chdf5server_child program, chdf5server_request *asked) {
  if (!chdf5server_receive(program, asked, sizeof *asked)) return NULL;
  char *bytes = required(calloc(asked->count + 1, 1));
  return chdf5server_receive(program, bytes, asked->count) ? bytes : NULL;
}

// Does what is asked for, and says what to reply.
static chdf5server_reply do_request(const chdf5server_request *asked, const void *bytes, message *out) {
  double begun = time_taken();
  int is_done = serve(asked, bytes, out);
  give_time(0);
  chdf5server_look_at("", "");
  if (asked->kind == chdf5server_read) chdf5server_state.reading += time_taken() - begun;
  if (!is_done) {
    out->count = 0;
    chdf5server_put_failure(out);
  }
  return (chdf5server_reply){is_done ? chdf5server_done : chdf5server_refused, out->count};
}

static int send_reply(chdf5server_child program, chdf5server_reply reply, const message *out) {
  return chdf5server_send(program, &reply, sizeof reply) && chdf5server_send(program, out->bytes, out->count);
}

static void serve_requests(chdf5server_child program) {
  chdf5server_request asked;
  message out = {0};
  void *bytes;
  while ((bytes = receive_request(program, &asked))) {
    out.count = 0;
    if (!send_reply(program, do_request(&asked, bytes, &out), &out)) return;
    free(bytes);
  }
}

chdf5server_child chdf5server_start(const int64_t *types, size_t count) {
  chdf5server_child server = {.process = -1, .end = -1};
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
    chdf5server_state.types = types;
    chdf5server_state.type_count = count;
    chdf5server_state.place = place;
    prepare_library();
    serve_requests((chdf5server_child){.end = ends[1]});
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
static int finish(chdf5server_child server) {
  int status = 0;
  pid_t ended;
  close(server.end);
  while ((ended = waitpid(server.process, &status, 0)) < 0 && errno == EINTR) {}
  munmap((void *)server.place, most_place);
  return ended < 0 ? 0 : WIFSIGNALED(status) ? ended_by_signal + WTERMSIG(status) : WEXITSTATUS(status);
}

void chdf5server_stop(chdf5server_child server) {
  kill(server.process, SIGKILL);
  finish(server);
}

// What an exit code means.
static chdf5server_ending ending_of(int code) {
  return (chdf5server_ending){
      .outcome = code == ended_slow ? chdf5server_slow : code == ended_large ? chdf5server_large : chdf5server_crashed,
      .code = code > ended_by_signal ? code - ended_by_signal : 0,
  };
}

chdf5server_ending chdf5server_end(chdf5server_child server) { return ending_of(finish(server)); }
