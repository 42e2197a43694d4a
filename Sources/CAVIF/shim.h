// libavif: the functions that are used, under our own prefix, and a decoder whose structures differ between versions, seen
// through what they have in common.
#pragma once
#include "../CLoader/declarations.h"
#include <avif/avif.h>
#include <stdlib.h>
#include <string.h>

#define CAVIF_FUNCTIONS(X)                                                                                             \
  X(avifDecoderCreate) X(avifDecoderDestroy) X(avifDecoderNthImage) X(avifDecoderParse) X(avifDecoderSetIOMemory)      \
  X(avifImageYUVToRGB) X(avifRGBImageSetDefaults) X(avifResultToString)

#define CAVIF_DECLARATION(name) CLOADER_DECLARATION(cavif_##name, name)
CAVIF_FUNCTIONS(CAVIF_DECLARATION)

// Loads libavif, before any other function is called. What is wrong, or NULL.
CLOADER_LOADING(cavif_load)

// Opens a file in memory, which outlives the decoder, as leniently as Pillow does. What is wrong, or NULL.
static inline const char *cavif_open(const uint8_t *bytes, size_t count, int threads, uint32_t most_pixels,
                                     avifDecoder **opened) {
  avifDecoder *decoder = cavif_avifDecoderCreate();
  if (!decoder) return "not enough memory";
  decoder->maxThreads = threads;
  decoder->imageSizeLimit = most_pixels;
  // A picture takes a byte at least.
  if (count < decoder->imageCountLimit) decoder->imageCountLimit = (uint32_t)count;
  decoder->strictFlags &= ~(avifStrictFlags)(AVIF_STRICT_CLAP_VALID | AVIF_STRICT_PIXI_REQUIRED);
  avifResult status = cavif_avifDecoderSetIOMemory(decoder, bytes, count);
  if (status == AVIF_RESULT_OK) status = cavif_avifDecoderParse(decoder);
  if (status == AVIF_RESULT_OK) {
    *opened = decoder;
    return NULL;
  }
  cavif_avifDecoderDestroy(decoder);
  return cavif_avifResultToString(status);
}

// What a file says of its pictures, before one is decoded.
typedef struct {
  uint32_t width, height, depth;
  int pages, has_alpha, is_grey, is_turned, is_cropped;
  const uint8_t *exif;
  size_t exif_count;
} cavif_info;

static inline cavif_info cavif_describe(const avifDecoder *decoder) {
  const avifImage *image = decoder->image;
  return (cavif_info){
      .width = image->width,
      .height = image->height,
      .depth = image->depth,
      .pages = decoder->imageCount,
      .has_alpha = decoder->alphaPresent != 0,
      .is_grey = image->yuvFormat == AVIF_PIXEL_FORMAT_YUV400,
      .is_turned = (image->transformFlags & (AVIF_TRANSFORM_IROT | AVIF_TRANSFORM_IMIR)) != 0,
      .is_cropped = (image->transformFlags & AVIF_TRANSFORM_CLAP) != 0,
      .exif = image->exif.data,
      .exif_count = image->exif.size,
  };
}

// Whether samples lose their lower bits before the conversion to red, green and blue of one byte: libavif from version 1 on
// does so where libyuv knows the matrix but not the format. Earlier versions convert what is whole, with other results.
static inline int cavif_is_shortened(const avifImage *image, int has_alpha) {
  switch (image->matrixCoefficients) {
  case 1: case 2: case 5: case 6: case 9: case 12: break;
  default: return 0;
  }
  if (image->depth <= 8) return 0;
  if (image->yuvFormat == AVIF_PIXEL_FORMAT_YUV400) return has_alpha;
  return !has_alpha || (image->depth == 12 && image->yuvFormat != AVIF_PIXEL_FORMAT_YUV420);
}

// The picture with samples of one byte, the upper ones, in `planes`, which the caller frees; 0 where memory is short.
static inline int cavif_shorten(const avifImage *image, avifImage *shortened, uint8_t *planes[4]) {
  const uint32_t by_columns = image->yuvFormat == AVIF_PIXEL_FORMAT_YUV420 || image->yuvFormat == AVIF_PIXEL_FORMAT_YUV422;
  const uint32_t by_rows = image->yuvFormat == AVIF_PIXEL_FORMAT_YUV420;
  *shortened = *image;
  shortened->depth = 8;
  for (int plane = 0; plane < 4; plane++) {
    const uint8_t *source = plane < 3 ? image->yuvPlanes[plane] : image->alphaPlane;
    const uint32_t row_bytes = plane < 3 ? image->yuvRowBytes[plane] : image->alphaRowBytes;
    const int is_chroma = plane == 1 || plane == 2;
    const size_t width = is_chroma ? (image->width + by_columns) >> by_columns : image->width;
    const size_t height = is_chroma ? (image->height + by_rows) >> by_rows : image->height;
    if (!source) continue;
    if (!(planes[plane] = (uint8_t *)malloc(width * height))) return 0;
    for (size_t y = 0; y < height; y++) {
      const uint16_t *row = (const uint16_t *)(const void *)(source + y * row_bytes);
      for (size_t x = 0; x < width; x++) planes[plane][y * width + x] = (uint8_t)(row[x] >> (image->depth - 8));
    }
    if (plane < 3) {
      shortened->yuvPlanes[plane] = planes[plane];
      shortened->yuvRowBytes[plane] = (uint32_t)width;
    } else {
      shortened->alphaPlane = planes[plane];
      shortened->alphaRowBytes = (uint32_t)width;
    }
  }
  return 1;
}

// Decodes a page to red, green and blue, and alpha where the file has any: samples of one byte, or of two where more than
// eight bits are asked for. What is wrong, or NULL.
static inline const char *cavif_decode(avifDecoder *decoder, uint32_t page, uint32_t bits, uint32_t width,
                                       uint32_t height, uint8_t *pixels) {
  avifResult status = cavif_avifDecoderNthImage(decoder, page);
  if (status != AVIF_RESULT_OK) return cavif_avifResultToString(status);
  const avifImage *image = decoder->image;
  const int has_alpha = decoder->alphaPresent != 0;
  if (image->width != width || image->height != height) return "its headers contradict each other";
  avifImage shortened;
  uint8_t *planes[4] = {NULL, NULL, NULL, NULL};
  const int is_shortened = bits == 8 && cavif_is_shortened(image, has_alpha);
  status = AVIF_RESULT_OUT_OF_MEMORY;
  if (!is_shortened || cavif_shorten(image, &shortened, planes)) {
    if (is_shortened) image = &shortened;
    avifRGBImage rgb;
    cavif_avifRGBImageSetDefaults(&rgb, image);
    rgb.depth = bits;
    rgb.format = has_alpha ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
    rgb.pixels = pixels;
    rgb.rowBytes = width * (has_alpha ? 4 : 3) * (bits > 8 ? 2 : 1);
    status = cavif_avifImageYUVToRGB(image, &rgb);
  }
  for (int plane = 0; plane < 4; plane++) free(planes[plane]);
  return status == AVIF_RESULT_OK ? NULL : cavif_avifResultToString(status);
}
