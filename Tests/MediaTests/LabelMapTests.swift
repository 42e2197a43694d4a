import Foundation
import Media
import Testing

@Suite struct LabelMapTests {
  private struct Recorded: Decodable {
    struct Entry: Decodable {
      let bits: Int
      let width: Int
      let height: Int
      let labels: Data
      let file: Data
    }
    let maps: [Entry]
  }

  @Test func indexedPNGsOfEveryDepthAreRead() throws {
    let recorded: Recorded = try #require(fixture("label_maps"))
    #expect(recorded.maps.map(\.bits) == [1, 2, 4, 8])
    let folder = try TemporaryFolder()
    for entry in recorded.maps {
      let path = try folder.write(entry.file, "map\(entry.bits).png")
      #expect(
        try LabelMap.read(path: path)
          == LabelMap(width: entry.width, height: entry.height, labels: Array(entry.labels)))
    }
  }

  /// DAVIS's first colours and its last.
  @Test func thePaletteIsDAVISs() throws {
    let folder = try TemporaryFolder()
    let map = LabelMap(width: 5, height: 1, labels: [0, 1, 2, 3, 255])
    try map.write(path: folder.path("map.png"))
    #expect(try LabelMap.read(path: folder.path("map.png")) == map)
    let colors: [UInt8] = [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0, 224, 224, 192]
    #expect(try Picture.read(path: folder.path("map.png")).pixels == colors)
  }

  @Test func theLowestNumberWinsWhereMasksOverlap() throws {
    let left = BinaryMask(width: 3, height: 1, pixels: [1, 1, 0])
    let right = BinaryMask(width: 3, height: 1, pixels: [0, 1, 1])
    let map = try LabelMap(width: 3, height: 1, masks: [(2, left), (7, right)])
    #expect(map.labels == [2, 2, 7])
    #expect(map.objects == [2, 7])
    #expect(map.mask(of: 7).pixels == [0, 0, 1])
    #expect(throws: MediaError.objectOutOfRange(object: 256)) {
      try LabelMap(width: 3, height: 1, masks: [(256, left)])
    }
  }

  @Test func picturesOfColoursAreRefused() throws {
    let folder = try TemporaryFolder()
    try Picture(width: 1, height: 1, pixels: [1, 2, 3]).write(path: folder.path("rgb.png"))
    #expect(throws: MediaError.self) { try LabelMap.read(path: folder.path("rgb.png")) }
  }

  /// A dark object on a dark picture has a white rim, its inside is tinted and far pixels stay.
  @Test func overlaysHaveARimAroundObjects() throws {
    let black = Picture(width: 9, height: 1, pixels: [UInt8](repeating: 0, count: 27))
    let map = LabelMap(width: 9, height: 1, labels: [0, 0, 0, 1, 1, 1, 0, 0, 0])
    let shown = try black.overlaid(with: map)
    let red = stride(from: 0, to: 27, by: 3).map { shown.pixels[$0] }
    #expect(red == [0, 0, 255, 128, 64, 128, 255, 0, 0])
    let small = Picture(width: 1, height: 1, pixels: [0, 0, 0])
    #expect(throws: MediaError.self) { try small.overlaid(with: map) }
  }
}
