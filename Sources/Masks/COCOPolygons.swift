// Masks as COCO's polygons, and such polygons as masks.
// Source: cocoapi common/maskApi.c, rleFrPoly.

extension OutlinePolygon {
  /// The polygon as one ring, which COCO's polygons are: each hole is joined to what lies to its left by a cut that is gone
  /// along there and back, so that it stays a hole for who counts crossings, as pycocotools does.
  public var cutRing: [GridPoint] {
    var ring = shell
    let starts = holes.map { hole in
      hole.indices.min { (hole[$0].x, hole[$0].y) < (hole[$1].x, hole[$1].y) } ?? 0
    }
    // From left to right: what a cut meets is part of the ring already.
    let order = holes.indices.filter { !holes[$0].isEmpty }.sorted { one, other in
      let (a, b) = (holes[one][starts[one]], holes[other][starts[other]])
      return (a.x, a.y) < (b.x, b.y)
    }
    for index in order {
      let (hole, start) = (holes[index], starts[index])
      let turned = Array(hole[start...] + hole[..<start])
      guard let edge = Self.edge(leftOf: turned[0], in: ring) else { continue }
      let cut = GridPoint(x: edge.x, y: turned[0].y)
      ring.insert(contentsOf: [cut] + turned + [turned[0], cut], at: edge.place + 1)
    }
    return ring.enumerated().filter { $0 == 0 || ring[$0 - 1] != $1 }.map(\.element)
  }

  /// The nearest upright edge to the left of a corner, or through it: where the ring has it, and how far from the left.
  private static func edge(leftOf corner: GridPoint, in ring: [GridPoint]) -> (place: Int, x: Int)? {
    var nearest: (place: Int, x: Int)?
    for (place, start) in ring.enumerated() {
      let end = ring[(place + 1) % ring.count]
      guard start.x == end.x, start.x <= corner.x, min(start.y, end.y) <= corner.y,
        max(start.y, end.y) >= corner.y
      else { continue }
      if nearest.map({ start.x > $0.x }) ?? true { nearest = (place, start.x) }
    }
    return nearest
  }
}

extension BinaryMask {
  /// COCO's `segmentation` of polygons: for each the x and y of its corners in turn.
  ///
  /// - Parameter tolerance: how far corners that are left out may lie off what remains, in pixels; 0 is exact.
  public func cocoPolygons(tolerance: Double = 0) -> [[Double]] {
    simplifiedPolygons(tolerance: tolerance).map { polygon in
      polygon.cutRing.flatMap { [Double($0.x), Double($0.y)] }
    }
  }
}

extension RunLengthEncoding {
  /// The pixels that a polygon of COCO's covers, as pycocotools finds them.
  ///
  /// - Parameters:
  ///   - width: columns.
  ///   - height: rows.
  ///   - polygon: the x and y of each corner in turn, in pixels.
  /// - Throws: `MaskError.malformedRunLengths` for a mask that is too large, or numbers that don't come in pairs.
  public init(width: Int, height: Int, polygon: [Double]) throws(MaskError) {
    guard polygon.count.isMultiple(of: 2), polygon.allSatisfy({ abs($0) < 1e8 }) else {
      throw .malformedRunLengths(reason: "a polygon should be pairs of numbers, found \(polygon.count) numbers")
    }
    let corners = stride(from: 0, to: polygon.count, by: 2).map { place in
      (x: Int(Self.upsampling * polygon[place] + 0.5), y: Int(Self.upsampling * polygon[place + 1] + 0.5))
    }
    // Where the outline goes from one column of pixels' centres to the next.
    var crossings: [Int] = []
    var before = corners.first
    for (start, end) in zip(corners, corners.dropFirst() + corners.prefix(1)) {
      Self.forEachStep(from: start, to: end) { point in
        let (left, upper) = (min(point.x, before?.x ?? 0), min(point.y, before?.y ?? 0))
        let isCrossing = point.x != before?.x
        before = point
        guard isCrossing else { return }
        let x = (Double(left) + 0.5) / Self.upsampling - 0.5
        guard x.rounded(.down) == x, x >= 0, x <= Double(width - 1) else { return }
        let y = (Double(upper) + 0.5) / Self.upsampling - 0.5
        crossings.append(Int(x) * height + Int(min(max(y, 0), Double(height)).rounded(.up)))
      }
      // An outline may pass the same place any number of times.
      if crossings.count > max(Self.mostCrossings, 2 * width * height) { crossings = Self.unpaired(crossings) }
    }
    var counts = [0]
    var (place, isInside) = (0, false)
    for crossing in Self.unpaired(crossings) + [width * height] {
      Self.extend(&counts, with: isInside, by: crossing - place)
      place = crossing
      isInside.toggle()
    }
    try self.init(width: width, height: height, counts: counts)
  }

  /// How many steps a pixel is divided into.
  private static let upsampling = 5.0

  /// Crossings that are kept before those are let go that cancel each other.
  private static let mostCrossings = 1 << 16

  /// The places that were crossed an odd number of times, in order.
  private static func unpaired(_ crossings: [Int]) -> [Int] {
    var unpaired: [Int] = []
    for crossing in crossings.sorted() {
      if unpaired.last == crossing { unpaired.removeLast() } else { unpaired.append(crossing) }
    }
    return unpaired
  }

  /// Goes through the points from one corner to another, both included, one for each step along the longer axis.
  private static func forEachStep(
    from start: (x: Int, y: Int), to end: (x: Int, y: Int), _ visit: ((x: Int, y: Int)) -> Void
  ) {
    let (dx, dy) = (abs(end.x - start.x), abs(end.y - start.y))
    let isFlat = dx >= dy
    // Always in rising order of the longer axis, so that both ways have the same points.
    let isTurned = isFlat ? start.x > end.x : start.y > end.y
    let (low, high) = isTurned ? (end, start) : (start, end)
    let length = max(dx, dy)
    let rise = isFlat ? high.y - low.y : high.x - low.x
    let slope = length > 0 ? Double(rise) / Double(length) : 0
    for step in 0...length {
      let step = isTurned ? length - step : step
      let across = Int(Double(isFlat ? low.y : low.x) + slope * Double(step) + 0.5)
      visit(isFlat ? (low.x + step, across) : (across, low.y + step))
    }
  }
}

extension BinaryMask {
  /// The pixels that any of COCO's polygons covers.
  ///
  /// - Throws: What `RunLengthEncoding.init(width:height:polygon:)` throws.
  public init(width: Int, height: Int, polygons: [[Double]]) throws(MaskError) {
    var pixels = [UInt8](repeating: 0, count: width * height)
    for polygon in polygons {
      try RunLengthEncoding(width: width, height: height, polygon: polygon).paint(1, on: &pixels)
    }
    self.init(width: width, height: height, pixels: pixels)
  }
}
