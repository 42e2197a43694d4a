// libwebp's decoder of still and moving pictures: the functions that are used, under our own prefix.
#pragma once
#include "../CLoader/declarations.h"
#include <webp/demux.h>

#define CWEBP_FUNCTIONS(X)                                                                                             \
  X(WebPAnimDecoderDelete) X(WebPAnimDecoderGetInfo) X(WebPAnimDecoderGetNext) X(WebPAnimDecoderNewInternal)           \
  X(WebPAnimDecoderOptionsInitInternal)
#define CWEBP_FEATURE_FUNCTIONS(X) X(WebPGetFeaturesInternal)

#define CWEBP_DECLARATION(name) CLOADER_DECLARATION(cwebp_##name, name)
CWEBP_FUNCTIONS(CWEBP_DECLARATION)
CWEBP_FEATURE_FUNCTIONS(CWEBP_DECLARATION)

// Loads libwebp, before any other function is called. What is wrong, or NULL.
CLOADER_LOADING(cwebp_load)

// What a file says of its pictures; 0 where it can't be read.
typedef struct {
  int width, height, has_alpha, has_animation, is_lossless;
} cwebp_features;

static inline int cwebp_get_features(const uint8_t *bytes, size_t count, cwebp_features *features) {
  WebPBitstreamFeatures found;
  if (cwebp_WebPGetFeaturesInternal(bytes, count, &found, WEBP_DECODER_ABI_VERSION) != VP8_STATUS_OK) return 0;
  features->width = found.width, features->height = found.height;
  features->has_alpha = found.has_alpha, features->has_animation = found.has_animation;
  features->is_lossless = found.format == 2;
  return 1;
}

// A decoder of a file in memory, which outlives it; NULL where it is no WebP.
static inline WebPAnimDecoder *cwebp_open(const uint8_t *bytes, size_t count) {
  WebPData data = {bytes, count};
  WebPAnimDecoderOptions options;
  if (!cwebp_WebPAnimDecoderOptionsInitInternal(&options, WEBP_DEMUX_ABI_VERSION)) return NULL;
  options.color_mode = MODE_RGBA;
  return cwebp_WebPAnimDecoderNewInternal(&data, &options, WEBP_DEMUX_ABI_VERSION);
}
