// An encoder and a file of the container that its packets go to.

internal import CFFmpeg
import Files
import Kernels

/// Encodes frames into an open file.
struct VideoMuxer: ~Copyable {
  let encoderName: String
  private let path: String
  private let format: UnsafeMutablePointer<AVFormatContext>
  private let encoder: UnsafeMutablePointer<AVCodecContext>
  private let stream: UnsafeMutablePointer<AVStream>
  private let frame: UnsafeMutablePointer<AVFrame>
  private let packet: UnsafeMutablePointer<AVPacket>
  private let scaler: OpaquePointer
  private let container: VideoContainer

  /// The unit of times: MPEG's clock, in which every usual frame rate has whole frames.
  let unitsPerSecond: Int

  /// Opens an encoder and begins a file at `temporaryPath`; `path` is for errors.
  ///
  /// - Throws: `MediaError.couldNotEncodeVideo`.
  init(
    path: String, temporaryPath: String, container: VideoContainer, width: Int, height: Int, frameRate: Double
  ) throws(MediaError) {
    if let problem = ffmpegProblem { throw .couldNotEncodeVideo(path: path, reason: problem) }
    cffmpeg_av_log_set_level(cffmpeg_quiet())
    var opened: UnsafeMutablePointer<AVFormatContext>?
    cffmpeg_avformat_alloc_output_context2(&opened, nil, container.format, nil)
    guard let opened, let stream = cffmpeg_avformat_new_stream(opened, nil) else {
      cffmpeg_avformat_free_context(opened)
      throw .couldNotEncodeVideo(path: path, reason: "this FFmpeg writes no \(container.rawValue)")
    }
    var encoder: UnsafeMutablePointer<AVCodecContext>?
    var name = ""
    for candidate in container.encoders where encoder == nil {
      name = candidate
      encoder = Self.openEncoder(
        named: candidate, for: container, width: width, height: height, frameRate: frameRate)
    }
    var frame = cffmpeg_av_frame_alloc()
    var packet = cffmpeg_av_packet_alloc()
    let scaler = cffmpeg_sws_getContext(
      Int32(width), Int32(height), AV_PIX_FMT_RGB24, Int32(width), Int32(height), container.pixelFormat,
      cffmpeg_bilinear(), nil, nil, nil)
    do throws(MediaError) {
      guard let encoder else {
        throw .couldNotEncodeVideo(
          path: path,
          reason: "this FFmpeg has none of the encoders " + container.encoders.joined(separator: ", "))
      }
      guard let scaler, let frame, let packet else {
        throw .couldNotEncodeVideo(path: path, reason: "not enough memory for an encoder")
      }
      _ = cffmpeg_sws_setColorspaceDetails(
        scaler, cffmpeg_coefficients(AVCOL_SPC_BT709), 1, cffmpeg_coefficients(AVCOL_SPC_BT709), 0, 0, 1 << 16,
        1 << 16)
      frame.pointee.format = container.pixelFormat.rawValue
      frame.pointee.width = encoder.pointee.width
      frame.pointee.height = encoder.pointee.height
      var status = cffmpeg_av_frame_get_buffer(frame, 0)
      if status >= 0 { status = cffmpeg_avcodec_parameters_from_context(stream.pointee.codecpar, encoder) }
      stream.pointee.time_base = encoder.pointee.time_base
      stream.pointee.avg_frame_rate = encoder.pointee.framerate
      if status >= 0 {
        status = ("file:" + temporaryPath).withFileName {
          cffmpeg_avio_open(&opened.pointee.pb, $0, cffmpeg_write_only())
        }
      }
      if status >= 0 { status = cffmpeg_avformat_write_header(opened, nil) }
      guard status >= 0 else { throw .couldNotEncodeVideo(path: path, reason: ffmpegReason(status)) }
      self.format = opened
      self.encoder = encoder
      unitsPerSecond = Int(encoder.pointee.time_base.den)
      self.frame = frame
      self.packet = packet
      self.scaler = scaler
      self.container = container
    } catch {
      cffmpeg_av_frame_free(&frame)
      cffmpeg_av_packet_free(&packet)
      cffmpeg_avcodec_free_context(&encoder)
      cffmpeg_sws_freeContext(scaler)
      cffmpeg_avio_closep(&opened.pointee.pb)
      cffmpeg_avformat_free_context(opened)
      throw error
    }
    self.path = path
    self.stream = stream
    encoderName = name
  }

  deinit {
    var frame: UnsafeMutablePointer<AVFrame>? = frame
    var packet: UnsafeMutablePointer<AVPacket>? = packet
    var encoder: UnsafeMutablePointer<AVCodecContext>? = encoder
    cffmpeg_av_frame_free(&frame)
    cffmpeg_av_packet_free(&packet)
    cffmpeg_avcodec_free_context(&encoder)
    cffmpeg_sws_freeContext(scaler)
    cffmpeg_avio_closep(&format.pointee.pb)
    cffmpeg_avformat_free_context(format)
  }

