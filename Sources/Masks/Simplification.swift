// Outlines with fewer corners. Source: Douglas and Peucker, "Algorithms for the reduction of the number of points required
// to represent a digitized line or its caricature", 1973.

extension BinaryMask {
  /// The mask's polygons, simplified; those of which nothing remains are left out.
  ///
  /// - Parameter tolerance: how far corners that are left out may lie off what remains, in pixels; 0 is exact.
  public func simplifiedPolygons(tolerance: Double) -> [OutlinePolygon] {
    polygons.compactMap { $0.simplified(tolerance: tolerance) }
  }
}

extension OutlinePolygon {
  /// The polygon without corners that lie at most `tolerance` pixels off what remains; holes, and polygons, of which
  /// nothing with an area remains are left out: nil for the polygon itself.
  public func simplified(tolerance: Double) -> OutlinePolygon? {
    guard tolerance > 0 else { return self }
    let shell = Self.simplified(shell, tolerance)
    guard shell.count > 2 else { return nil }
    return OutlinePolygon(
      shell: shell, holes: holes.map { Self.simplified($0, tolerance) }.filter { $0.count > 2 })
  }

  /// A ring's corners that remain, of which the first is one.
  static func simplified(_ ring: [GridPoint], _ tolerance: Double) -> [GridPoint] {
    let closed = ring + ring.prefix(1)
    var isKept = [Bool](repeating: false, count: closed.count)
    (isKept[0], isKept[closed.count - 1]) = (true, true)
    var open = [(0, closed.count - 1)]
    while let (first, last) = open.popLast() {
      guard last - first > 1 else { continue }
      var (farthest, distance) = (first, -1.0)
      for place in first + 1..<last {
        let away = squaredDistance(of: closed[place], to: closed[first], closed[last])
        if away > distance { (farthest, distance) = (place, away) }
      }
      if distance > tolerance * tolerance {
        isKept[farthest] = true
        open += [(first, farthest), (farthest, last)]
      }
    }
    return ring.indices.filter { isKept[$0] }.map { ring[$0] }
  }

  /// To the nearest point of the line between two corners.
  private static func squaredDistance(of point: GridPoint, to start: GridPoint, _ end: GridPoint) -> Double {
    let (dx, dy) = (Double(end.x - start.x), Double(end.y - start.y))
    let (px, py) = (Double(point.x - start.x), Double(point.y - start.y))
    let length = dx * dx + dy * dy
    let part = length > 0 ? min(1, max(0, (px * dx + py * dy) / length)) : 0
    let (x, y) = (px - part * dx, py - part * dy)
    return x * x + y * y
  }
}
