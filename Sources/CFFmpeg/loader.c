// FFmpeg loaded when a video is first opened, on Linux. Its 130 libraries would take the dynamic linker 40 ms of every
// start otherwise, also where no video is looked at. Elsewhere, where this file is not compiled, the linker finds them.
#include "cloader.h"
#include "shim.h"

#define TEXT(x) #x
#define SONAME(name, version) "lib" #name ".so." TEXT(version)

#define FUNCTIONS(X)                                                                                                   \
  X(av_d2q) X(av_find_best_stream) X(av_frame_alloc) X(av_frame_clone) X(av_frame_free) X(av_frame_get_buffer)         \
  X(av_frame_make_writable) X(av_frame_unref) X(av_get_media_type_string) X(av_get_pix_fmt_name)                       \
  X(av_guess_frame_rate) X(av_interleaved_write_frame) X(av_log_set_level) X(av_opt_set) X(av_packet_alloc)            \
  X(av_packet_free) X(av_packet_rescale_ts) X(av_packet_unref) X(av_read_frame) X(av_seek_frame) X(av_strerror)        \
  X(av_write_trailer) X(avcodec_alloc_context3) X(avcodec_find_decoder) X(avcodec_find_encoder_by_name)                \
  X(avcodec_flush_buffers) X(avcodec_free_context) X(avcodec_get_name) X(avcodec_open2)                                \
  X(avcodec_parameters_from_context) X(avcodec_parameters_to_context) X(avcodec_receive_frame)                         \
  X(avcodec_receive_packet) X(avcodec_send_frame) X(avcodec_send_packet) X(avformat_alloc_output_context2)             \
  X(avformat_close_input) X(avformat_find_stream_info) X(avformat_free_context) X(avformat_new_stream)                 \
  X(avformat_open_input) X(avformat_write_header) X(avio_closep) X(avio_open) X(sws_freeContext)                       \
  X(sws_getCoefficients) X(sws_getContext) X(sws_scale) X(sws_setColorspaceDetails) SIDE_DATA(X)

#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 29, 100)
#define SIDE_DATA(X) X(av_packet_side_data_get)
#else
#define SIDE_DATA(X) X(av_stream_get_side_data)
#endif

CLOADER_LIBRARY(cffmpeg_load, FUNCTIONS, SONAME(avutil, LIBAVUTIL_VERSION_MAJOR),
                SONAME(avcodec, LIBAVCODEC_VERSION_MAJOR), SONAME(avformat, LIBAVFORMAT_VERSION_MAJOR),
                SONAME(swscale, LIBSWSCALE_VERSION_MAJOR))
