// A product of oneDNN: made, its weights packed, run.
//
// oneDNN's handles of memory hold one address each, so a run needs its own. Making five of them takes longer than a small tile:
// they are kept by threads' slots in the product, taken for a run and given back.
#include "conednn.h"
#include "library.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { OPERANDS = 5, SLOTS = 64 };

// What one thread at a time needs to run a product.
typedef struct {
  conednn_stream *stream;
  conednn_memory *input, *output, *bias, *scratch;
} call;

struct conednn_product {
  conednn_form form;
  conednn_description *description;
  conednn_primitive *primitive;
  const conednn_layout *input, *weights, *bias, *output, *scratch;
  size_t scratch_bytes;
  const char *implementation;
  _Atomic(call *) slots[SLOTS];
};

struct conednn_weights {
  conednn_memory *memory;
  void *start;
  size_t bytes;
};

conednn_engine *conednn_processor;

static char problem[128];

// 0 for all that the processor has.
static int most_instructions;

void conednn_keep_to(int instructions) { most_instructions = instructions; }

static void make_processor(void) {
  conednn_library_keep_to(most_instructions);
  int status = conednn_library_dnnl_engine_create(&conednn_processor, CONEDNN_CPU, 0);
  if (status != CONEDNN_SUCCESS) {
    snprintf(problem, sizeof problem, "expected oneDNN to run on this processor, found status %d", status);
  }
}

const char *conednn_load(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  const char *reason = conednn_library_load();
  if (reason) return reason;
  pthread_once(&once, make_processor);
  return problem[0] ? problem : NULL;
}

conednn_number conednn_version(void) {
  const conednn_library_number *number = conednn_library_dnnl_version();
  return (conednn_number){number->major, number->minor, number->patch};
}

static const char *name_of_type(int type) {
  switch (type) {
  case CONEDNN_BF16: return "bf16";
  case CONEDNN_F32: return "f32";
  case CONEDNN_S32: return "s32";
  case CONEDNN_S8: return "s8";
  case CONEDNN_U8: return "u8";
  default: return "unknown";
  }
}

// MARK: making

static int describe(conednn_product *product) {
  const conednn_form *form = &product->form;
  conednn_layout *input = conednn_layout_strided(form->rows, form->in, form->input_type, form->input_stride, 1);
  conednn_layout *output = conednn_layout_strided(form->rows, form->out, form->output_type, form->output_stride, 1);
  conednn_layout *weights = conednn_layout_any(form->in, form->out, form->weight_type);
  conednn_layout *bias = form->has_bias ? conednn_layout_strided(1, form->out, CONEDNN_F32, form->out, 1) : NULL;
  conednn_attributes *attributes = NULL;
  conednn_steps *steps = NULL;
  int status = -1;
  if (!input || !output || !weights || (form->has_bias && !bias)) goto end;
  if ((status = conednn_library_dnnl_primitive_attr_create(&attributes))) goto end;
  if ((status = conednn_library_dnnl_primitive_attr_set_scratchpad_mode(attributes, CONEDNN_SCRATCH_OF_USER))) goto end;
  if ((status = conednn_library_dnnl_post_ops_create(&steps))) goto end;
  if (form->adds && (status = conednn_steps_add_sum(steps, form->output_type))) goto end;
  if (form->relu && (status = conednn_steps_add_relu(steps))) goto end;
  if ((status = conednn_library_dnnl_primitive_attr_set_post_ops(attributes, steps))) goto end;
  if ((status = conednn_description_make(&product->description, input, weights, bias, output, attributes))) goto end;
  status = conednn_library_dnnl_primitive_create(&product->primitive, product->description);
end:
  if (steps) conednn_library_dnnl_post_ops_destroy(steps);
  if (attributes) conednn_library_dnnl_primitive_attr_destroy(attributes);
  conednn_layout_free(bias);
  conednn_layout_free(weights);
  conednn_layout_free(output);
  conednn_layout_free(input);
  return status;
}

