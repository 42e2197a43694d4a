// What the library says where it fails.
#include "parts.h"

#include <stdio.h>

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

void chdf5server_fail(const char *action, const char *cause) {
  failure.action = action;
  failure.general[0] = 0;
  snprintf(failure.cause, sizeof failure.cause, "%s", cause);
}

// Takes down why a call failed; a lack of memory is no matter of the file.
int64_t chdf5server_tried(const char *action, int64_t status) {
  if (status >= 0) return status;
  chdf5server_fail(action, "no reason given");
  failure.is_short_of_memory = 0;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, note_error, NULL);
  if (failure.is_short_of_memory) _exit(ended_large);
  return status;
}

void chdf5server_put_failure(message *out) {
  put_text(out, failure.action);
  put_text(out, failure.general);
  put_text(out, failure.cause);
}

void chdf5server_refuse(message *out, size_t start) {
  out->count = start;
  put_number(out, chdf5server_refused);
  chdf5server_put_failure(out);
}
