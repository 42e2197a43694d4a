// Groups and datasets of the file.
#include "parts.h"

#include <stdio.h>

chdf5server_child_state chdf5server_state = {.file = H5I_INVALID_HID, .access = H5I_INVALID_HID, .dataset = H5I_INVALID_HID};

// Unpacked chunks that a dataset keeps, so that ranges may begin in the middle of one.
enum { cache_bytes = 16 << 20 };

void chdf5server_look_at(const char *kind, const char *name) { snprintf(chdf5server_state.place, most_place, "%s%.400s", kind, name); }

static herr_t refuse_link(
    const char *file, const char *group, const char *target, const char *object, unsigned *flags, hid_t access,
    void *context) {
  (void)file, (void)group, (void)target, (void)object, (void)flags, (void)access, (void)context;
  return -1;
}

hid_t chdf5server_open_object(haddr_t address) {
#if H5_VERSION_GE(1, 12, 0)
  // The native format keeps an address in the first eight bytes of a token.
  H5O_token_t token;
  memset(&token, 0, sizeof token);
  memcpy(&token, &address, sizeof address);
  return chdf5server_tried("open it", H5Oopen_by_token(chdf5server_state.file, token));
#else
  return chdf5server_tried("open it", H5Oopen_by_addr(chdf5server_state.file, address));
#endif
}

int chdf5server_open_file(const char *path, message *out) {
  static const char action[] = "open it as an HDF5 file";
  hid_t opening = chdf5server_tried(action, H5Pcreate(H5P_FILE_ACCESS));
  chdf5server_state.access = chdf5server_tried(action, H5Pcreate(H5P_LINK_ACCESS));
  if (opening < 0 || chdf5server_state.access < 0 || chdf5server_tried(action, chdf5_set_no_locks(opening)) < 0 ||
      chdf5server_tried(action, H5Pset_cache(opening, 0, 521, cache_bytes, 0.75)) < 0 ||
      chdf5server_tried(action, H5Pset_elink_cb(chdf5server_state.access, refuse_link, NULL)) < 0) {
    return 0;
  }
  chdf5server_state.file = chdf5server_tried(action, H5Fopen(path, H5F_ACC_RDONLY, opening));
  H5Pclose(opening);
  if (chdf5server_state.file < 0) return 0;
  hid_t root = chdf5server_tried(action, H5Gopen2(chdf5server_state.file, "/", H5P_DEFAULT));
  hid_t creation = chdf5server_tried(action, H5Fget_create_plist(chdf5server_state.file));
  unsigned long long address = HADDR_UNDEF;
  size_t length_size;
  hsize_t base;
  if (root < 0 || creation < 0 || chdf5server_tried(action, chdf5_address(root, &address)) < 0 ||
      chdf5server_tried(action, H5Pget_sizes(creation, &chdf5server_state.address_size, &length_size)) < 0 ||
      chdf5server_tried(action, H5Pget_userblock(creation, &base)) < 0) {
    return 0;
  }
  put_number(out, address);
  put_number(out, base);
  put_number(out, chdf5server_state.address_size);
  put_number(out, length_size);
  H5Pclose(creation);
  H5Gclose(root);
  return 1;
}

// ---- Datasets

