// OpenJPEG: the functions that are used, under our own prefix, and a file in memory.
#pragma once
#include "../CLoader/declarations.h"
// Its folder is called after the version.
#if __has_include(<openjpeg.h>)
#include <openjpeg.h>
#elif __has_include(<openjpeg-2.5/openjpeg.h>)
#include <openjpeg-2.5/openjpeg.h>
#else
#include <openjpeg-2.4/openjpeg.h>
#endif
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define COPENJPEG_FUNCTIONS(X)                                                                                         \
  X(opj_codec_set_threads) X(opj_create_decompress) X(opj_decode) X(opj_destroy_codec) X(opj_end_decompress)           \
  X(opj_image_destroy) X(opj_read_header) X(opj_set_default_decoder_parameters) X(opj_setup_decoder)                   \
  X(opj_stream_create) X(opj_stream_destroy) X(opj_stream_set_read_function) X(opj_stream_set_seek_function)           \
  X(opj_stream_set_skip_function) X(opj_stream_set_user_data) X(opj_stream_set_user_data_length)

#define COPENJPEG_DECLARATION(name) CLOADER_DECLARATION(copenjpeg_##name, name)
COPENJPEG_FUNCTIONS(COPENJPEG_DECLARATION)

// Loads OpenJPEG, before any other function is called. What is wrong, or NULL.
CLOADER_LOADING(copenjpeg_load)

// A file in memory, which outlives the decoder that reads it.
typedef struct {
  const uint8_t *bytes;
  uint64_t count;
  uint64_t place;
} copenjpeg_memory;

static inline OPJ_SIZE_T copenjpeg_read(void *target, OPJ_SIZE_T count, void *data) {
  copenjpeg_memory *memory = (copenjpeg_memory *)data;
  uint64_t rest = memory->place < memory->count ? memory->count - memory->place : 0;
  uint64_t taken = count < rest ? count : rest;
  if (taken == 0) return (OPJ_SIZE_T)-1;
  memcpy(target, memory->bytes + memory->place, taken);
  memory->place += taken;
  return (OPJ_SIZE_T)taken;
}
static inline OPJ_OFF_T copenjpeg_skip(OPJ_OFF_T count, void *data) {
  copenjpeg_memory *memory = (copenjpeg_memory *)data;
  uint64_t rest = memory->place < memory->count ? memory->count - memory->place : 0;
  if (count < 0 || (uint64_t)count > rest) return -1;
  memory->place += (uint64_t)count;
  return count;
}
static inline OPJ_BOOL copenjpeg_seek(OPJ_OFF_T place, void *data) {
  copenjpeg_memory *memory = (copenjpeg_memory *)data;
  if (place < 0 || (uint64_t)place > memory->count) return OPJ_FALSE;
  memory->place = (uint64_t)place;
  return OPJ_TRUE;
}

// Reads a file's header: its picture, without samples, and the codec and stream to decode them with, all of which
// copenjpeg_close lets go of. A palette is not applied. 0 where the header can't be read.
typedef struct {
  opj_codec_t *codec;
  opj_stream_t *stream;
  opj_image_t *image;
} copenjpeg_file;

static inline void copenjpeg_close(copenjpeg_file *file) {
  if (file->image) copenjpeg_opj_image_destroy(file->image);
  if (file->codec) copenjpeg_opj_destroy_codec(file->codec);
  if (file->stream) copenjpeg_opj_stream_destroy(file->stream);
  memset(file, 0, sizeof *file);
}

static inline int copenjpeg_open(copenjpeg_memory *memory, int is_codestream, int threads, copenjpeg_file *file) {
  opj_dparameters_t parameters;
  copenjpeg_opj_set_default_decoder_parameters(&parameters);
  parameters.flags |= OPJ_DPARAMETERS_IGNORE_PCLR_CMAP_CDEF_FLAG;
  memset(file, 0, sizeof *file);
  file->codec = copenjpeg_opj_create_decompress(is_codestream ? OPJ_CODEC_J2K : OPJ_CODEC_JP2);
  file->stream = copenjpeg_opj_stream_create(1 << 16, OPJ_TRUE);
  if (file->codec && file->stream) {
    copenjpeg_opj_stream_set_user_data(file->stream, memory, NULL);
    copenjpeg_opj_stream_set_user_data_length(file->stream, memory->count);
    copenjpeg_opj_stream_set_read_function(file->stream, copenjpeg_read);
    copenjpeg_opj_stream_set_skip_function(file->stream, copenjpeg_skip);
    copenjpeg_opj_stream_set_seek_function(file->stream, copenjpeg_seek);
    copenjpeg_opj_codec_set_threads(file->codec, threads);
    if (copenjpeg_opj_setup_decoder(file->codec, &parameters) &&
        copenjpeg_opj_read_header(file->stream, file->codec, &file->image) && file->image) {
      return 1;
    }
  }
  copenjpeg_close(file);
  return 0;
}

// Decodes all samples; 0 where they are damaged or cut off.
static inline int copenjpeg_decode(copenjpeg_file *file) {
  return copenjpeg_opj_decode(file->codec, file->stream, file->image) &&
         copenjpeg_opj_end_decompress(file->codec, file->stream);
}
