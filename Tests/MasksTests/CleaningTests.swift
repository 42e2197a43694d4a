import Foundation
@testable import Masks
import Testing
import TestSupport

/// What OpenCV, shapely and pycocotools make of masks, by tools/fixtures/make_cleaning.py.
private struct Recorded: Decodable {
  struct Changed: Decodable {
    let shape: String
    let size: Int
    let dilated: [String]
    let eroded: [String]
    let opened: [String]
    let closed: [String]
  }
  struct Case: Decodable, CustomTestStringConvertible {
    let name: String
    let mask: [String]
    let area: Int
    let polygons: [[[[Int]]]]
    let changed: [Changed]
    let smoothed: [[String]]
    var testDescription: String { name }
  }
  struct Kernel: Decodable {
    let shape: String
    let size: Int
    let rows: [String]
  }
  struct Line: Decodable {
    let ring: [[Int]]
    let tolerance: Double
    let simplified: [[Int]]
  }
  struct Filled: Decodable {
    let polygon: [Double]
    let size: [Int]
    let counts: String
  }
  let cases: [Case]
  let kernels: [Kernel]
  let lines: [Line]
  let filled: [Filled]

  static let file: Recorded? = {
    let data = try? Data(contentsOf: URL(filePath: TestFiles.fixture("cleaning.json")))
    return data.flatMap { try? JSONDecoder().decode(Recorded.self, from: $0) }
  }()
}

/// A ring from its first corner on, whichever that was.
private func turned(_ ring: [GridPoint]) -> [GridPoint] {
  guard let start = ring.indices.min(by: { (ring[$0].y, ring[$0].x) < (ring[$1].y, ring[$1].x) }) else {
    return []
  }
  return Array(ring[start...] + ring[..<start])
}

/// The same for a recorded one, which may go round the other way: `isShell` ones turn as ours do.
private func ring(_ recorded: [[Int]], isShell: Bool) -> [GridPoint] {
  let points = recorded.map { GridPoint(x: $0[0], y: $0[1]) }
  let area = zip(points, points.dropFirst() + points.prefix(1)).reduce(0) {
    $0 + $1.0.x * $1.1.y - $1.1.x * $1.0.y
  }
  return turned((area > 0) == isShell ? points : points.reversed())
}

private func sorted(_ rings: [[GridPoint]]) -> [[GridPoint]] {
  rings.sorted { one, other in
    one.flatMap { [$0.y, $0.x] }.lexicographicallyPrecedes(other.flatMap { [$0.y, $0.x] })
  }
}

@Suite struct CleaningTests {
  @Test func recordingsAreThere() {
    #expect(Recorded.file?.cases.count == 9 && Recorded.file?.kernels.count == 45)
    #expect((Recorded.file?.lines.count ?? 0) > 20)
  }

