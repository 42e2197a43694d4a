// HDF5, the C library, with names for what it spells as macros, which Swift can't see.
#pragma once
#include <hdf5.h>

static inline hid_t chdf5_default(void) { return H5P_DEFAULT; }
static inline hid_t chdf5_everything(void) { return H5S_ALL; }
static inline hid_t chdf5_error_stack(void) { return H5E_DEFAULT; }
static inline unsigned chdf5_truncate(void) { return H5F_ACC_TRUNC; }
static inline size_t chdf5_variable_length(void) { return H5T_VARIABLE; }

static inline hid_t chdf5_file_creation(void) { return H5P_FILE_CREATE; }
static inline hid_t chdf5_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t chdf5_group_creation(void) { return H5P_GROUP_CREATE; }
static inline hid_t chdf5_dataset_creation(void) { return H5P_DATASET_CREATE; }

static inline hid_t chdf5_int8(void) { return H5T_STD_I8LE; }
static inline hid_t chdf5_int16(void) { return H5T_STD_I16LE; }
static inline hid_t chdf5_int32(void) { return H5T_STD_I32LE; }
static inline hid_t chdf5_int64(void) { return H5T_STD_I64LE; }
static inline hid_t chdf5_uint8(void) { return H5T_STD_U8LE; }
static inline hid_t chdf5_uint16(void) { return H5T_STD_U16LE; }
static inline hid_t chdf5_uint32(void) { return H5T_STD_U32LE; }
static inline hid_t chdf5_uint64(void) { return H5T_STD_U64LE; }
static inline hid_t chdf5_float32(void) { return H5T_IEEE_F32LE; }
static inline hid_t chdf5_float64(void) { return H5T_IEEE_F64LE; }
static inline hid_t chdf5_c_string(void) { return H5T_C_S1; }

// Opens files without locks; versions that can't be told so lock them.
static inline herr_t chdf5_set_no_locks(hid_t access) {
#if H5_VERSION_GE(1, 12, 1) || (H5_VERSION_GE(1, 10, 7) && !H5_VERSION_GE(1, 12, 0))
  return H5Pset_file_locking(access, 0, 1);
#else
  return access >= 0 ? 0 : -1;
#endif
}

// The link's description changed its layout between versions; its name did not.
typedef struct {
  void (*visit)(const char *name, void *context);
  void *context;
} chdf5_visitor;

#if H5_VERSION_GE(1, 12, 0)
static herr_t chdf5_visit_link(hid_t group, const char *name, const H5L_info2_t *info, void *visitor) {
#else
static herr_t chdf5_visit_link(hid_t group, const char *name, const H5L_info_t *info, void *visitor) {
#endif
  (void)group;
  (void)info;
  ((chdf5_visitor *)visitor)->visit(name, ((chdf5_visitor *)visitor)->context);
  return 0;
}

// Calls `visit` with the name of every link of a group, in name order.
static inline herr_t chdf5_each_link(hid_t group, void (*visit)(const char *, void *), void *context) {
  chdf5_visitor visitor = {visit, context};
  hsize_t position = 0;
#if H5_VERSION_GE(1, 12, 0)
  return H5Literate2(group, H5_INDEX_NAME, H5_ITER_INC, &position, chdf5_visit_link, &visitor);
#else
  return H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &position, chdf5_visit_link, &visitor);
#endif
}

// Where an object lies in its file: the same for all names of one object.
static inline herr_t chdf5_address(hid_t object, unsigned long long *address) {
#if H5_VERSION_GE(1, 12, 0)
  H5O_info2_t info;
  herr_t status = H5Oget_info3(object, &info, H5O_INFO_BASIC);
  // The native file format keeps an address in the first eight bytes of a token.
  if (status >= 0) __builtin_memcpy(address, &info.token, sizeof *address);
#else
  H5O_info_t info;
#if H5_VERSION_GE(1, 10, 3)
  herr_t status = H5Oget_info2(object, &info, H5O_INFO_BASIC);
#else
  herr_t status = H5Oget_info(object, &info);
#endif
  if (status >= 0) *address = info.addr;
#endif
  return status;
}
