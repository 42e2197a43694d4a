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
    guard let copy = av_frame_clone(frame) else { return nil }
    self.frame = copy
    self.orientation = orientation
    self.path = path
  }

  deinit {
    var frame: UnsafeMutablePointer<AVFrame>? = frame
    av_frame_free(&frame)
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

  /// The frame as 8-bit RGB of the given displayed size.
  ///
  /// The scaler is bilinear, as decord's FFmpeg has it. Turning happens after scaling, where decord turns first.
  ///
  /// - Throws: `MediaError.undecodableVideo`.
  func picture(width: Int, height: Int) throws(MediaError) -> Picture {
    let (storedWidth, storedHeight) = orientation.swapsAxes ? (height, width) : (width, height)
    let frame = frame.pointee
    let format = AVPixelFormat(rawValue: frame.format)
    guard
      let scaler = sws_getContext(
        frame.width, frame.height, format, Int32(storedWidth), Int32(storedHeight), AV_PIX_FMT_RGB24,
        cffmpeg_bilinear(), nil, nil, nil)
    else {
      let name = av_get_pix_fmt_name(format).map { String(cString: $0) } ?? "unknown"
      throw .undecodableVideo(path: path, reason: "its pixel format, \(name), can't be converted to RGB")
    }
    defer { sws_freeContext(scaler) }
    let isFullRange: Int32 = frame.color_range == AVCOL_RANGE_JPEG ? 1 : 0
    let table = cffmpeg_coefficients(frame.colorspace)
    // Fails, and need not succeed, where there is no luma to convert.
    _ = sws_setColorspaceDetails(
      scaler, table, isFullRange, cffmpeg_coefficients(AVCOL_SPC_UNSPECIFIED), 1, 0, 1 << 16, 1 << 16)
    let rowBytes = 3 * storedWidth
    // The scaler writes whole vectors: rows get room beyond their end.
    let stride = (rowBytes + 63) / 64 * 64 + 64
    var converted: Int32 = 0
    let padded = [UInt8](unsafeUninitializedCapacity: stride * storedHeight) { output, initialized in
      let sources = withUnsafeBytes(of: frame.data) {
        $0.bindMemory(to: UnsafeMutablePointer<UInt8>?.self).map { UnsafePointer($0) }
      }
      let strides = withUnsafeBytes(of: frame.linesize) { Array($0.bindMemory(to: Int32.self)) }
      var targets = [output.baseAddress, nil, nil, nil]
      let targetStrides = [Int32(stride), 0, 0, 0]
      converted = sws_scale(scaler, sources, strides, 0, frame.height, &targets, targetStrides)
      initialized = stride * storedHeight
    }
    guard converted == Int32(storedHeight) else {
      throw .undecodableVideo(path: path, reason: "a frame can't be converted to RGB")
    }
    let pixels = [UInt8](unsafeUninitializedCapacity: rowBytes * storedHeight) { output, initialized in
      padded.withUnsafeBufferPointer { padded in
        guard let source = padded.baseAddress, let target = output.baseAddress else { return }
        for row in 0..<storedHeight {
          (target + row * rowBytes).initialize(from: source + row * stride, count: rowBytes)
        }
      }
      initialized = rowBytes * storedHeight
    }
    return Picture(
      width: width, height: height,
      pixels: orientation.applied(to: pixels, width: storedWidth, height: storedHeight))
  }
}
