// Turning frames upright: the display matrix of a video stream as one of eight orientations.
// Source: ISO 14496-12, 8.3.2 (the matrix); libavutil/display.h (its layout).

/// How stored pixels are placed on the screen: exchanged axes first, then mirrored.
struct FrameOrientation: Equatable, Sendable {
  /// Whether rows become columns.
  var swapsAxes = false
  /// Whether left and right change places, after that.
  var mirrorsX = false
  /// Whether top and bottom change places, after that.
  var mirrorsY = false

  static let upright = FrameOrientation()

  init(swapsAxes: Bool = false, mirrorsX: Bool = false, mirrorsY: Bool = false) {
    self.swapsAxes = swapsAxes
    self.mirrorsX = mirrorsX
    self.mirrorsY = mirrorsY
  }

  /// The nearest orientation to a 3 × 3 display matrix: x′ = a·x + c·y, y′ = b·x + d·y for its elements a, b, _, c, d.
  init(displayMatrix matrix: [Int32]) {
    guard matrix.count >= 5 else { return }
    let (a, b, c, d) = (Int(matrix[0]), Int(matrix[1]), Int(matrix[3]), Int(matrix[4]))
    swapsAxes = abs(b) + abs(c) > abs(a) + abs(d)
    mirrorsX = (swapsAxes ? c : a) < 0
    mirrorsY = (swapsAxes ? b : d) < 0
  }

  /// Interleaved RGB of `width` × `height` stored pixels, as displayed.
  func applied(to pixels: [UInt8], width: Int, height: Int) -> [UInt8] {
    if self == .upright { return pixels }
    let (shownWidth, shownHeight) = swapsAxes ? (height, width) : (width, height)
    return [UInt8](unsafeUninitializedCapacity: pixels.count) { shown, initialized in
      pixels.withUnsafeBufferPointer { pixels in
        for y in 0..<shownHeight {
          let v = mirrorsY ? shownHeight - 1 - y : y
          for x in 0..<shownWidth {
            let u = mirrorsX ? shownWidth - 1 - x : x
            let source = 3 * (swapsAxes ? u * width + v : v * width + u)
            let target = 3 * (y * shownWidth + x)
            for channel in 0..<3 { shown[target + channel] = pixels[source + channel] }
          }
        }
      }
      initialized = pixels.count
    }
  }
}
