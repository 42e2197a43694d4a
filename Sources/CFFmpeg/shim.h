// FFmpeg's libraries: the functions that are used, under our own prefix, with names for what they spell as macros, which
// Swift can't see, and for what moved between versions 4.4 and 8.
#pragma once
#include "../CLoader/declarations.h"
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/log.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#define CFFMPEG_FUNCTIONS(X)                                                                                           \
  X(av_d2q) X(av_dict_free) X(av_dict_set) X(av_find_best_stream) X(av_frame_alloc) X(av_frame_clone) X(av_frame_free) \
  X(av_frame_get_buffer)                                                                                               \
  X(av_frame_make_writable) X(av_frame_unref) X(av_get_media_type_string) X(av_get_pix_fmt_name)                       \
  X(av_guess_frame_rate) X(av_interleaved_write_frame) X(av_log_set_level) X(av_new_packet) X(av_opt_set)              \
  X(av_packet_alloc) X(av_packet_free) X(av_packet_rescale_ts) X(av_packet_unref) X(av_pix_fmt_desc_get)               \
  X(av_read_frame) X(av_seek_frame) X(av_strerror) X(av_write_trailer) X(avcodec_alloc_context3)                       \
  X(avcodec_find_decoder) X(avcodec_find_encoder_by_name) X(avcodec_flush_buffers) X(avcodec_free_context)             \
  X(avcodec_get_name)                                                                                                  \
  X(avcodec_open2) X(avcodec_parameters_from_context) X(avcodec_parameters_to_context) X(avcodec_receive_frame)        \
  X(avcodec_receive_packet) X(avcodec_send_frame) X(avcodec_send_packet) X(avformat_alloc_output_context2)             \
  X(avformat_close_input) X(avformat_find_stream_info) X(avformat_free_context) X(avformat_new_stream)                 \
  X(avformat_open_input) X(avformat_write_header) X(avio_closep) X(avio_open) X(avio_size) X(sws_freeContext)          \
  X(sws_getCoefficients) X(sws_getContext) X(sws_scale) X(sws_setColorspaceDetails) CFFMPEG_SIDE_DATA(X)

#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 29, 100)
#define CFFMPEG_SIDE_DATA(X) X(av_packet_side_data_get)
#else
#define CFFMPEG_SIDE_DATA(X) X(av_stream_get_side_data)
#endif

// Declares each of them as cffmpeg_…: on Linux a function of our own that jumps to FFmpeg's once that is loaded, elsewhere
// another name for the linker's.
#define CFFMPEG_DECLARATION(name) CLOADER_DECLARATION(cffmpeg_##name, name)
CFFMPEG_FUNCTIONS(CFFMPEG_DECLARATION)

// Loads FFmpeg's libraries, before any other function is called. What is wrong, or NULL.
CLOADER_LOADING(cffmpeg_load)

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
  const AVPacketSideData *found = cffmpeg_av_packet_side_data_get(
      stream->codecpar->coded_side_data, stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
  return found && found->size >= 9 * sizeof(int32_t) ? (const int32_t *)found->data : NULL;
#elif LIBAVFORMAT_VERSION_MAJOR >= 59
  size_t size = 0;
  const uint8_t *found = cffmpeg_av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  return found && size >= 9 * sizeof(int32_t) ? (const int32_t *)found : NULL;
#else
  int size = 0;
  const uint8_t *found = cffmpeg_av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  return found && size >= 9 * (int)sizeof(int32_t) ? (const int32_t *)found : NULL;
#endif
}

// The colour coefficients of a frame or an encoder, as sws_setColorspaceDetails wants them. A matrix that the scaler has no
// coefficients for, also that of red, green and blue on pixels of brightness and differences, is that of BT.601, as
// FFmpeg's scale filter has it.
static inline const int *cffmpeg_coefficients(enum AVColorSpace space) {
  const int is_known = space >= AVCOL_SPC_BT709 && space <= AVCOL_SPC_BT2020_CL && space != AVCOL_SPC_UNSPECIFIED &&
                       space != AVCOL_SPC_YCGCO;
  return cffmpeg_sws_getCoefficients(is_known ? (int)space : SWS_CS_DEFAULT);
}

// Whether pixels are red, green and blue rather than brightness and two differences.
static inline int cffmpeg_is_rgb(enum AVPixelFormat format) {
  const AVPixFmtDescriptor *found = cffmpeg_av_pix_fmt_desc_get(format);
  return found && (found->flags & AV_PIX_FMT_FLAG_RGB) != 0;
}

// Whether pixels are brightness alone, which FFmpeg takes to have its full range where nothing is said.
static inline int cffmpeg_is_grey(enum AVPixelFormat format) {
  const AVPixFmtDescriptor *found = cffmpeg_av_pix_fmt_desc_get(format);
  return found && found->nb_components < 3 && (found->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL)) == 0;
}

// The format that a frame is converted to before its planes are turned one by one, which needs pixels of whole bytes and
// chroma that is as coarse in rows as in columns. FFmpeg's filters choose the same of 8 bits.
static inline enum AVPixelFormat cffmpeg_turnable(enum AVPixelFormat format) {
  const AVPixFmtDescriptor *found = cffmpeg_av_pix_fmt_desc_get(format);
  if (!found) return AV_PIX_FMT_RGB24;
  const uint64_t unsuitable = AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_PAL;
  if (!(found->flags & unsuitable) && found->log2_chroma_w == found->log2_chroma_h) return format;
  if ((found->flags & (unsuitable | AV_PIX_FMT_FLAG_RGB)) || found->nb_components < 3) return AV_PIX_FMT_RGB24;
  if (found->comp[0].depth > 12) return AV_PIX_FMT_YUV444P16;
  if (found->comp[0].depth > 10) return AV_PIX_FMT_YUV444P12;
  if (found->comp[0].depth > 8) return AV_PIX_FMT_YUV444P10;
  return format == AV_PIX_FMT_YUVJ422P || format == AV_PIX_FMT_YUVJ440P || format == AV_PIX_FMT_YUVJ411P
             ? AV_PIX_FMT_YUVJ444P
             : AV_PIX_FMT_YUV444P;
}

// The bytes of a pixel in a plane of a frame, 0 where there is no such plane; the frame's size becomes the plane's.
static inline int cffmpeg_plane(enum AVPixelFormat format, int plane, int *width, int *height) {
  const AVPixFmtDescriptor *found = cffmpeg_av_pix_fmt_desc_get(format);
  int step = 0;
  for (int i = 0; found && i < found->nb_components; i++) {
    if (found->comp[i].plane == plane && found->comp[i].step > step) step = found->comp[i].step;
  }
  if (step > 0 && (plane == 1 || plane == 2)) {
    *width = AV_CEIL_RSHIFT(*width, found->log2_chroma_w);
    *height = AV_CEIL_RSHIFT(*height, found->log2_chroma_h);
  }
  return step;
}
