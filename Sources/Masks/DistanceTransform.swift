/// Exact Euclidean distances over a grid of pixels, squared, so that they are whole numbers and ties are ties.
///
/// Source: Felzenszwalb and Huttenlocher, "Distance Transforms of Sampled Functions", 2012: down the columns, then the
/// lower envelope of parabolas along each row.
public struct DistanceTransform: Sendable {
  /// The squared distance of every pixel's centre to that of the nearest pixel of the set, row-major, `height · width`;
  /// `Int.max` for an empty set.
  public let squared: [Int]

  /// The distances to the pixels for which `isInSet` holds.
  ///
  /// - Parameters:
  ///   - width: pixels per row.
  ///   - height: rows.
  ///   - isInSet: asked of every row-major position once.
  public init(width: Int, height: Int, isInSet: (Int) -> Bool) {
    let columns = Self.columnDistances(width: width, height: height, isInSet: isInSet)
    var squared = [Int](repeating: .max, count: width * height)
    var envelope = Envelope(width: width)
    for row in 0..<height {
      let start = row * width
      envelope.clear()
      for x in 0..<width where columns[start + x] < .max { envelope.add(x, columns[start + x]) }
      envelope.sample { x, distance in squared[start + x] = distance }
    }
    self.squared = squared
  }

  /// The squared distance of every pixel to the nearest pixel of the set in its column.
  private static func columnDistances(width: Int, height: Int, isInSet: (Int) -> Bool) -> [Int] {
    var rows = [Int](repeating: .max, count: width * height)
    for pixel in rows.indices {
      if isInSet(pixel) {
        rows[pixel] = 0
      } else if pixel >= width, rows[pixel - width] < .max {
        rows[pixel] = rows[pixel - width] + 1
      }
    }
    for pixel in rows.indices.dropLast(width).reversed() where rows[pixel + width] < rows[pixel] {
      rows[pixel] = rows[pixel + width] + 1
    }
    return rows.map { $0 < .max ? $0 * $0 : .max }
  }

  /// The lower envelope of parabolas `(x − apex)² + height` whose apexes ascend.
  private struct Envelope {
    private let width: Int
    private var apexes: [Int] = []
    private var heights: [Int] = []
    /// The first whole x at which each parabola is the lowest.
    private var starts: [Int] = []

    init(width: Int) { self.width = width }

    mutating func clear() {
      apexes.removeAll(keepingCapacity: true)
      heights.removeAll(keepingCapacity: true)
      starts.removeAll(keepingCapacity: true)
    }

    mutating func add(_ apex: Int, _ height: Int) {
      var start = 0
      while let last = apexes.indices.last {
        // The first x where the new parabola is at most as high as the last one.
        let above = height + apex * apex - heights[last] - apexes[last] * apexes[last]
        let slope = 2 * (apex - apexes[last])
        start = max(0, above <= 0 ? 0 : (above + slope - 1) / slope)
        guard start <= starts[last] else { break }
        apexes.removeLast()
        heights.removeLast()
        starts.removeLast()
        start = 0
      }
      guard start < width else { return }
      apexes.append(apex)
      heights.append(height)
      starts.append(start)
    }

    func sample(_ put: (Int, Int) -> Void) {
      for index in apexes.indices {
        let end = index + 1 < starts.count ? starts[index + 1] : width
        for x in starts[index]..<end {
          put(x, (x - apexes[index]) * (x - apexes[index]) + heights[index])
        }
      }
    }
  }
}
