// FFmpeg's libraries, with names for what they spell as macros, which Swift can't see, and for what moved between
// versions 4.4 and 8.
#pragma once
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/log.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

// Loads FFmpeg's libraries, before any other function of theirs is called. What is wrong, or NULL.
#if defined(__linux__)
const char *cffmpeg_load(void);
#else
static inline const char *cffmpeg_load(void) { return NULL; }
#endif

static inline int64_t cffmpeg_no_timestamp(void) { return AV_NOPTS_VALUE; }
static inline int cffmpeg_end_of_file(void) { return AVERROR_EOF; }
static inline int cffmpeg_again(void) { return AVERROR(EAGAIN); }
static inline int cffmpeg_out_of_memory(void) { return AVERROR(ENOMEM); }
static inline int cffmpeg_missing_stream(void) { return AVERROR_STREAM_NOT_FOUND; }
static inline int cffmpeg_missing_decoder(void) { return AVERROR_DECODER_NOT_FOUND; }
static inline int cffmpeg_is_key(const AVPacket *packet) { return (packet->flags & AV_PKT_FLAG_KEY) != 0; }
static inline int cffmpeg_is_dropped(const AVPacket *packet) {
  return (packet->flags & AV_PKT_FLAG_DISCARD) != 0;
}
static inline int cffmpeg_is_cut(const AVPacket *packet) { return (packet->flags & AV_PKT_FLAG_CORRUPT) != 0; }
static inline int cffmpeg_is_damaged(const AVFrame *frame) {
  return (frame->flags & AV_FRAME_FLAG_CORRUPT) != 0 || frame->decode_error_flags != 0;
}
static inline int cffmpeg_seek_backward(void) { return AVSEEK_FLAG_BACKWARD; }
static inline int cffmpeg_write_only(void) { return AVIO_FLAG_WRITE; }
static inline int cffmpeg_bilinear(void) { return SWS_BILINEAR; }
static inline int cffmpeg_quiet(void) { return AV_LOG_QUIET; }
static inline int cffmpeg_global_header(void) { return AV_CODEC_FLAG_GLOBAL_HEADER; }
static inline int cffmpeg_fixed_quality(void) { return AV_CODEC_FLAG_QSCALE; }
// The quality scale of MPEG-4, 1 (best) to 31, in the unit that encoders take.
static inline int cffmpeg_quality(int scale) { return scale * FF_QP2LAMBDA; }

// The 3 x 3 matrix that turns a stream's pictures upright, or NULL.
static inline const int32_t *cffmpeg_display_matrix(const AVStream *stream) {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 29, 100)
  const AVPacketSideData *found = av_packet_side_data_get(
      stream->codecpar->coded_side_data, stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
  return found && found->size >= 9 * sizeof(int32_t) ? (const int32_t *)found->data : NULL;
#elif LIBAVFORMAT_VERSION_MAJOR >= 59
  size_t size = 0;
  const uint8_t *found = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  return found && size >= 9 * sizeof(int32_t) ? (const int32_t *)found : NULL;
#else
  int size = 0;
  const uint8_t *found = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  return found && size >= 9 * (int)sizeof(int32_t) ? (const int32_t *)found : NULL;
#endif
}

// The colour coefficients of a frame or an encoder, as sws_setColorspaceDetails wants them.
static inline const int *cffmpeg_coefficients(enum AVColorSpace space) {
  return sws_getCoefficients(space == AVCOL_SPC_UNSPECIFIED ? SWS_CS_DEFAULT : (int)space);
}