  @Test func kernelsAreOpenCVs() throws {
    for kernel in try #require(Recorded.file).kernels {
      let shape = try #require(MorphologyKernel.Shape(rawValue: kernel.shape))
      let size = kernel.size
      // Under a kernel that stands on the one pixel, everything that grows is the kernel, turned about its anchor.
      var pixels = [UInt8](repeating: 0, count: 9 * size * size)
      let centre = size + size / 2
      pixels[centre * 3 * size + centre] = 1
      let grown = BinaryMask(width: 3 * size, height: 3 * size, pixels: pixels)
        .dilated(by: MorphologyKernel(shape, size: size))
      let found = (0..<size).map { y in
        (0..<size).map { x in
          let (row, column) = (centre - (y - size / 2), centre - (x - size / 2))
          return grown.pixels[row * 3 * size + column] == 1 ? "#" : "."
        }.joined()
      }
      #expect(found == kernel.rows, "\(kernel.shape) \(size)")
    }
  }

  @Test(arguments: Recorded.file?.cases ?? []) fileprivate func masksChangeAsOpenCVsDo(
    _ recorded: Recorded.Case
  ) throws {
    let mask = BinaryMask(recorded.mask)
    for change in recorded.changed {
      let kernel = MorphologyKernel(
        try #require(MorphologyKernel.Shape(rawValue: change.shape)), size: change.size)
      let name: Comment = "\(change.shape) \(change.size)"
      #expect(mask.dilated(by: kernel) == BinaryMask(change.dilated), name)
      #expect(mask.eroded(by: kernel) == BinaryMask(change.eroded), name)
      #expect(mask.opened(by: kernel) == BinaryMask(change.opened), name)
      #expect(mask.closed(by: kernel) == BinaryMask(change.closed), name)
    }
    for (index, smoothed) in recorded.smoothed.enumerated() {
      #expect(mask.smoothed(radius: index + 1) == BinaryMask(smoothed), "radius \(index + 1)")
      var cleaning = CleanUp()
      cleaning.smoothing = index + 1
      #expect(cleaning(mask) == BinaryMask(smoothed), "cleaned, radius \(index + 1)")
    }
  }

  @Test(arguments: Recorded.file?.cases ?? []) fileprivate func polygonsAreShapelysUnion(
    _ recorded: Recorded.Case
  ) throws {
    let mask = BinaryMask(recorded.mask)
    let polygons = mask.polygons
    #expect(mask.area == recorded.area)
    let expected = recorded.polygons.map { rings in
      [ring(rings[0], isShell: true)] + sorted(rings.dropFirst().map { ring($0, isShell: false) })
    }
    let found = polygons.map { [turned($0.shell)] + sorted($0.holes.map(turned)) }
    func flat(_ polygons: [[[GridPoint]]]) -> [[[GridPoint]]] {
      polygons.sorted { one, other in
        one[0].flatMap { [$0.y, $0.x] }.lexicographicallyPrecedes(other[0].flatMap { [$0.y, $0.x] })
      }
    }
    #expect(flat(found) == flat(expected))
    // Filled again, as pycocotools does, they are the mask.
    var filled = [UInt8](repeating: 0, count: mask.pixels.count)
    for polygon in mask.cocoPolygons() {
      let part = BinaryMask(try RunLengthEncoding(width: mask.width, height: mask.height, polygon: polygon))
      for (place, pixel) in part.pixels.enumerated() {
        #expect(pixel == 0 || filled[place] == 0)
        filled[place] |= pixel
      }
    }
    #expect(filled == mask.pixels)
  }

  /// Wherever the walk around them begins, be it where they meet.
  @Test func holesThatMeetAtACornerAreTwo() {
    for (rows, places) in [
      (["####", "##.#", "#.##", "####"], [(2, 1), (1, 2)]),
      (["####", "#.##", "##.#", "####"], [(1, 1), (2, 2)]),
    ] {
      let expected = places.map { x, y in
        ring([[x, y], [x + 1, y], [x + 1, y + 1], [x, y + 1]], isShell: false)
      }
      let polygons = BinaryMask(rows).polygons
      #expect(polygons.map { turned($0.shell) } == [ring([[0, 0], [4, 0], [4, 4], [0, 4]], isShell: true)])
      #expect(polygons.map { sorted($0.holes.map(turned)) } == [expected])
    }
  }

  @Test func linesAreSimplifiedAsGEOSDoes() throws {
    for line in try #require(Recorded.file).lines {
      let points = line.ring.map { GridPoint(x: $0[0], y: $0[1]) }
      let polygon = OutlinePolygon(shell: points, holes: [])
      let expected = line.simplified.map { GridPoint(x: $0[0], y: $0[1]) }
      let found = polygon.simplified(tolerance: line.tolerance)
      #expect(found?.shell == (expected.count > 2 ? expected : nil), "\(line.tolerance)")
    }
  }

  @Test func polygonsAreFilledAsPycocotoolsDoes() throws {
    for filled in try #require(Recorded.file).filled {
      let runs = try RunLengthEncoding(width: filled.size[1], height: filled.size[0], polygon: filled.polygon)
      #expect(runs.compressed == filled.counts, "\(filled.polygon)")
    }
    #expect(throws: MaskError.self) { try RunLengthEncoding(width: 3, height: 3, polygon: [1, 2, 3]) }
  }

  /// Every turn after the first takes away what the one before added, or gives it back.
  @Test(arguments: [2_000, 2_001]) func anOutlineThatGoesRoundAndRoundCoversItsPixelsOddly(turns: Int) throws {
    let once: [Double] = [10, 5, 30, 5, 30, 25, 10, 25]
    let outline = Array(repeating: once, count: turns).flatMap { $0 }
    let mask = BinaryMask(try RunLengthEncoding(width: 40, height: 30, polygon: outline))
    for y in 0..<30 {
      for x in 0..<40 {
        let isInside = turns % 2 == 1 && (10..<30).contains(x) && (5..<25).contains(y)
        #expect((mask.pixels[y * 40 + x] != 0) == isInside, "\(x), \(y)")
      }
    }
  }

  /// What is more than half of its mask is no island, and of what is left the largest stays.
  @Test func cleaningGoesInOneOrder() {
    let mask = BinaryMask(["##....", "##...#", "......", "#....."])
    var cleaning = CleanUp()
    #expect(cleaning.isEmpty && cleaning(mask) == mask)
    cleaning.islandArea = 100
    #expect(cleaning(mask) == BinaryMask(["##....", "##....", "......", "......"]))
    cleaning.islandArea = 2
    #expect(cleaning(mask) == BinaryMask(["##....", "##....", "......", "......"]))
    cleaning = CleanUp()
    cleaning.keepsLargest = true
    #expect(cleaning(mask) == BinaryMask(["##....", "##....", "......", "......"]))
    let holed = BinaryMask(["#####", "#.#.#", "#.###", "#####"])
    cleaning = CleanUp()
    cleaning.holeArea = 2
    #expect(cleaning(holed) == BinaryMask(["#####", "#.###", "#.###", "#####"]))
    cleaning.opening = MorphologyKernel(.square, size: 3)
    #expect(cleaning(holed) == holed.fillingHoles(area: 1).opened(by: MorphologyKernel(.square, size: 3)))
  }
}
