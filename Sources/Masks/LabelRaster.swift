/// Which of many masks every pixel belongs to: 16-bit numbers, one a pixel, 0 for none.
public struct LabelRaster: Sendable, Equatable {
  /// Pixels per row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Numbers of masks, row-major: `height · width`.
  public let labels: [UInt16]

  /// How many masks there can be.
  public static let limit = Int(UInt16.max)

  /// The raster of masks that are numbered from 1 in their order; where they overlap the smallest is seen, of several the
  /// first.
  ///
  /// - Throws: `MaskError.sizeMismatch` for a mask of another size, `.tooManyMasks`.
  public init(width: Int, height: Int, masks: [RunLengthEncoding]) throws(MaskError) {
    guard masks.count <= Self.limit else { throw .tooManyMasks(found: masks.count, limit: Self.limit) }
    for mask in masks where mask.width != width || mask.height != height {
      throw .sizeMismatch(
        expectedWidth: width, expectedHeight: height, foundWidth: mask.width, foundHeight: mask.height)
    }
    let areas = masks.map(\.area)
    let order = masks.indices.sorted { areas[$0] == areas[$1] ? $0 > $1 : areas[$0] > areas[$1] }
    var labels = [UInt16](repeating: 0, count: width * height)
    labels.withUnsafeMutableBufferPointer { labels in
      for index in order {
        masks[index].forEachRun { x, rows in
          for y in rows { labels[y * width + x] = UInt16(index + 1) }
        }
      }
    }
    self.width = width
    self.height = height
    self.labels = labels
  }
}

extension RunLengthEncoding {
  /// Calls `body` with every run of foreground: a column, and the rows of it.
  public func forEachRun(_ body: (_ column: Int, _ rows: Range<Int>) -> Void) {
    var place = 0
    for (index, count) in counts.enumerated() {
      if index % 2 == 1, count > 0 {
        var (x, y) = place.quotientAndRemainder(dividingBy: height)
        var rest = count
        while rest > 0 {
          let end = min(height, y + rest)
          body(x, y..<end)
          rest -= end - y
          (x, y) = (x + 1, 0)
        }
      }
      place += count
    }
  }

  /// The smallest box around the foreground, in which a single pixel has width and height 1; all zero for an empty mask.
  public var bounds: PixelBox {
    var (left, right, top, bottom) = (width, -1, height, -1)
    forEachRun { x, rows in
      (left, right) = (min(left, x), x)
      (top, bottom) = (min(top, rows.lowerBound), max(bottom, rows.upperBound - 1))
    }
    if bottom < 0 { return PixelBox(x: 0, y: 0, width: 0, height: 0) }
    return PixelBox(x: left, y: top, width: right - left + 1, height: bottom - top + 1)
  }
}
