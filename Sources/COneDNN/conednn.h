// Matrix products of oneDNN 2.x and 3.x on tiles of fixed size, for threads of our own.
//
// A product is made once for its extents and types, which is when oneDNN compiles it, and run by any number of threads at a
// time, each with its own scratch. It takes one thread: oneDNN's own threading is switched off around each call.
#pragma once
#include <stddef.h>

// Loads the library, before any other function is called. What is wrong, or NULL.
const char *conednn_load(void);

// The instruction sets that oneDNN may be kept to.
enum { CONEDNN_ALL = 0, CONEDNN_SSE41 = 0x1, CONEDNN_AVX2 = 0x7, CONEDNN_AVX512 = 0x27, CONEDNN_AVX512_BF16 = 0xe7 };
// Keeps oneDNN to an instruction set and those below it, from when it is loaded on; comes before conednn_load.
void conednn_keep_to(int instructions);

// The library's version, such as 2.6.3.
typedef struct {
  int major, minor, patch;
} conednn_number;
conednn_number conednn_version(void);

// How elements are encoded.
enum { CONEDNN_BF16 = 2, CONEDNN_F32 = 3, CONEDNN_S32 = 4, CONEDNN_S8 = 5, CONEDNN_U8 = 6 };

// output[rows, out] = input[rows, in] · weightsᵀ + bias, then what `output` held added to it where `adds`, then max(0, ·)
// where `relu`. Strides are distances between rows, in elements: with any but the number of columns oneDNN takes its slow ways.
typedef struct {
  long rows, in, out;
  long input_stride, output_stride;
  int input_type, weight_type, output_type;
  int has_bias, adds, relu;
} conednn_form;

typedef struct conednn_product conednn_product;

// NULL where oneDNN has no such product, and one sentence in `error`.
conednn_product *conednn_product_make(const conednn_form *form, char *error, size_t error_capacity);
void conednn_product_free(conednn_product *product);

// The implementation that oneDNN chose, such as brg:avx512_core.
const char *conednn_product_implementation(const conednn_product *product);

// What a run needs beside its operands, in bytes, aligned to 64.
size_t conednn_product_scratch_bytes(const conednn_product *product);

// Whether what was packed for one product serves the other.
int conednn_product_shares_weights(const conednn_product *product, const conednn_product *other);

// Weights in the order in which products read them.
typedef struct conednn_weights conednn_weights;

// Packs [out, in], row-major; for products of whole numbers these are whole. NULL where that fails, and one sentence.
conednn_weights *conednn_weights_make(const conednn_product *product, const float *weights, char *error,
                                      size_t error_capacity);
void conednn_weights_free(conednn_weights *weights);
size_t conednn_weights_bytes(const conednn_weights *weights);

// Computes one tile. `bias` holds `out` floats, or is NULL where the form has none; `scratch` is the caller's alone meanwhile,
// and NULL where none is needed. 0, or oneDNN's status.
int conednn_product_run(conednn_product *product, const void *input, const conednn_weights *weights, const float *bias,
                        void *output, void *scratch);
