// What oneDNN 2.x and 3.x say differently. In 2.x a layout is a structure of the caller's, in 3.x a handle; in 2.x a product is
// described in two steps, and an elementwise step has a scale.
#include "conednn.h"
#include "library.h"
#include <stdlib.h>

enum { RELU_2 = 0x1f, RELU_3 = 0x20 };

// 2.x: 696 and 2,800 bytes in 2.6, whose soname keeps them. The rest of the room is for nothing but caution.
enum { LAYOUT_BYTES = 2048, PRODUCT_BYTES = 8192 };

CONEDNN_FUNCTION(int, dnnl_post_ops_append_sum, conednn_steps *steps, float scale, int32_t zero, int type);
CONEDNN_FUNCTION(int, dnnl_post_ops_append_eltwise, conednn_steps *steps, int algorithm, float alpha, float beta);
CONEDNN_FUNCTION(int, dnnl_memory_desc_create_with_strides, conednn_layout **layout, int rank, const int64_t *extents,
                 int type, const int64_t *strides);
CONEDNN_FUNCTION(int, dnnl_memory_desc_create_with_tag, conednn_layout **layout, int rank, const int64_t *extents,
                 int type, int tag);
CONEDNN_FUNCTION(int, dnnl_memory_desc_destroy, conednn_layout *layout);
CONEDNN_FUNCTION(int, dnnl_matmul_primitive_desc_create, conednn_description **description, conednn_engine *engine,
                 const conednn_layout *input, const conednn_layout *weights, const conednn_layout *bias,
                 const conednn_layout *output, const conednn_attributes *attributes);

CONEDNN_FUNCTION(int, dnnl_memory_desc_init_by_strides, void *layout, int rank, const int64_t *extents, int type,
                 const int64_t *strides);
CONEDNN_FUNCTION(int, dnnl_memory_desc_init_by_tag, void *layout, int rank, const int64_t *extents, int type, int tag);
CONEDNN_FUNCTION(int, dnnl_matmul_desc_init, void *product, const conednn_layout *input, const conednn_layout *weights,
                 const conednn_layout *bias, const conednn_layout *output);
CONEDNN_FUNCTION(int, dnnl_primitive_desc_create, conednn_description **description, const void *product,
                 const conednn_attributes *attributes, conednn_engine *engine, const void *hint);

typedef int append_sum_2(conednn_steps *steps, float scale);
typedef int append_eltwise_2(conednn_steps *steps, float scale, int algorithm, float alpha, float beta);

static int is_2(void) { return conednn_library_dnnl_version()->major < 3; }

// Memory for a layout of 2.x, filled by `status`, or NULL.
static conednn_layout *kept(void *layout, int status) {
  if (status == CONEDNN_SUCCESS) return layout;
  free(layout);
  return NULL;
}

conednn_layout *conednn_layout_strided(long rows, long columns, int type, long row_stride, long column_stride) {
  const int64_t extents[] = {rows, columns}, strides[] = {row_stride, column_stride};
  if (is_2()) {
    void *layout = calloc(1, LAYOUT_BYTES);
    if (!layout) return NULL;
    return kept(layout, conednn_library_dnnl_memory_desc_init_by_strides(layout, 2, extents, type, strides));
  }
  conednn_layout *layout = NULL;
  conednn_library_dnnl_memory_desc_create_with_strides(&layout, 2, extents, type, strides);
  return layout;
}

conednn_layout *conednn_layout_any(long rows, long columns, int type) {
  const int64_t extents[] = {rows, columns};
  if (is_2()) {
    void *layout = calloc(1, LAYOUT_BYTES);
    if (!layout) return NULL;
    return kept(layout,
                conednn_library_dnnl_memory_desc_init_by_tag(layout, 2, extents, type, CONEDNN_ANY_LAYOUT));
  }
  conednn_layout *layout = NULL;
  conednn_library_dnnl_memory_desc_create_with_tag(&layout, 2, extents, type, CONEDNN_ANY_LAYOUT);
  return layout;
}

void conednn_layout_free(conednn_layout *layout) {
  if (!layout) return;
  if (is_2()) {
    free(layout);
    return;
  }
  conednn_library_dnnl_memory_desc_destroy(layout);
}

int conednn_steps_add_sum(conednn_steps *steps, int type) {
  if (is_2()) return ((append_sum_2 *)(void *)conednn_library_dnnl_post_ops_append_sum)(steps, 1);
  return conednn_library_dnnl_post_ops_append_sum(steps, 1, 0, type);
}

int conednn_steps_add_relu(conednn_steps *steps) {
  if (is_2()) {
    return ((append_eltwise_2 *)(void *)conednn_library_dnnl_post_ops_append_eltwise)(steps, 1, RELU_2, 0, 0);
  }
  return conednn_library_dnnl_post_ops_append_eltwise(steps, RELU_3, 0, 0);
}

int conednn_description_make(conednn_description **description, const conednn_layout *input,
                             const conednn_layout *weights, const conednn_layout *bias, const conednn_layout *output,
                             const conednn_attributes *attributes) {
  if (is_2()) {
    _Alignas(64) char product[PRODUCT_BYTES] = {0};
    int status = conednn_library_dnnl_matmul_desc_init(product, input, weights, bias, output);
    if (status != CONEDNN_SUCCESS) return status;
    return conednn_library_dnnl_primitive_desc_create(description, product, attributes, conednn_processor, NULL);
  }
  return conednn_library_dnnl_matmul_primitive_desc_create(description, conednn_processor, input, weights, bias, output,
                                                           attributes);
}
