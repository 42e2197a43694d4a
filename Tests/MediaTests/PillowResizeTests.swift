// Against Pillow, recorded by tools/fixtures/make_videos.py.
import Foundation
import Media
import Tensors
import Testing

@Suite struct PillowResizeTests {
  private struct Recorded: Decodable {
    struct Entry: Decodable {
      let width: Int
      let height: Int
      let pixels: Data
      let newWidth: Int
      let newHeight: Int
      let resized: Data
    }
    let pictures: [Entry]
    let normalised: Data
  }

  @Test func everyByteIsPillows() throws {
    let recorded: Recorded = try #require(fixture("bicubic"))
    #expect(recorded.pictures.count == 8)
    for entry in recorded.pictures {
      let picture = Picture(width: entry.width, height: entry.height, pixels: Array(entry.pixels))
      let resized = picture.resizedBicubic(width: entry.newWidth, height: entry.newHeight)
      #expect(resized.pixels == Array(entry.resized))
    }
  }

  /// All 256 levels as the official loader normalises them, to the bit.
  @Test func framesOfAFolderAreNormalisedAsTheOfficialLoaderDoes() throws {
    let recorded: Recorded = try #require(fixture("bicubic"))
    let folder = try TemporaryFolder()
    let levels = (0...255).flatMap { (level: UInt8) in [level, level, level] }
    try Picture(width: 16, height: 16, pixels: levels).write(path: folder.path("0.png"))
    let frame = try #require(try openFrameSource(path: folder.path("")).frame(at: 0))
    #expect(try frame.prepared(size: 16).elements == floats(recorded.normalised))
  }
}
