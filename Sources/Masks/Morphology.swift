// Masks grown and shrunk, opened and closed, and their outlines smoothed.
// Source: OpenCV's modules/imgproc/src/morph.dispatch.cpp (getStructuringElement, morphologyEx) and median_blur.dispatch.cpp.

/// What a mask is grown and shrunk by: for each row a run of columns, around an anchor in the middle.
public struct MorphologyKernel: Sendable, Hashable {
  /// Its outline.
  public enum Shape: String, Sendable, Hashable, CaseIterable {
    /// Every pixel of the square.
    case square
    /// The middle row and column.
    case cross
    /// The pixels of the ellipse that fills the square.
    case ellipse
  }

  /// How many columns and rows there may be.
  public static let sizes = 1...1001

  /// Columns and rows.
  public let size: Int
  /// The columns of each row.
  let rows: [Range<Int>]
  /// The column and row that stand for the pixel itself.
  var anchor: Int { size / 2 }

  /// A kernel of `size` × `size` pixels, as OpenCV's `getStructuringElement` makes it.
  public init(_ shape: Shape, size: Int) {
    precondition(size >= 1, "a kernel of \(size) pixels")
    self.size = size
    let middle = size / 2
    rows = (0..<size).map { row in
      switch shape {
      case .square: return 0..<size
      case .cross: return row == middle ? 0..<size : middle..<middle + 1
      case .ellipse:
        let away = row - middle
        guard abs(away) <= middle else { return 0..<0 }
        let square = Double(middle * middle)
        let inverse = middle > 0 ? 1 / square : 0
        let reach = Int(
          (Double(middle) * ((square - Double(away * away)) * inverse).squareRoot()).rounded(.toNearestOrEven))
        return max(middle - reach, 0)..<min(middle + reach + 1, size)
      }
    }
  }
}

extension BinaryMask {
  /// The mask with foreground wherever the kernel, put on a pixel, has any of it under it; as OpenCV's `dilate`.
  public func dilated(by kernel: MorphologyKernel) -> BinaryMask {
    BinaryMask(width: width, height: height, pixels: grown(pixels, by: kernel))
  }

  /// The mask with foreground wherever the kernel has nothing else under it; beyond the picture is no background, as in
  /// OpenCV's `erode`.
  public func eroded(by kernel: MorphologyKernel) -> BinaryMask {
    let background = grown(pixels.map { 1 - $0 }, by: kernel)
    return BinaryMask(width: width, height: height, pixels: background.map { 1 - $0 })
  }

  /// Shrunk, then grown: without what the kernel doesn't fit into.
  public func opened(by kernel: MorphologyKernel) -> BinaryMask { eroded(by: kernel).dilated(by: kernel) }

  /// Grown, then shrunk: without gaps that the kernel doesn't fit into.
  public func closed(by kernel: MorphologyKernel) -> BinaryMask { dilated(by: kernel).eroded(by: kernel) }

  /// The mask with a smoother outline: each pixel is what most of the square of `2 · radius + 1` pixels around it are, edges
  /// of the picture repeated; as OpenCV's `medianBlur`.
  public func smoothed(radius: Int) -> BinaryMask {
    guard radius > 0, width > 0, height > 0 else { return self }
    let side = 2 * radius + 1
    // Sums along the rows, then down the columns, each from the one before.
    func sums(_ count: Int, _ value: (Int) -> Int, _ put: (Int, Int) -> Void) {
      func clamped(_ place: Int) -> Int { value(min(max(place, 0), count - 1)) }
      var sum = (-radius...radius).reduce(0) { $0 + clamped($1) }
      for place in 0..<count {
        put(place, sum)
        sum += clamped(place + radius + 1) - clamped(place - radius)
      }
    }
    var across = [Int32](repeating: 0, count: pixels.count)
    var smooth = [UInt8](repeating: 0, count: pixels.count)
    for y in 0..<height {
      sums(width) {
        Int(pixels[y * width + $0])
      } _: {
        across[y * width + $0] = Int32($1)
      }
    }
    for x in 0..<width {
      sums(height) {
        Int(across[$0 * width + x])
      } _: {
        smooth[$0 * width + x] = 2 * $1 > side * side ? 1 : 0
      }
    }
    return BinaryMask(width: width, height: height, pixels: smooth)
  }

  /// 1 wherever the kernel, put on a pixel, has a 1 under it: a row of the kernel asks for the ones in a run of a row.
  private func grown(_ pixels: [UInt8], by kernel: MorphologyKernel) -> [UInt8] {
    var grown = [UInt8](repeating: 0, count: pixels.count)
    guard width > 0 else { return grown }
    // How many ones come before each column of a row.
    var before = [Int32](repeating: 0, count: width + 1)
    for y in 0..<height {
      for x in 0..<width { before[x + 1] = before[x] + Int32(pixels[y * width + x]) }
      guard before[width] > 0 else { continue }
      for (row, columns) in kernel.rows.enumerated() where !columns.isEmpty {
        let target = y - row + kernel.anchor
        guard target >= 0, target < height else { continue }
        let (first, end) = (columns.lowerBound - kernel.anchor, columns.upperBound - kernel.anchor)
        for x in 0..<width {
          let (start, stop) = (max(0, min(width, x + first)), max(0, min(width, x + end)))
          if before[stop] > before[start] { grown[target * width + x] = 1 }
        }
      }
    }
    return grown
  }
}
