// Who reads an HDF5 file first while readers are fuzzed: as in the program a child process, but one that is there already and
// reads file after file. To fork a program under sanitizers for each takes tens of milliseconds.
//
// A keeper is forked when the first file comes, while the program is small. It makes children; where one ends before it has said
// what became of its file, the keeper says it, and makes the next.
#define ctrial_start start_one
#define ctrial_finish finish_one
#include "../../../Sources/CTrial/trial.c"
#undef ctrial_start
#undef ctrial_finish

#include <sys/socket.h>

// Exit codes of children that ended between files.
enum { ended_alone = 254, ended_full = 255 };

// Files that one child reads: what the library loses over damaged ones goes with it.
enum { files_per_child = 512 };

// Of the processor, for a file of some kilobytes: the library goes round for ever in every twentieth.
static const double most_seconds = 0.1;

typedef struct {
  double seconds;
  size_t bytes;
  char path[256];
} request;

// What the program, the keeper and its child share.
typedef struct {
  ctrial_report report;
  int is_reading;
} board;

static board *shared;
static int program_end = -1;

static void say(int end, int code) {
  if (write(end, &code, sizeof code) != sizeof code) _exit(ended_alone);
}

// Closes what is open: the next file has the same name, and must not meet what is remembered of this one. The library itself
// stays, since to start it takes longer than to read a file. Where something can't be closed the child ends.
static void forget_file(void) {
  hid_t open[64];
  ssize_t count;
  while ((count = H5Fget_obj_ids(H5F_OBJ_ALL, H5F_OBJ_ALL, sizeof open / sizeof *open, open)) != 0) {
    for (ssize_t index = 0; index < count; index++) {
      if (H5Idec_ref(open[index]) < 0) _exit(ended_full);
    }
    if (count < 0) _exit(ended_full);
  }
}

static void read_files(int end) {
  struct rlimit unlimited;
  getrlimit(RLIMIT_AS, &unlimited);
  for (int count = 0; count < files_per_child; count++) {
    request wanted;
    if (read(end, &wanted, sizeof wanted) != sizeof wanted) _exit(ended_alone);
    shared->is_reading = 1;
    setrlimit(RLIMIT_AS, &unlimited);
    prepare(wanted.seconds, wanted.bytes);
    read_file(wanted.path, &shared->report);
    shared->is_reading = 0;
    say(end, ended_well);
    forget_file();
  }
  _exit(ended_full);
}

static void keep(int end) {
  for (;;) {
    pid_t child = fork();
    if (child == 0) read_files(end);
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == ended_alone)) _exit(0);
    if (!shared->is_reading) continue;
    shared->is_reading = 0;
    say(end, exit_code(status));
  }
}

static void start_keeper(void) {
  int ends[2];
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) abort();
  pid_t keeper = fork();
  if (keeper < 0) abort();
  if (keeper == 0) {
    close(ends[0]);
    keep(ends[1]);
  }
  close(ends[1]);
  program_end = ends[0];
}

ctrial_child ctrial_start(const char *path, double seconds, size_t bytes) {
  if (program_end < 0) start_keeper();
  request wanted = {.seconds = seconds < most_seconds ? seconds : most_seconds, .bytes = bytes};
  if (strlen(path) >= sizeof wanted.path) abort();
  strcpy(wanted.path, path);
  memset(&shared->report, 0, sizeof shared->report);
  if (write(program_end, &wanted, sizeof wanted) != sizeof wanted) abort();
  return (ctrial_child){.process = 0, .pipe = -1, .shared = 0, .error = 0};
}

void ctrial_finish(ctrial_child child, ctrial_report *report) {
  (void)child;
  int code;
  if (read(program_end, &code, sizeof code) != sizeof code) abort();
  memset(report, 0, sizeof *report);
  memcpy(report->place, shared->report.place, sizeof report->place - 1);
  if (code != ended_well) conclude(report, code);
}
