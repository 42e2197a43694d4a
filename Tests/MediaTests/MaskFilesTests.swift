import Files
import Foundation
import Masks
import Media
import Testing

@Suite struct MaskFilesTests {
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

  @Test func picturesOfColoursAreRefused() throws {
    let folder = try TemporaryFolder()
    try Picture(width: 1, height: 1, pixels: [1, 2, 3]).write(path: folder.path("rgb.png"))
    #expect(throws: MediaError.self) { try LabelMap.read(path: folder.path("rgb.png")) }
  }

  /// Of numbers of sixteen bits 255 is an object like any other, of eight it may be void.
  @Test func numbersOfSixteenBitsAreRead() throws {
    let folder = try TemporaryFolder()
    let numbers: [UInt16] = [0, 1, 255, 256, 300, 65535]
    let raster = LabelRaster(width: 3, height: 2, labels: numbers)
    try raster.write(path: folder.path("deep.png"))
    let deep = try LabelRaster.read(path: folder.path("deep.png"))
    #expect(deep.labels == numbers && deep.objects == [1, 255, 256, 300, 65535])
    #expect(deep.mask(of: 256).pixels == [0, 0, 0, 1, 0, 0] && deep.foreground.area == 5)
    #expect(deep.withoutVoid == deep && !LabelRaster(width: 1, height: 1, labels: [255]).isVoidAlone)
    #expect(throws: MediaError.self) { try LabelMap.read(path: folder.path("deep.png")) }
    try LabelMap(width: 3, height: 1, labels: [0, 7, 255]).write(path: folder.path("map.png"))
    let map = try LabelRaster.read(path: folder.path("map.png"))
    #expect(map.objects == [7, 255] && map.withoutVoid.labels == [0, 7, 0] && !map.isVoidAlone)
    #expect(map.resolvingVoid.labels == [0, 7, 0] && deep.resolvingVoid == deep)
    try LabelMap(width: 2, height: 1, labels: [0, 255]).write(path: folder.path("void.png"))
    let void = try LabelRaster.read(path: folder.path("void.png"))
    #expect(void.isVoidAlone && void.resolvingVoid.labels == [0, 255])
  }

  @Test func writtenMaskReadsBackUnchanged() throws {
    let folder = try TemporaryFolder()
    let mask = BinaryMask(width: 23, height: 7, pixels: (0..<161).map { UInt8($0 * $0 % 7 % 2) })
    try mask.write(path: folder.path("mask.png"))
    #expect(try BinaryMask.read(path: folder.path("mask.png")) == mask)
    let picture = try Picture.read(path: folder.path("mask.png"))
    #expect(picture.notes == ["8-bit greyscale repeated as RGB"])
    #expect(Set(picture.pixels) == [0, 255])
  }

  @Test func anyChannelMakesForegroundWhenRead() throws {
    let folder = try TemporaryFolder()
    let picture = Picture(width: 4, height: 1, pixels: [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1])
    try picture.write(path: folder.path("colours.png"))
    #expect(try BinaryMask.read(path: folder.path("colours.png")).pixels == [0, 1, 1, 1])
  }

  /// Fixtures/mask_pictures.json: pictures that people take for masks, and the pixels that are meant, by NumPy's word.
  @Test(arguments: MaskPictures.recorded)
  func masksAreTakenForWhatTheyAreOrRefused(entry: MaskPictures.Entry) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(entry.file, entry.name)
    guard let area = entry.area else {
      #expect {
        try MaskFile.read(path: path)
      } throws: {
        if case MediaError.unclearMask(path, _) = $0 { true } else { false }
      }
      return
    }
    let found = try MaskFile.read(path: path)
    #expect(found.mask.area == area)
    #expect(found.mask.pixels.withUnsafeBytes { SHA256.hex(of: $0) } == entry.sha256)
    #expect(found.notes.isEmpty == !entry.isSaid)
  }

  @Test func writingOverAFolderIsRefused() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder.path("mask.png"), withIntermediateDirectories: true)
    #expect(throws: MediaError.self) {
      try BinaryMask(width: 1, height: 1, pixels: [1]).write(path: folder.path("mask.png"))
    }
    #expect(folder.names == ["mask.png"])
  }

  @Test func maskWithoutPixelsCannotBeWritten() throws {
    let folder = try TemporaryFolder()
    let error = #expect(throws: MediaError.self) {
      try BinaryMask(width: 0, height: 0, pixels: []).write(path: folder.path("none.png"))
    }
    guard case .couldNotEncode = error else {
      Issue.record("expected couldNotEncode, found \(String(describing: error))")
      return
    }
  }
}
