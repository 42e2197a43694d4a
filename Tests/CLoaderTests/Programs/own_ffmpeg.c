// A program that links FFmpeg itself, beside the one that we load: it calls its own before and after.
#include "shim.h"
#include <stdio.h>
#include <string.h>

// What a program does with FFmpeg: 0 where it works.
static int use(void) {
  AVFrame *frame = av_frame_alloc();
  if (!frame) return 1;
  frame->format = AV_PIX_FMT_RGB24;
  frame->width = 4;
  frame->height = 2;
  if (av_frame_get_buffer(frame, 0) < 0) return 2;
  av_frame_free(&frame);
  const AVCodec *codec = avcodec_find_decoder(AV_CODEC_ID_MPEG4);
  AVCodecContext *decoder = avcodec_alloc_context3(codec);
  if (!decoder || avcodec_open2(decoder, codec, NULL) < 0) return 3;
  avcodec_free_context(&decoder);
  if (strcmp(av_get_pix_fmt_name(AV_PIX_FMT_RGB24), "rgb24") != 0) return 4;
  return avutil_version() >> 16 == LIBAVUTIL_VERSION_MAJOR ? 0 : 5;
}

int main(void) {
  int before = use();
  const char *problem = cffmpeg_load();
  if (problem) {
    puts(problem);
    return 10;
  }
  AVFrame *frame = cffmpeg_av_frame_alloc();
  if (!frame) return 11;
  cffmpeg_av_frame_free(&frame);
  int after = use();
  printf("before %d, after %d\n", before, after);
  return before || after;
}
