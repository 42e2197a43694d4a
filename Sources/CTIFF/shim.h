// libtiff: the functions that are used, under our own prefix; a file in memory; and fields, which take as many arguments as
// they like, where Swift can't follow.
#pragma once
#include "../CLoader/declarations.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

#define CTIFF_FUNCTIONS(X)                                                                                             \
  X(TIFFClientOpen) X(TIFFClose) X(TIFFGetField) X(TIFFGetFieldDefaulted) X(TIFFIsTiled) X(TIFFNumberOfDirectories)    \
  X(TIFFNumberOfStrips) X(TIFFReadEncodedStrip) X(TIFFReadEncodedTile) X(TIFFReadRGBAImageOriented)                    \
  X(TIFFComputeTile) X(TIFFScanlineSize64) X(TIFFSetDirectory) X(TIFFSetErrorHandler) X(TIFFSetField)                  \
  X(TIFFSetWarningHandler) X(TIFFStripSize) X(TIFFTileRowSize) X(TIFFTileSize)

#define CTIFF_DECLARATION(name) CLOADER_DECLARATION(ctiff_##name, name)
CTIFF_FUNCTIONS(CTIFF_DECLARATION)

// Loads libtiff, before any other function is called. What is wrong, or NULL.
CLOADER_LOADING(ctiff_load)

// A file in memory, which outlives the TIFF that is opened of it.
typedef struct {
  const uint8_t *bytes;
  uint64_t count;
  uint64_t place;
} ctiff_memory;

static inline tmsize_t ctiff_memory_read(thandle_t handle, void *target, tmsize_t count) {
  ctiff_memory *memory = (ctiff_memory *)handle;
  uint64_t rest = memory->place < memory->count ? memory->count - memory->place : 0;
  uint64_t taken = count < 0 ? 0 : (uint64_t)count < rest ? (uint64_t)count : rest;
  if (taken > 0) memcpy(target, memory->bytes + memory->place, taken);
  memory->place += taken;
  return (tmsize_t)taken;
}
static inline tmsize_t ctiff_memory_write(thandle_t handle, void *source, tmsize_t count) {
  (void)handle, (void)source, (void)count;
  return 0;
}
static inline toff_t ctiff_memory_seek(thandle_t handle, toff_t offset, int from) {
  ctiff_memory *memory = (ctiff_memory *)handle;
  memory->place = from == SEEK_SET ? offset : from == SEEK_CUR ? memory->place + offset : memory->count + offset;
  return memory->place;
}
static inline int ctiff_memory_close(thandle_t handle) {
  (void)handle;
  return 0;
}
static inline toff_t ctiff_memory_size(thandle_t handle) { return ((ctiff_memory *)handle)->count; }

// Opens a file in memory; NULL where it is no TIFF. Complaints are silenced for the process.
static inline TIFF *ctiff_open(ctiff_memory *memory) {
  ctiff_TIFFSetErrorHandler(NULL);
  ctiff_TIFFSetWarningHandler(NULL);
  return ctiff_TIFFClientOpen("", "rm", (thandle_t)memory, ctiff_memory_read, ctiff_memory_write, ctiff_memory_seek,
                              ctiff_memory_close, ctiff_memory_size, NULL, NULL);
}

// What a page says of itself.
typedef struct {
  uint32_t width, height;
  uint16_t bits, samples, format, photometric, planar, compression, orientation;
  // How many samples there are beside the colours, and what the first of them means.
  uint16_t extra_count, extra;
  uint32_t rows_per_strip, tile_width, tile_height;
  int is_tiled;
  const uint16_t *red, *green, *blue;
} ctiff_page;

// The fields of the current page. Zero where size or colours are missing.
static inline int ctiff_fields(TIFF *file, ctiff_page *page) {
  memset(page, 0, sizeof *page);
  uint16_t *extras = NULL;
  if (!ctiff_TIFFGetField(file, TIFFTAG_IMAGEWIDTH, &page->width)) return 0;
  if (!ctiff_TIFFGetField(file, TIFFTAG_IMAGELENGTH, &page->height)) return 0;
  ctiff_TIFFGetFieldDefaulted(file, TIFFTAG_BITSPERSAMPLE, &page->bits);
  ctiff_TIFFGetFieldDefaulted(file, TIFFTAG_SAMPLESPERPIXEL, &page->samples);
  ctiff_TIFFGetFieldDefaulted(file, TIFFTAG_SAMPLEFORMAT, &page->format);
  ctiff_TIFFGetFieldDefaulted(file, TIFFTAG_PLANARCONFIG, &page->planar);
  ctiff_TIFFGetFieldDefaulted(file, TIFFTAG_COMPRESSION, &page->compression);
  ctiff_TIFFGetFieldDefaulted(file, TIFFTAG_ORIENTATION, &page->orientation);
  ctiff_TIFFGetFieldDefaulted(file, TIFFTAG_EXTRASAMPLES, &page->extra_count, &extras);
  ctiff_TIFFGetFieldDefaulted(file, TIFFTAG_ROWSPERSTRIP, &page->rows_per_strip);
  if (!ctiff_TIFFGetField(file, TIFFTAG_PHOTOMETRIC, &page->photometric)) return 0;
  if (page->extra_count > 0 && extras) page->extra = extras[0];
  page->is_tiled = ctiff_TIFFIsTiled(file);
  if (page->is_tiled) {
    if (!ctiff_TIFFGetField(file, TIFFTAG_TILEWIDTH, &page->tile_width)) return 0;
    if (!ctiff_TIFFGetField(file, TIFFTAG_TILELENGTH, &page->tile_height)) return 0;
  }
  uint16_t *red = NULL, *green = NULL, *blue = NULL;
  if (page->photometric == PHOTOMETRIC_PALETTE && ctiff_TIFFGetField(file, TIFFTAG_COLORMAP, &red, &green, &blue)) {
    page->red = red, page->green = green, page->blue = blue;
  }
  return 1;
}

// JPEG within a TIFF comes as red, green and blue.
static inline void ctiff_decode_jpeg_as_rgb(TIFF *file) {
  ctiff_TIFFSetField(file, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
}
