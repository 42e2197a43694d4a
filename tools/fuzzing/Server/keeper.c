// Who reads HDF5 files while readers are fuzzed: as in the program a child process, but one that is there already and is
// asked for file after file. To fork a program under sanitizers for each takes tens of milliseconds.
//
// A keeper is forked when the first file comes, while the program is small. It makes children; where one ends before it has
// replied, the keeper says how, and makes the next.
#define chdf5server_start start_one
#define chdf5server_stop stop_one
#define chdf5server_end end_one
#define chdf5server_receive receive_one
#include "../../../Sources/CHDF5Server/server.c"
#undef chdf5server_start
#undef chdf5server_stop
#undef chdf5server_end
#undef chdf5server_receive
#include "../../../Sources/CHDF5Server/attributes.c"
#include "../../../Sources/CHDF5Server/failures.c"
#include "../../../Sources/CHDF5Server/lzf.c"
#include "../../../Sources/CHDF5Server/objects.c"

#include <sys/ioctl.h>

// Exit codes of children that ended between files.
enum { ended_alone = 254, ended_full = 255 };

// Files that one child reads: what the library loses over damaged ones goes with it.
enum { files_per_child = 512 };

// Of the processor, for a file of some kilobytes: the library goes round for ever in every twentieth.
static const double most_seconds = 0.02;

// A reply's status by which the keeper says how a child ended; no child has it.
static const uint64_t keepers_word = 0x6b656570657273;

// What the keeper and its child share.
static volatile int *is_asked;
static chdf5server_child kept = {.process = -1};

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
  if (chdf5server_state.access >= 0) H5Pclose(chdf5server_state.access);
  chdf5server_state.dataset = chdf5server_state.file = chdf5server_state.access = H5I_INVALID_HID;
}

// As serve_requests, for file after file.
static void serve_files(chdf5server_child program) {
  struct rlimit unlimited;
  getrlimit(RLIMIT_AS, &unlimited);
  for (int count = 0;;) {
    chdf5server_request asked;
    message out = {0};
    // A file that another child shall read stays where it is.
    if (recv(program.end, &asked, sizeof asked, MSG_PEEK | MSG_WAITALL) != sizeof asked) _exit(ended_alone);
    if (asked.kind == chdf5server_open) {
      if (count++ == files_per_child) _exit(ended_full);
      forget_file();
      setrlimit(RLIMIT_AS, &unlimited);
    }
    *is_asked = 1;
    void *bytes = receive_request(program, &asked);
    if (!bytes) _exit(ended_alone);
    if (asked.seconds > most_seconds) asked.seconds = most_seconds;
    chdf5server_reply reply = do_request(&asked, bytes, &out);
    *is_asked = 0;
    if (!send_reply(program, reply, &out)) _exit(ended_alone);
    free(out.bytes);
    free(bytes);
  }
}

static void keep(chdf5server_child program, const int64_t *types, size_t count, char *place) {
  for (;;) {
    *is_asked = 0;
    pid_t process = fork();
    if (process == 0) {
      leave_program(program.end);
      chdf5server_state.types = types;
      chdf5server_state.type_count = count;
      chdf5server_state.place = place;
      prepare_library();
      serve_files(program);
    }
    int status = 0;
    if (process < 0 || waitpid(process, &status, 0) < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == ended_alone)) _exit(0);
    if (!*is_asked) continue;
    int code = WIFSIGNALED(status) ? ended_by_signal + WTERMSIG(status) : WEXITSTATUS(status);
    chdf5server_reply reply = {keepers_word, (uint64_t)code};
    if (!chdf5server_send(program, &reply, sizeof reply)) _exit(0);
  }
}

chdf5server_child chdf5server_start(const int64_t *types, size_t count) {
  if (kept.process > 0) return kept;
  int ends[2];
  char *place = mmap(NULL, most_place, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  is_asked = mmap(NULL, sizeof *is_asked, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED || is_asked == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) abort();
  pid_t keeper = fork();
  if (keeper < 0) abort();
  if (keeper == 0) {
    close(ends[0]);
    keep((chdf5server_child){.end = ends[1]}, types, count, place);
  }
  close(ends[1]);
  kept = (chdf5server_child){.process = keeper, .end = ends[0], .place = (uintptr_t)place};
  return kept;
}

// The child is kept for the next file, unless a reply of it makes no sense, of which there is more to come.
void chdf5server_stop(chdf5server_child server) {
  int waiting = 0;
  if (!ioctl(server.end, FIONREAD, &waiting) && !waiting) return;
  kill(server.process, SIGKILL);
  while (waitpid(server.process, &waiting, 0) < 0 && errno == EINTR) {}
  close(server.end);
  kept.process = -1;
}

// How the last child ended, as the keeper said.
static int ended_with;

int chdf5server_receive(chdf5server_child server, void *bytes, size_t count) {
  if (!receive_one(server, bytes, count)) abort();
  chdf5server_reply reply;
  if (count != sizeof reply) return 1;
  memcpy(&reply, bytes, sizeof reply);
  if (reply.status != keepers_word) return 1;
  ended_with = (int)reply.count;
  return 0;
}

chdf5server_ending chdf5server_end(chdf5server_child server) {
  (void)server;
  return ending_of(ended_with);
}
