// What is used of oneDNN's C API, under our own prefix: functions of our own that jump to oneDNN once it is loaded. All handles
// are opaque. Its headers aren't needed.
// Source: oneAPI specification and oneDNN's dnnl.h, versions 2.6 and 3.2, which agree about all that stands outside of versions.c.
#pragma once
#include <stdint.h>
#include <stddef.h>

#define CONEDNN_FUNCTION(type, name, ...)                                                                              \
  __attribute__((visibility("hidden"))) type conednn_library_##name(__VA_ARGS__)

// The functions that all versions have.
#define CONEDNN_FUNCTIONS(X)                                                                                           \
  X(dnnl_version)                                                                                                      \
  X(dnnl_engine_create)                                                                                                \
  X(dnnl_stream_create)                                                                                                \
  X(dnnl_stream_wait)                                                                                                  \
  X(dnnl_stream_destroy)                                                                                               \
  X(dnnl_memory_create)                                                                                                \
  X(dnnl_memory_set_data_handle)                                                                                       \
  X(dnnl_memory_destroy)                                                                                               \
  X(dnnl_memory_desc_get_size)                                                                                         \
  X(dnnl_memory_desc_equal)                                                                                            \
  X(dnnl_post_ops_create)                                                                                              \
  X(dnnl_post_ops_append_sum)                                                                                          \
  X(dnnl_post_ops_append_eltwise)                                                                                      \
  X(dnnl_post_ops_destroy)                                                                                             \
  X(dnnl_primitive_attr_create)                                                                                        \
  X(dnnl_primitive_attr_set_scratchpad_mode)                                                                           \
  X(dnnl_primitive_attr_set_post_ops)                                                                                  \
  X(dnnl_primitive_attr_destroy)                                                                                       \
  X(dnnl_primitive_desc_query)                                                                                         \
  X(dnnl_primitive_desc_query_md)                                                                                      \
  X(dnnl_primitive_desc_destroy)                                                                                       \
  X(dnnl_reorder_primitive_desc_create)                                                                                \
  X(dnnl_primitive_create)                                                                                             \
  X(dnnl_primitive_execute)                                                                                            \
  X(dnnl_primitive_destroy)

// Those of some versions or builds: 2.x, 3.x, OpenMP.
#define CONEDNN_OPTIONAL_FUNCTIONS(X)                                                                                  \
  X(dnnl_memory_desc_init_by_strides)                                                                                  \
  X(dnnl_memory_desc_init_by_tag)                                                                                      \
  X(dnnl_matmul_desc_init)                                                                                             \
  X(dnnl_primitive_desc_create)                                                                                        \
  X(dnnl_memory_desc_create_with_strides)                                                                              \
  X(dnnl_memory_desc_create_with_tag)                                                                                  \
  X(dnnl_memory_desc_destroy)                                                                                          \
  X(dnnl_matmul_primitive_desc_create)                                                                                 \
  X(omp_get_max_threads)                                                                                               \
  X(omp_set_num_threads)                                                                                              \
  X(dnnl_set_max_cpu_isa)

typedef struct conednn_engine conednn_engine;
typedef struct conednn_stream conednn_stream;
typedef struct conednn_memory conednn_memory;
typedef struct conednn_layout conednn_layout;
typedef struct conednn_attributes conednn_attributes;
typedef struct conednn_steps conednn_steps;
typedef struct conednn_description conednn_description;
typedef struct conednn_primitive conednn_primitive;

typedef struct {
  int which;
  conednn_memory *memory;
} conednn_argument;

// The beginning of what dnnl_version gives.
typedef struct {
  int major, minor, patch;
} conednn_library_number;

// Every status but this is a failure.
enum { CONEDNN_SUCCESS = 0 };
enum { CONEDNN_CPU = 1, CONEDNN_STREAM_IN_ORDER = 1, CONEDNN_SCRATCH_OF_USER = 1, CONEDNN_ANY_LAYOUT = 1 };
enum {
  CONEDNN_QUERY_IMPLEMENTATION = 8,
  CONEDNN_QUERY_INPUT = 129,
  CONEDNN_QUERY_WEIGHTS = 131,
  CONEDNN_QUERY_OUTPUT = 133,
  CONEDNN_QUERY_SCRATCH = 136
};
enum {
  CONEDNN_ARGUMENT_INPUT = 1,
  CONEDNN_ARGUMENT_OUTPUT = 17,
  CONEDNN_ARGUMENT_WEIGHTS = 33,
  CONEDNN_ARGUMENT_BIAS = 41,
  CONEDNN_ARGUMENT_SCRATCH = 80
};