conednn_product *conednn_product_make(const conednn_form *form, char *error, size_t error_capacity) {
  conednn_product *product = calloc(1, sizeof *product);
  if (!product) {
    snprintf(error, error_capacity, "no memory for a product");
    return NULL;
  }
  product->form = *form;
  // oneDNN cuts a product for the threads that it would have now.
  int threads = conednn_library_set_threads(1);
  int status = describe(product);
  if (threads) conednn_library_set_threads(threads);
  if (status != CONEDNN_SUCCESS) {
    snprintf(error, error_capacity, "oneDNN makes no product of %ld × %ld %s by %ld × %ld %s to %s: status %d",
             form->rows, form->in, name_of_type(form->input_type), form->in, form->out, name_of_type(form->weight_type),
             name_of_type(form->output_type), status);
    conednn_product_free(product);
    return NULL;
  }
  const conednn_description *description = product->description;
  product->input = conednn_library_dnnl_primitive_desc_query_md(description, CONEDNN_QUERY_INPUT, 0);
  product->weights = conednn_library_dnnl_primitive_desc_query_md(description, CONEDNN_QUERY_WEIGHTS, 0);
  product->bias = conednn_library_dnnl_primitive_desc_query_md(description, CONEDNN_QUERY_WEIGHTS, 1);
  product->output = conednn_library_dnnl_primitive_desc_query_md(description, CONEDNN_QUERY_OUTPUT, 0);
  product->scratch = conednn_library_dnnl_primitive_desc_query_md(description, CONEDNN_QUERY_SCRATCH, 0);
  product->scratch_bytes = conednn_library_dnnl_memory_desc_get_size(product->scratch);
  conednn_library_dnnl_primitive_desc_query(description, CONEDNN_QUERY_IMPLEMENTATION, 0, &product->implementation);
  return product;
}

static void free_call(call *call) {
  if (!call) return;
  conednn_memory *const memories[] = {call->input, call->output, call->bias, call->scratch};
  for (size_t i = 0; i < sizeof memories / sizeof *memories; i++) {
    if (memories[i]) conednn_library_dnnl_memory_destroy(memories[i]);
  }
  if (call->stream) conednn_library_dnnl_stream_destroy(call->stream);
  free(call);
}

void conednn_product_free(conednn_product *product) {
  if (!product) return;
  for (size_t i = 0; i < SLOTS; i++) free_call(product->slots[i]);
  if (product->primitive) conednn_library_dnnl_primitive_destroy(product->primitive);
  if (product->description) conednn_library_dnnl_primitive_desc_destroy(product->description);
  free(product);
}

const char *conednn_product_implementation(const conednn_product *product) { return product->implementation; }

size_t conednn_product_scratch_bytes(const conednn_product *product) { return product->scratch_bytes; }

int conednn_product_shares_weights(const conednn_product *product, const conednn_product *other) {
  return conednn_library_dnnl_memory_desc_equal(product->weights, other->weights);
}

// MARK: weights

// Reorders [out, in] to what the product reads.
static int pack(const conednn_product *product, const float *weights, conednn_memory *packed) {
  conednn_layout *layout = conednn_layout_strided(product->form.in, product->form.out, CONEDNN_F32, 1, product->form.in);
  conednn_description *description = NULL;
  conednn_primitive *primitive = NULL;
  conednn_memory *source = NULL;
  conednn_stream *stream = NULL;
  int status = -1;
  if (!layout) goto end;
  if ((status = conednn_library_dnnl_memory_create(&source, layout, conednn_processor, (void *)weights))) goto end;
  status = conednn_library_dnnl_reorder_primitive_desc_create(&description, layout, conednn_processor, product->weights,
                                                              conednn_processor, NULL);
  if (status) goto end;
  if ((status = conednn_library_dnnl_primitive_create(&primitive, description))) goto end;
  if ((status = conednn_library_dnnl_stream_create(&stream, conednn_processor, CONEDNN_STREAM_IN_ORDER))) goto end;
  const conednn_argument arguments[] = {{CONEDNN_ARGUMENT_INPUT, source}, {CONEDNN_ARGUMENT_OUTPUT, packed}};
  if ((status = conednn_library_dnnl_primitive_execute(primitive, stream, 2, arguments))) goto end;
  status = conednn_library_dnnl_stream_wait(stream);
end:
  if (stream) conednn_library_dnnl_stream_destroy(stream);
  if (source) conednn_library_dnnl_memory_destroy(source);
  if (primitive) conednn_library_dnnl_primitive_destroy(primitive);
  if (description) conednn_library_dnnl_primitive_desc_destroy(description);
  conednn_layout_free(layout);
  return status;
}