  /// Encodes a picture of the size given at first, shown from `time` on.
  mutating func write(_ picture: Picture, at time: Int64, lasting step: Int64) throws(MediaError) {
    try check(cffmpeg_av_frame_make_writable(frame))
    let source = picture.pixels.withUnsafeBufferPointer { pixels in
      let sources = [pixels.baseAddress, nil, nil, nil]
      let strides = [Int32(3 * picture.width), 0, 0, 0]
      let planes = frame.pointee.data
      var targets = [planes.0, planes.1, planes.2, nil]
      let lines = frame.pointee.linesize
      return cffmpeg_sws_scale(
        scaler, sources, strides, 0, Int32(picture.height), &targets, [lines.0, lines.1, lines.2, 0])
    }
    guard source == Int32(picture.height) else {
      throw .couldNotEncodeVideo(path: path, reason: "a frame can't be converted for the encoder")
    }
    if container.isHalved { padLuma(width: picture.width, height: picture.height) }
    frame.pointee.pts = time
    try check(cffmpeg_avcodec_send_frame(encoder, frame))
    try drain(lasting: step)
  }

  /// Writes what the encoder holds back, then the file's index.
  mutating func finish() throws(MediaError) {
    try check(cffmpeg_avcodec_send_frame(encoder, nil))
    try drain(lasting: 0)
    try check(cffmpeg_av_write_trailer(format))
    try check(cffmpeg_avio_closep(&format.pointee.pb))
  }

  /// Writes the packets that are ready.
  private func drain(lasting step: Int64) throws(MediaError) {
    while true {
      let status = cffmpeg_avcodec_receive_packet(encoder, packet)
      if status == cffmpeg_again() || status == cffmpeg_end_of_file() { return }
      try check(status)
      if packet.pointee.duration <= 0 { packet.pointee.duration = step }
      cffmpeg_av_packet_rescale_ts(packet, encoder.pointee.time_base, stream.pointee.time_base)
      packet.pointee.stream_index = stream.pointee.index
      try check(cffmpeg_av_interleaved_write_frame(format, packet))
    }
  }

  /// Repeats the last column and row where the encoder's size is one more. Chroma needs no padding: it has half the
  /// size, rounded up.
  private func padLuma(width: Int, height: Int) {
    guard let luma = frame.pointee.data.0 else { return }
    let stride = Int(frame.pointee.linesize.0)
    if width % 2 == 1 {
      for row in 0..<height { luma[row * stride + width] = luma[row * stride + width - 1] }
    }
    if height % 2 == 1 {
      (luma + height * stride).update(from: luma + (height - 1) * stride, count: width + width % 2)
    }
  }

  private func check(_ status: Int32) throws(MediaError) {
    guard status >= 0 else { throw .couldNotEncodeVideo(path: path, reason: ffmpegReason(status)) }
  }

  /// An open encoder of that name; nil where FFmpeg has none or it doesn't work here.
  private static func openEncoder(
    named name: String, for container: VideoContainer, width: Int, height: Int, frameRate: Double
  ) -> UnsafeMutablePointer<AVCodecContext>? {
    guard let codec = cffmpeg_avcodec_find_encoder_by_name(name),
      let encoder = cffmpeg_avcodec_alloc_context3(codec)
    else {
      return nil
    }
    encoder.pointee.width = Int32(container.isHalved ? width + width % 2 : width)
    encoder.pointee.height = Int32(container.isHalved ? height + height % 2 : height)
    encoder.pointee.pix_fmt = container.pixelFormat
    // MPEG-4 part 2 has 16 bits for a second's units.
    encoder.pointee.time_base = AVRational(num: 1, den: name == "mpeg4" ? 30_000 : 90_000)
    encoder.pointee.framerate = cffmpeg_av_d2q(frameRate, 60_000)
    if container != .gif {
      encoder.pointee.colorspace = AVCOL_SPC_BT709
      encoder.pointee.color_primaries = AVCOL_PRI_BT709
      encoder.pointee.color_trc = AVCOL_TRC_BT709
      encoder.pointee.color_range = AVCOL_RANGE_MPEG
    }
    // A key frame every two seconds or so keeps seeking quick.
    encoder.pointee.gop_size = Int32(max(12, min(120, (2 * frameRate).rounded())))
    encoder.pointee.thread_count = Int32(min(Parallelism.threads, 8))
    // These containers keep the parameters in their header.
    encoder.pointee.flags |= cffmpeg_global_header()
    switch name {
    case "libx264":
      cffmpeg_av_opt_set(encoder.pointee.priv_data, "preset", "veryfast", 0)
      cffmpeg_av_opt_set(encoder.pointee.priv_data, "crf", "18", 0)
    case "libvpx-vp9":
      cffmpeg_av_opt_set(encoder.pointee.priv_data, "crf", "24", 0)
      cffmpeg_av_opt_set(encoder.pointee.priv_data, "deadline", "realtime", 0)
      cffmpeg_av_opt_set(encoder.pointee.priv_data, "cpu-used", "6", 0)
    case "gif": break
    case "mpeg4":
      encoder.pointee.flags |= cffmpeg_fixed_quality()
      encoder.pointee.global_quality = cffmpeg_quality(3)
    default: encoder.pointee.bit_rate = Int64(Double(width * height) * frameRate * 0.2)
    }
    if cffmpeg_avcodec_open2(encoder, codec, nil) >= 0 { return encoder }
    var failed: UnsafeMutablePointer<AVCodecContext>? = encoder
    cffmpeg_avcodec_free_context(&failed)
    return nil
  }
}