// What a dataset says of itself, in the order of README; 0 where the library fails.
static int put_dataset(hid_t dataset, message *out) {
  static const char action[] = "read its description";
  hid_t creation = chdf5server_tried(action, H5Dget_create_plist(dataset));
  if (creation < 0) return 0;
  int64_t layout = chdf5server_tried(action, H5Pget_layout(creation)), externals = chdf5server_tried(action, H5Pget_external_count(creation));
  if (layout < 0 || externals < 0) return 0;
  // What lies in other files is not asked for more: to tell its extents the library would open them.
  int elsewhere = layout == H5D_VIRTUAL || externals > 0;
  put_number(out, elsewhere);
  if (elsewhere) {
    H5Pclose(creation);
    return 1;
  }
  put_number(out, layout == H5D_CHUNKED ? 1 : layout == H5D_COMPACT ? 2 : 0);

  hid_t space = chdf5server_tried(action, H5Dget_space(dataset));
  if (space < 0) return 0;
  int64_t kind = chdf5server_tried(action, H5Sget_simple_extent_type(space));
  hsize_t extents[H5S_MAX_RANK];
  int64_t rank = kind < 0 ? -1 : kind == H5S_NULL ? 0 : chdf5server_tried(action, H5Sget_simple_extent_dims(space, extents, NULL));
  if (rank < 0) return 0;
  put_number(out, kind == H5S_NULL);
  put_number(out, (uint64_t)rank);
  for (int64_t axis = 0; axis < rank; axis++) put_number(out, extents[axis]);
  H5Sclose(space);

  hid_t type = chdf5server_tried(action, H5Dget_type(dataset));
  hid_t copy = type < 0 ? -1 : chdf5server_tried(action, H5Tcopy(type));
  if (copy < 0) return 0;
  int64_t class = chdf5server_tried(action, H5Tget_class(copy));
  if (class < 0) return 0;
  put_number(out, (uint64_t)class);
  put_number(out, H5Tget_size(copy));
  if ((class == H5T_INTEGER || class == H5T_FLOAT) && chdf5server_tried(action, H5Tset_order(copy, H5T_ORDER_LE)) < 0) return 0;
  size_t found = 0;
  while (found < chdf5server_state.type_count && H5Tequal(copy, chdf5server_state.types[found]) <= 0) found++;
  put_number(out, found);
  put_number(out, found < chdf5server_state.type_count && H5Tequal(type, chdf5server_state.types[found]) > 0);
  H5Tclose(copy);
  H5Tclose(type);

  hsize_t chunk[H5S_MAX_RANK];
  int64_t chunk_rank = layout == H5D_CHUNKED ? chdf5server_tried(action, H5Pget_chunk(creation, H5S_MAX_RANK, chunk)) : 0;
  if (chunk_rank < 0) return 0;
  put_number(out, (uint64_t)chunk_rank);
  for (int64_t axis = 0; axis < chunk_rank; axis++) put_number(out, chunk[axis]);
  int64_t filters = chdf5server_tried(action, H5Pget_nfilters(creation));
  if (filters < 0) return 0;
  put_number(out, (uint64_t)filters);
  for (unsigned index = 0; index < filters; index++) {
    enum { most_parameters = 8 };
    unsigned flags, configuration, parameters[most_parameters] = {0};
    size_t count = most_parameters;
    int64_t number = chdf5server_tried(action, H5Pget_filter2(creation, index, &flags, &count, parameters, 0, NULL, &configuration));
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
int chdf5server_read_elements(const chdf5server_request *asked, const uint64_t *corners, message *out) {
  static const char action[] = "read elements";
  size_t rank = asked->count / 2 / sizeof *corners;
  const hsize_t *start = (const hsize_t *)corners, *extent = start + rank;
  if (asked->element_type >= chdf5server_state.type_count || rank > H5S_MAX_RANK) {
    chdf5server_fail(action, "no such elements");
    return 0;
  }
  if (chdf5server_state.dataset < 0 || chdf5server_state.dataset_address != asked->address) {
    if (chdf5server_state.dataset >= 0) H5Oclose(chdf5server_state.dataset);
    chdf5server_state.dataset = chdf5server_open_object(asked->address);
    chdf5server_state.dataset_address = asked->address;
    if (chdf5server_state.dataset < 0) return 0;
  }
  hid_t type = chdf5server_state.types[asked->element_type], space = chdf5server_tried(action, H5Dget_space(chdf5server_state.dataset));
  if (space < 0) return 0;
  hsize_t count = 1;
  for (size_t axis = 0; axis < rank; axis++) {
    if (extent[axis] > SIZE_MAX / 32 / count) _exit(ended_large);
    count *= extent[axis];
  }
  if (chdf5server_tried(action, H5Sget_simple_extent_ndims(space)) != (int64_t)rank) {
    chdf5server_fail(action, "it has other axes");
    return 0;
  }
  hid_t memory = chdf5server_tried(action, H5Screate_simple(1, &count, NULL));
  if (memory < 0 || (rank && chdf5server_tried(action, H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, extent, NULL)) < 0)) {
    return 0;
  }
  void *elements = add(out, count * H5Tget_size(type));
  int64_t status = chdf5server_tried(action, H5Dread(chdf5server_state.dataset, type, memory, space, H5P_DEFAULT, elements));
  H5Sclose(memory);
  H5Sclose(space);
  return status >= 0;
}

// ---- Groups

static int put_object(hid_t group, const char *name, message *out) {
  hid_t object = chdf5server_tried("open it", H5Oopen(group, name, chdf5server_state.access));
  if (object < 0) return 0;
  unsigned long long address = HADDR_UNDEF;
  if (chdf5server_tried("find its place", chdf5_address(object, &address)) < 0) return 0;
  H5I_type_t kind = H5Iget_type(object);
  put_number(out, kind == H5I_GROUP ? 0 : kind == H5I_DATASET ? 1 : 2);
  put_number(out, address);
  size_t start = out->count;
  if (kind == H5I_DATASET) {
    put_number(out, chdf5server_done);
    // That it is there, and where, is known even so.
    if (!put_dataset(object, out)) chdf5server_refuse(out, start);
  }
  H5Oclose(object);
  return 1;
}

typedef struct {
  hid_t group;
  message *out;
} link_visit;

static void put_link(const char *name, void *context) {
  link_visit *visit = context;
  chdf5server_look_at("/", name);
  put_text(visit->out, name);
  size_t start = visit->out->count;
  put_number(visit->out, chdf5server_done);
  if (!put_object(visit->group, name, visit->out)) chdf5server_refuse(visit->out, start);
}

int chdf5server_list_group(haddr_t address, message *out) {
  static const char action[] = "list the group";
  hid_t group = chdf5server_open_object(address);
  if (group < 0) return 0;
  if (H5Iget_type(group) != H5I_GROUP) {
    chdf5server_fail(action, "it is none");
    return 0;
  }
  link_visit visit = {group, out};
  int64_t status = chdf5server_tried(action, chdf5_each_link(group, put_link, &visit));
  H5Oclose(group);
  return status >= 0;
}
