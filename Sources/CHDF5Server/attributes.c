// What is attached to groups and datasets.
#include "parts.h"

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

void chdf5server_register_references(void) {
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

// The bytes of an attribute's elements, as they are stored or converted.
static int put_elements(hid_t attribute, hid_t type, size_t bytes, message *out, const char *action) {
  put_number(out, bytes);
  return chdf5server_tried(action, H5Aread(attribute, type, add(out, bytes))) >= 0;
}

static int put_value(hid_t attribute, uint64_t most, message *out) {
  static const char action[] = "read the attribute";
  hid_t type = chdf5server_tried(action, H5Aget_type(attribute)), space = chdf5server_tried(action, H5Aget_space(attribute));
  if (type < 0 || space < 0) return 0;
  int64_t class = chdf5server_tried(action, H5Tget_class(type)), kind = chdf5server_tried(action, H5Sget_simple_extent_type(space));
  int64_t count = class < 0 || kind < 0 ? -1 : kind == H5S_NULL ? 0 : chdf5server_tried(action, H5Sget_simple_extent_npoints(space));
  size_t size = H5Tget_size(type);
  if (count < 0) return 0;
  int is_text = class == H5T_STRING && H5Tis_variable_str(type) > 0;
  put_number(out, (uint64_t)class);
  put_number(out, kind == H5S_NULL);
  put_number(out, (uint64_t)count);

  // One number comes widened, too.
  hid_t wide = class == H5T_INTEGER || class == H5T_ENUM ? H5T_STD_I64LE : class == H5T_FLOAT ? H5T_IEEE_F64LE : -1;
  put_number(out, wide >= 0 && count == 1);
  if (wide >= 0 && count == 1 && chdf5server_tried(action, H5Aread(attribute, wide, add(out, 8))) < 0) return 0;

  int status = 1;
  // A reference is a length in 32 bits, an address, and a number in 32 bits.
  if (is_text) size = 8 + chdf5server_state.address_size;
  if (!count || H5Tdetect_class(type, H5T_REFERENCE) > 0) {
    // References to other objects are no content.
    put_number(out, as_bytes);
    put_number(out, 0);
  } else if (!size || (uint64_t)count > most / size || (!is_text && (H5Tdetect_class(type, H5T_VLEN) > 0 || holds_text(type)))) {
    put_number(out, untold);
  } else if (is_text) {
    put_number(out, as_references);
    hid_t references = chdf5server_tried(action, H5Tcreate(H5T_OPAQUE, size));
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
  chdf5server_look_at(", attribute ", name);
  put_text(visit->out, name);
  size_t start = visit->out->count;
  put_number(visit->out, chdf5server_done);
  hid_t attribute = chdf5server_tried("open the attribute", H5Aopen(object, name, H5P_DEFAULT));
  if (attribute < 0 || !put_value(attribute, visit->most, visit->out)) chdf5server_refuse(visit->out, start);
  if (attribute >= 0) H5Aclose(attribute);
  return 0;
}

int chdf5server_list_attributes(haddr_t address, uint64_t most, message *out) {
  hid_t object = chdf5server_open_object(address);
  if (object < 0) return 0;
  attribute_visit visit = {out, most};
  int64_t status = chdf5server_tried("list the attributes", H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_attribute, &visit));
  H5Oclose(object);
  return status >= 0;
}
