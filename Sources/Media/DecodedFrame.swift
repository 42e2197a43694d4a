// A frame as the decoder gives it, and its conversion to RGB of any size by FFmpeg's scaler.
// Source: decord's src/video/ffmpeg/filter_graph.cc and threaded_decoder.cc (what the official loader has FFmpeg do).

internal import CFFmpeg

/// A decoded frame, which shares the decoder's memory. Unchecked: nothing writes to it after `init`.
final class DecodedFrame: @unchecked Sendable {
  /// How it is to be shown.
  let orientation: FrameOrientation
  /// Its video, for errors.
  let path: String
  private let frame: UnsafeMutablePointer<AVFrame>

  /// Takes another reference to what `frame` holds; nil where memory is short.
  init?(_ frame: UnsafePointer<AVFrame>, orientation: FrameOrientation, path: String) {
    guard let copy = cffmpeg_av_frame_clone(frame) else { return nil }
    self.frame = copy
    self.orientation = orientation
    self.path = path
  }

  deinit {
    var frame: UnsafeMutablePointer<AVFrame>? = frame
    cffmpeg_av_frame_free(&frame)
  }

  /// The bytes that the frame keeps in memory.
  var byteCount: Int {
    let frame = frame.pointee
    return withUnsafeBytes(of: frame.buf) { buffers in
      buffers.bindMemory(to: UnsafeMutablePointer<AVBufferRef>?.self).reduce(0) {
        $0 + Int($1?.pointee.size ?? 0)
      }
    }
  }

  /// Pixels per row and rows as displayed.
  var size: (width: Int, height: Int) {
    let (width, height) = (Int(frame.pointee.width), Int(frame.pointee.height))
    return orientation.swapsAxes ? (height, width) : (width, height)
  }

  /// The frame as 8-bit RGB of the given displayed size: turned, then scaled, as decord does it.
  ///
  /// - Throws: `MediaError.undecodableVideo`.
  func picture(width: Int, height: Int) throws(MediaError) -> Picture {
    guard orientation != .upright else { return try picture(of: frame, width: width, height: height) }
    var turned = try turned()
    defer { cffmpeg_av_frame_free(&turned) }
    guard let turned else { throw memoryProblem }
    return try picture(of: turned, width: width, height: height)
  }

  /// The frame with its planes turned, to be freed by the caller.
  private func turned() throws(MediaError) -> UnsafeMutablePointer<AVFrame>? {
    let format = AVPixelFormat(rawValue: frame.pointee.format)
    let replacement = cffmpeg_turnable(format)
    guard replacement != format else { return orientation.applied(to: frame) }
    var planar = cffmpeg_av_frame_alloc()
    defer { cffmpeg_av_frame_free(&planar) }
    guard let planar else { throw memoryProblem }
    planar.pointee.format = replacement.rawValue
    (planar.pointee.width, planar.pointee.height) = (frame.pointee.width, frame.pointee.height)
    planar.pointee.colorspace = frame.pointee.colorspace
    planar.pointee.color_range = frame.pointee.color_range
    guard cffmpeg_av_frame_get_buffer(planar, 0) >= 0 else { throw memoryProblem }
    let lines = planar.pointee.linesize
    let data = planar.pointee.data
    try scale(
      frame, to: replacement, width: planar.pointee.width, height: planar.pointee.height,
      into: [data.0, data.1, data.2, data.3], strides: [lines.0, lines.1, lines.2, lines.3])
    return orientation.applied(to: planar)
  }

  private var memoryProblem: MediaError {
    .undecodableVideo(path: path, reason: "not enough memory to turn a frame")
  }

  /// An upright frame as RGB.
  private func picture(
    of frame: UnsafePointer<AVFrame>, width: Int, height: Int
  ) throws(MediaError) -> Picture {
    let rowBytes = 3 * width
    // The scaler writes whole vectors: rows get room beyond their end.
    let stride = (rowBytes + 63) / 64 * 64 + 64
    let padded = UnsafeMutablePointer<UInt8>.allocate(capacity: stride * height)
    defer { padded.deallocate() }
    try scale(
      frame, to: AV_PIX_FMT_RGB24, width: Int32(width), height: Int32(height), into: [padded, nil, nil, nil],
      strides: [Int32(stride), 0, 0, 0])
    let pixels = [UInt8](unsafeUninitializedCapacity: rowBytes * height) { output, initialized in
      guard let target = output.baseAddress else { return }
      for row in 0..<height {
        (target + row * rowBytes).initialize(from: padded + row * stride, count: rowBytes)
      }
      initialized = rowBytes * height
    }
    return Picture(width: width, height: height, pixels: pixels)
  }

  /// Writes a frame in another format and size by FFmpeg's scaler, bilinear as decord's FFmpeg has it.
  private func scale(
    _ source: UnsafePointer<AVFrame>, to target: AVPixelFormat, width: Int32, height: Int32,
    into planes: [UnsafeMutablePointer<UInt8>?], strides: [Int32]
  ) throws(MediaError) {
    let frame = source.pointee
    let format = AVPixelFormat(rawValue: frame.format)
    guard
      let scaler = cffmpeg_sws_getContext(
        frame.width, frame.height, format, width, height, target, cffmpeg_bilinear(), nil, nil, nil)
    else {
      let name = cffmpeg_av_get_pix_fmt_name(format).map { String(cString: $0) } ?? "unknown"
      throw .undecodableVideo(path: path, reason: "its pixel format, \(name), can't be converted to RGB")
    }
    defer { cffmpeg_sws_freeContext(scaler) }
    // What is red, green and blue already has its full range whatever its tags say, and grey where they say nothing.
    let isUntagged = frame.color_range == AVCOL_RANGE_UNSPECIFIED
    let isFull =
      cffmpeg_is_rgb(format) != 0 || frame.color_range == AVCOL_RANGE_JPEG
      || isUntagged && cffmpeg_is_grey(format) != 0
    let isFullRange: Int32 = isFull ? 1 : 0
    let isRGB = target == AV_PIX_FMT_RGB24
    // Also the matrix by which colours are scaled as brightness and differences.
    let table = cffmpeg_coefficients(frame.colorspace)
    // Fails, and need not succeed, where there is no luma to convert.
    _ = cffmpeg_sws_setColorspaceDetails(
      scaler, table, isFullRange, table, isRGB ? 1 : isFullRange, 0, 1 << 16, 1 << 16)
    let sources = withUnsafeBytes(of: frame.data) {
      $0.bindMemory(to: UnsafeMutablePointer<UInt8>?.self).map { UnsafePointer($0) }
    }
    let lines = withUnsafeBytes(of: frame.linesize) { Array($0.bindMemory(to: Int32.self)) }
    guard cffmpeg_sws_scale(scaler, sources, lines, 0, frame.height, planes, strides) == height else {
      throw .undecodableVideo(path: path, reason: "a frame can't be converted to RGB")
    }
  }
}
