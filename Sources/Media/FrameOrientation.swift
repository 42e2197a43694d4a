// Turning frames upright: the display matrix of a video stream as quarter turns, applied to what was decoded.
// Source: ISO 14496-12, 8.3.2 (the matrix); decord's src/video/video_reader.cc, GetRotation (what becomes of it).

internal import CFFmpeg

/// How a stored frame is turned to be shown. Mirroring, which a matrix may ask for too, is left out, as decord does.
enum FrameOrientation: Sendable {
  case upright, clockwise, upsideDown, counterclockwise

  /// The nearest quarter turn to a 3 × 3 display matrix: x′ = a·x + c·y, y′ = b·x + d·y for its elements a, b, _, c, d,
  /// where a and b alone tell the angle.
  init(displayMatrix matrix: [Int32]) {
    guard matrix.count >= 2 else {
      self = .upright
      return
    }
    let (a, b) = (Int(matrix[0]), Int(matrix[1]))
    if abs(b) > abs(a) {
      self = b > 0 ? .clockwise : .counterclockwise
    } else {
      self = a < 0 ? .upsideDown : .upright
    }
  }

  /// Whether rows become columns.
  var swapsAxes: Bool { self == .clockwise || self == .counterclockwise }

  /// A frame turned plane by plane, to be freed by the caller; nil where memory is short. Its format must be
  /// `cffmpeg_turnable`.
  func applied(to frame: UnsafePointer<AVFrame>) -> UnsafeMutablePointer<AVFrame>? {
    let stored = frame.pointee
    var turned = cffmpeg_av_frame_alloc()
    guard let shown = turned else { return nil }
    shown.pointee.format = stored.format
    shown.pointee.width = swapsAxes ? stored.height : stored.width
    shown.pointee.height = swapsAxes ? stored.width : stored.height
    shown.pointee.colorspace = stored.colorspace
    shown.pointee.color_range = stored.color_range
    guard cffmpeg_av_frame_get_buffer(shown, 0) >= 0 else {
      cffmpeg_av_frame_free(&turned)
      return nil
    }
    let (sources, targets) = (Plane.planes(of: frame), Plane.planes(of: shown))
    for (source, target) in zip(sources, targets) {
      switch source.step {
      case 1: turn(source, into: target, as: UInt8.self)
      case 2: turn(source, into: target, as: UInt16.self)
      case 4: turn(source, into: target, as: UInt32.self)
      case 8: turn(source, into: target, as: UInt64.self)
      // Three components of one or two bytes.
      default: turn(source, into: target, by: source.step)
      }
    }
    return shown
  }

  /// Where the first shown pixel is stored, and how far from it are its neighbours to the right and below, in bytes.
  private func walk(_ plane: Plane) -> (first: Int, right: Int, down: Int) {
    let (lastColumn, lastRow) = ((plane.width - 1) * plane.step, (plane.height - 1) * plane.stride)
    return switch self {
    case .upright: (0, plane.step, plane.stride)
    case .clockwise: (lastRow, -plane.stride, plane.step)
    case .upsideDown: (lastRow + lastColumn, -plane.step, -plane.stride)
    case .counterclockwise: (lastColumn, plane.stride, -plane.step)
    }
  }

  private func turn<Pixel: BitwiseCopyable>(_ source: Plane, into target: Plane, as pixel: Pixel.Type) {
    let (first, right, down) = walk(source)
    for y in 0..<target.height {
      let (from, to) = (source.start + first + y * down, target.start + y * target.stride)
      for x in 0..<target.width {
        let value = (from + x * right).loadUnaligned(as: pixel)
        to.storeBytes(of: value, toByteOffset: x * MemoryLayout<Pixel>.size, as: pixel)
      }
    }
  }

  private func turn(_ source: Plane, into target: Plane, by step: Int) {
    let (first, right, down) = walk(source)
    for y in 0..<target.height {
      let (from, to) = (source.start + first + y * down, target.start + y * target.stride)
      for x in 0..<target.width { (to + x * step).copyMemory(from: from + x * right, byteCount: step) }
    }
  }
}

/// One plane of a frame in memory.
private struct Plane {
  let start: UnsafeMutableRawPointer
  let width: Int
  let height: Int
  /// The distance of rows, in bytes.
  let stride: Int
  /// The distance of pixels in a row, in bytes.
  let step: Int

  /// The planes of a frame.
  static func planes(of frame: UnsafePointer<AVFrame>) -> [Plane] {
    let frame = frame.pointee
    let data = withUnsafeBytes(of: frame.data) {
      Array($0.bindMemory(to: UnsafeMutablePointer<UInt8>?.self))
    }
    let strides = withUnsafeBytes(of: frame.linesize) { Array($0.bindMemory(to: Int32.self)) }
    return (0..<4).compactMap { index in
      var (width, height) = (frame.width, frame.height)
      let step = cffmpeg_plane(AVPixelFormat(rawValue: frame.format), Int32(index), &width, &height)
      guard step > 0, let start = data[index] else { return nil }
      return Plane(
        start: UnsafeMutableRawPointer(start), width: Int(width), height: Int(height),
        stride: Int(strides[index]), step: Int(step))
    }
  }
}