conednn_weights *conednn_weights_make(const conednn_product *product, const float *floats, char *error,
                                      size_t error_capacity) {
  conednn_weights *weights = calloc(1, sizeof *weights);
  int status = -1;
  if (weights) {
    weights->bytes = conednn_library_dnnl_memory_desc_get_size(product->weights);
    if (posix_memalign(&weights->start, 64, weights->bytes)) weights->start = NULL;
  }
  if (weights && weights->start) {
    int threads = conednn_library_set_threads(1);
    status =
        conednn_library_dnnl_memory_create(&weights->memory, product->weights, conednn_processor, weights->start);
    if (status == CONEDNN_SUCCESS) status = pack(product, floats, weights->memory);
    if (threads) conednn_library_set_threads(threads);
  }
  if (status == CONEDNN_SUCCESS) return weights;
  snprintf(error, error_capacity, "oneDNN packs no weights of %ld × %ld as %s: status %d", product->form.out,
           product->form.in, name_of_type(product->form.weight_type), status);
  conednn_weights_free(weights);
  return NULL;
}

void conednn_weights_free(conednn_weights *weights) {
  if (!weights) return;
  if (weights->memory) conednn_library_dnnl_memory_destroy(weights->memory);
  free(weights->start);
  free(weights);
}

size_t conednn_weights_bytes(const conednn_weights *weights) { return weights->bytes; }

// MARK: running

static call *make_call(const conednn_product *product) {
  call *call = calloc(1, sizeof *call);
  if (!call) return NULL;
  int status = conednn_library_dnnl_stream_create(&call->stream, conednn_processor, CONEDNN_STREAM_IN_ORDER);
  if (!status) status = conednn_library_dnnl_memory_create(&call->input, product->input, conednn_processor, NULL);
  if (!status) status = conednn_library_dnnl_memory_create(&call->output, product->output, conednn_processor, NULL);
  if (!status && product->form.has_bias) {
    status = conednn_library_dnnl_memory_create(&call->bias, product->bias, conednn_processor, NULL);
  }
  if (!status && product->scratch_bytes) {
    status = conednn_library_dnnl_memory_create(&call->scratch, product->scratch, conednn_processor, NULL);
  }
  if (status == CONEDNN_SUCCESS) return call;
  free_call(call);
  return NULL;
}

// A number of this thread's own, so that threads seldom meet in a slot. Where they do, nothing but time is lost.
static unsigned slot_of_thread(void) {
  static atomic_uint next;
  static _Thread_local unsigned own;
  if (!own) own = atomic_fetch_add_explicit(&next, 1, memory_order_relaxed) + 1;
  return own % SLOTS;
}

static int execute(const conednn_product *product, const call *call, const void *input, const conednn_weights *weights,
                   const float *bias, void *output, void *scratch) {
  conednn_argument arguments[OPERANDS] = {{CONEDNN_ARGUMENT_INPUT, call->input},
                                          {CONEDNN_ARGUMENT_WEIGHTS, weights->memory},
                                          {CONEDNN_ARGUMENT_OUTPUT, call->output}};
  int count = 3, status;
  if ((status = conednn_library_dnnl_memory_set_data_handle(call->input, (void *)input))) return status;
  if ((status = conednn_library_dnnl_memory_set_data_handle(call->output, output))) return status;
  if (call->bias) {
    if ((status = conednn_library_dnnl_memory_set_data_handle(call->bias, (void *)bias))) return status;
    arguments[count++] = (conednn_argument){CONEDNN_ARGUMENT_BIAS, call->bias};
  }
  if (call->scratch) {
    if ((status = conednn_library_dnnl_memory_set_data_handle(call->scratch, scratch))) return status;
    arguments[count++] = (conednn_argument){CONEDNN_ARGUMENT_SCRATCH, call->scratch};
  }
  if ((status = conednn_library_dnnl_primitive_execute(product->primitive, call->stream, count, arguments))) {
    return status;
  }
  return conednn_library_dnnl_stream_wait(call->stream);
}

int conednn_product_run(conednn_product *product, const void *input, const conednn_weights *weights, const float *bias,
                        void *output, void *scratch) {
  _Atomic(call *) *slot = &product->slots[slot_of_thread()];
  call *call = atomic_exchange_explicit(slot, NULL, memory_order_acquire);
  if (!call) call = make_call(product);
  if (!call) return -1;
  int threads = conednn_library_set_threads(1);
  int status = execute(product, call, input, weights, bias, output, scratch);
  if (threads) conednn_library_set_threads(threads);
  free_call(atomic_exchange_explicit(slot, call, memory_order_acq_rel));
  return status;
}
