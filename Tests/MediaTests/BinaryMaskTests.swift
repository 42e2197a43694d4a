import Foundation
import Media
import Tensors
import Testing

@Suite struct BinaryMaskTests {
  /// Against pycocotools' `area` and `toBbox`, recorded in Fixtures/run_lengths.json.
  @Test(arguments: MaskFixtures.recorded)
  func areaAndBoundsAreThoseOfPycocotools(_ entry: MaskFixtures.Entry) throws {
    let mask = BinaryMask(
      try RunLengthEncoding(width: entry.width, height: entry.height, compressed: entry.counts))
    let bounds = mask.bounds
    #expect(mask.area == entry.area)
    #expect([bounds.x, bounds.y, bounds.width, bounds.height] == entry.bounds)
  }

  @Test func logitsAboveTheThresholdAreForeground() {
    let logits = Tensor([2, 3], [-1, 0, 0.5, 1, .nan, 2])
    #expect(BinaryMask(logits: logits).pixels == [0, 0, 1, 1, 0, 1])
    #expect(BinaryMask(logits: logits, threshold: 1).pixels == [0, 0, 0, 0, 0, 1])
    #expect(BinaryMask(logits: logits).width == 3)
  }

  @Test func anyValueButZeroIsForeground() {
    #expect(BinaryMask(width: 2, height: 1, pixels: [7, 0]).pixels == [1, 0])
  }

  @Test func writtenMaskReadsBackUnchanged() throws {
    let folder = try TemporaryFolder()
    let entry = try #require(MaskFixtures.recorded.first { $0.name == "random" })
    let mask = try #require(entry.mask)
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