CONEDNN_FUNCTION(const conednn_library_number *, dnnl_version, void);
CONEDNN_FUNCTION(int, dnnl_engine_create, conednn_engine **engine, int kind, size_t index);
CONEDNN_FUNCTION(int, dnnl_stream_create, conednn_stream **stream, conednn_engine *engine, unsigned flags);
CONEDNN_FUNCTION(int, dnnl_stream_wait, conednn_stream *stream);
CONEDNN_FUNCTION(int, dnnl_stream_destroy, conednn_stream *stream);
CONEDNN_FUNCTION(int, dnnl_memory_create, conednn_memory **memory, const conednn_layout *layout,
                 conednn_engine *engine, void *start);
CONEDNN_FUNCTION(int, dnnl_memory_set_data_handle, conednn_memory *memory, void *start);
CONEDNN_FUNCTION(int, dnnl_memory_destroy, conednn_memory *memory);
CONEDNN_FUNCTION(size_t, dnnl_memory_desc_get_size, const conednn_layout *layout);
CONEDNN_FUNCTION(int, dnnl_memory_desc_equal, const conednn_layout *layout, const conednn_layout *other);
CONEDNN_FUNCTION(int, dnnl_post_ops_create, conednn_steps **steps);
CONEDNN_FUNCTION(int, dnnl_post_ops_destroy, conednn_steps *steps);
CONEDNN_FUNCTION(int, dnnl_primitive_attr_create, conednn_attributes **attributes);
CONEDNN_FUNCTION(int, dnnl_primitive_attr_set_scratchpad_mode, conednn_attributes *attributes, int mode);
CONEDNN_FUNCTION(int, dnnl_primitive_attr_set_post_ops, conednn_attributes *attributes, const conednn_steps *steps);
CONEDNN_FUNCTION(int, dnnl_primitive_attr_destroy, conednn_attributes *attributes);
CONEDNN_FUNCTION(int, dnnl_primitive_desc_query, const conednn_description *description, int what, int index,
                 void *result);
CONEDNN_FUNCTION(const conednn_layout *, dnnl_primitive_desc_query_md, const conednn_description *description,
                 int what, int index);
CONEDNN_FUNCTION(int, dnnl_primitive_desc_destroy, conednn_description *description);
CONEDNN_FUNCTION(int, dnnl_reorder_primitive_desc_create, conednn_description **description,
                 const conednn_layout *from, conednn_engine *from_engine, const conednn_layout *to,
                 conednn_engine *to_engine, const conednn_attributes *attributes);
CONEDNN_FUNCTION(int, dnnl_primitive_create, conednn_primitive **primitive, const conednn_description *description);
CONEDNN_FUNCTION(int, dnnl_primitive_execute, const conednn_primitive *primitive, conednn_stream *stream, int count,
                 const conednn_argument *arguments);
CONEDNN_FUNCTION(int, dnnl_primitive_destroy, conednn_primitive *primitive);

CONEDNN_FUNCTION(int, dnnl_set_max_cpu_isa, int instructions);

// What is wrong with loading the library, or NULL.
__attribute__((visibility("hidden"))) const char *conednn_library_load(void);

// Sets how many threads oneDNN takes for what this thread asks of it: how many it was, or 0 where there is no OpenMP to tell.
__attribute__((visibility("hidden"))) int conednn_library_set_threads(int count);

// Keeps oneDNN to instruction sets, before it does anything; 0 for all that the processor has.
__attribute__((visibility("hidden"))) void conednn_library_keep_to(int instructions);

// The engine that everything runs on: the processor.
__attribute__((visibility("hidden"))) extern conednn_engine *conednn_processor;

// versions.c: what 2.x and 3.x say differently.

// A matrix in memory, or one whose layout is oneDNN's to choose. NULL where oneDNN refuses.
__attribute__((visibility("hidden"))) conednn_layout *conednn_layout_strided(long rows, long columns, int type,
                                                                             long row_stride, long column_stride);
__attribute__((visibility("hidden"))) conednn_layout *conednn_layout_any(long rows, long columns, int type);
__attribute__((visibility("hidden"))) void conednn_layout_free(conednn_layout *layout);

// What follows the product: what the output held added, and max(0, ·).
__attribute__((visibility("hidden"))) int conednn_steps_add_sum(conednn_steps *steps, int type);
__attribute__((visibility("hidden"))) int conednn_steps_add_relu(conednn_steps *steps);

// A product described: oneDNN's status.
__attribute__((visibility("hidden"))) int conednn_description_make(conednn_description **description,
                                                                   const conednn_layout *input,
                                                                   const conednn_layout *weights,
                                                                   const conednn_layout *bias,
                                                                   const conednn_layout *output,
                                                                   const conednn_attributes *attributes);
