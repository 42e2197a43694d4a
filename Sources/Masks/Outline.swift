// Masks as polygons along the edges of their pixels: shells and holes, exact until they are simplified.

/// A corner of pixels, counted from the top left one of the picture.
public struct GridPoint: Sendable, Hashable {
  /// Pixels to the left of it.
  public let x: Int
  /// Rows above it.
  public let y: Int

  /// The corner at (x, y).
  public init(x: Int, y: Int) {
    self.x = x
    self.y = y
  }
}

/// A part of a mask that hangs together along edges, as rings of corners. None is repeated at the end; no ring meets itself,
/// and where pixels touch at a corner alone, rings do.
public struct OutlinePolygon: Sendable, Equatable {
  /// Around the part, with its pixels to the left for who looks from above with y downwards: its signed area is positive.
  public let shell: [GridPoint]
  /// Around its holes, the other way.
  public let holes: [[GridPoint]]
}

extension BinaryMask {
  /// The mask's polygons from top to bottom, and from left to right by where they begin. Their area is the mask's.
  public var polygons: [OutlinePolygon] {
    var rings: [(part: Int, points: [GridPoint], area: Int)] = []
    let parts = edgeComponents
    var tracer = OutlineTracer(self)
    tracer.trace { part, points in
      rings.append((parts[part], points, Self.signedArea(points)))
    }
    var holes: [Int: [[GridPoint]]] = [:]
    for ring in rings where ring.area < 0 { holes[ring.part, default: []].append(ring.points) }
    return rings.filter { $0.area > 0 }.map { OutlinePolygon(shell: $0.points, holes: holes[$0.part] ?? []) }
  }

  /// Twice the area that a ring encloses, positive where it turns right on a screen.
  private static func signedArea(_ ring: [GridPoint]) -> Int {
    zip(ring, ring.dropFirst() + ring.prefix(1)).reduce(0) { $0 + $1.0.x * $1.1.y - $1.1.x * $1.0.y }
  }

  /// For every pixel the number of the part that it hangs together with along edges; −1 for background.
  private var edgeComponents: [Int] {
    var parts = [Int](repeating: -1, count: pixels.count)
    var (count, open) = (0, [Int]())
    for start in pixels.indices where pixels[start] == 1 && parts[start] < 0 {
      parts[start] = count
      open.append(start)
      while let place = open.popLast() {
        let x = place % width
        for (isThere, next) in [
          (x > 0, place - 1), (x + 1 < width, place + 1), (place >= width, place - width),
          (place + width < pixels.count, place + width),
        ] where isThere && pixels[next] == 1 && parts[next] < 0 {
          parts[next] = count
          open.append(next)
        }
      }
      count += 1
    }
    return parts
  }
}

/// Walks along the edges between foreground and background.
private struct OutlineTracer {
  /// Right, down, left, up.
  private static let steps = [(1, 0), (0, 1), (-1, 0), (0, -1)]

  private let mask: BinaryMask
  /// For each corner, whether the edge from it to the right, down, left, up was walked along: a bit each.
  private var walked: [UInt8]

  init(_ mask: BinaryMask) {
    self.mask = mask
    walked = [UInt8](repeating: 0, count: (mask.width + 1) * (mask.height + 1))
  }

  private func isInside(_ x: Int, _ y: Int) -> Bool {
    x >= 0 && y >= 0 && x < mask.width && y < mask.height && mask.pixels[y * mask.width + x] == 1
  }

  /// The pixel to the right hand of an edge from a corner, which is foreground on every edge that is walked along.
  private func pixel(_ corner: GridPoint, _ direction: Int) -> (x: Int, y: Int) {
    switch direction {
    case 0: (corner.x, corner.y)
    case 1: (corner.x - 1, corner.y)
    case 2: (corner.x - 1, corner.y - 1)
    default: (corner.x, corner.y - 1)
    }
  }

  private func isEdge(_ corner: GridPoint, _ direction: Int) -> Bool {
    let right = pixel(corner, direction)
    let left = pixel(corner, (direction + 3) % 4)
    return isInside(right.x, right.y) && !isInside(left.x, left.y)
  }

  /// Calls `body` with every ring, and with a pixel along it.
  mutating func trace(_ body: (_ pixel: Int, _ ring: [GridPoint]) -> Void) {
    for y in 0..<mask.height {
      for x in 0..<mask.width where isInside(x, y) && !isInside(x, y - 1) {
        if walked[y * (mask.width + 1) + x] & 1 == 0 { walk(from: GridPoint(x: x, y: y), body) }
      }
    }
  }

  private mutating func walk(
    from start: GridPoint, _ body: (_ pixel: Int, _ ring: [GridPoint]) -> Void
  ) {
    var (corner, direction) = (start, 0)
    var path: [(corner: GridPoint, direction: Int)] = []
    var places: [GridPoint: Int] = [:]
    repeat {
      if let before = places[corner] {
        // The walk has met itself: what it went round since is a ring of its own.
        finish(path[before...], body)
        for step in path[before...] { places[step.corner] = nil }
        path.removeSubrange(before...)
      }
      places[corner] = path.count
      path.append((corner, direction))
      walked[corner.y * (mask.width + 1) + corner.x] |= 1 << UInt8(direction)
      corner = GridPoint(x: corner.x + Self.steps[direction].0, y: corner.y + Self.steps[direction].1)
      // Right first, so that the walk stays with its pixel where two meet at a corner.
      for turn in [1, 0, 3] where isEdge(corner, (direction + turn) % 4) {
        direction = (direction + turn) % 4
        break
      }
    } while corner != start || walked[corner.y * (mask.width + 1) + corner.x] & 1 << UInt8(direction) == 0
    finish(path[...], body)
  }

  private func finish(
    _ path: ArraySlice<(corner: GridPoint, direction: Int)>,
    _ body: (_ pixel: Int, _ ring: [GridPoint]) -> Void
  ) {
    guard let first = path.first, let last = path.last else { return }
    let inside = pixel(first.corner, first.direction)
    var before = last.direction
    var ring: [GridPoint] = []
    for step in path {
      if step.direction != before { ring.append(step.corner) }
      before = step.direction
    }
    body(inside.y * mask.width + inside.x, ring)
  }
}
